/**
 * Invitations: 32 random bytes that let one person make one account, once, for a while. Kept as hashes only.
 */
import { demand } from '@anysync/protocol/errors.ts'
import { invitationsOpenMax } from '@anysync/protocol/limits.ts'
import type { Transaction } from 'kysely'
import type { Clock } from './clock.ts'
import type { Database, Tables } from './db/tables.ts'
import { hashToken, newToken } from './tokens.ts'

export type Invitation = { token: Uint8Array<ArrayBuffer>; expiresMs: number }

/** `bytesQuota`: the most the account may store; null for no limit. */
export const createInvitation = async (
  database: Database,
  clock: Clock,
  { bytesQuota, lifeMs }: { bytesQuota: number | null; lifeMs: number },
): Promise<Invitation> => {
  const token = newToken()
  const nowMs = clock.nowMs()
  const expiresMs = nowMs + lifeMs
  await database.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('invitation').where('expires_ms', '<=', nowMs).where('used_ms', 'is', null).execute()
    demand(
      (await countOpen(transaction, nowMs)) < invitationsOpenMax,
      'invitation.create',
      'full',
      `${invitationsOpenMax} invitations are open already: wait until some expire`,
    )
    await transaction
      .insertInto('invitation')
      .values({
        token_hash: hashToken(token),
        bytes_quota: bytesQuota,
        created_ms: nowMs,
        expires_ms: expiresMs,
        used_ms: null,
      })
      .execute()
  })
  return { token, expiresMs }
}

/** Uses an invitation up, as part of making an account. Throws `missing`: unknown, used and expired look alike. */
export const spendInvitation = async (
  transaction: Transaction<Tables>,
  token: Uint8Array,
  nowMs: number,
): Promise<{ bytesQuota: number | null }> => {
  const spent = await transaction
    .updateTable('invitation')
    .set({ used_ms: nowMs })
    .where('token_hash', '=', hashToken(token))
    .where('used_ms', 'is', null)
    .where('expires_ms', '>', nowMs)
    .returning('bytes_quota')
    .executeTakeFirst()
  demand(
    spent !== undefined,
    'account.sign-up',
    'missing',
    'there is no such invitation, or it was used, or it has expired: ask the operator of the server for a new one',
  )
  return { bytesQuota: spent.bytes_quota }
}

/** Invitations that could still be used. */
export const countOpenInvitations = (database: Database, clock: Clock): Promise<number> =>
  countOpen(database, clock.nowMs())

const countOpen = async (database: Database, nowMs: number): Promise<number> => {
  const { open } = await database
    .selectFrom('invitation')
    .select((of) => of.fn.countAll<number>().as('open'))
    .where('used_ms', 'is', null)
    .where('expires_ms', '>', nowMs)
    .executeTakeFirstOrThrow()
  return open
}
