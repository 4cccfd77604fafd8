/**
 * Who calls, and what is theirs. The one place where calls are let in: every route needs a token but the few in
 * the closed table below, and a route that nobody thought of needs one too.
 */
import type { DescMethod } from '@bufbuild/protobuf'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import type { DeviceId, UserId, VaultId } from '@anysync/protocol/ids.ts'
import { Account } from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import type { Clock } from './clock.ts'
import type { Database } from './db/tables.ts'
import { hashToken, sameTokenHash, tokenOfHeader } from './tokens.ts'

/** Where a method is called, as Connect and gRPC say it. */
export const routeOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`

/** Whom a route takes: anybody, a device, or the account itself (whose token only the password opens). */
export type Admission = 'anybody' | 'device' | 'account'

/** Routes that are not for devices. All others are, known or not. */
const admissionsByRoute = new Map<string, Admission>([
  [routeOf(Account.method.signUp), 'anybody'],
  [routeOf(Account.method.challenge), 'anybody'],
  [routeOf(Account.method.login), 'anybody'],
  ['/healthz', 'anybody'],
  ['/readyz', 'anybody'],
  [routeOf(Account.method.revokeDevice), 'account'],
])

export const admissionOf = (route: string): Admission => admissionsByRoute.get(route) ?? 'device'

export type Caller =
  | { holder: 'nobody' }
  | { holder: 'device'; userId: UserId; deviceId: DeviceId }
  | { holder: 'account'; userId: UserId }

const seenMsEvery = 5 * 60_000

/** Throws `unauthorized` unless the header's token may call the route. What is wrong with a token is not said. */
export const authenticate = async (
  database: Database,
  clock: Clock,
  route: string,
  header: string | undefined,
): Promise<Caller> => {
  const admission = admissionOf(route)
  if (admission === 'anybody') return { holder: 'nobody' }
  const token = tokenOfHeader(header)
  const caller =
    token === null ? null : await (admission === 'device' ? deviceWith : accountWith)(database, clock, token)
  if (caller === null) {
    const needed = admission === 'device' ? "a device's token: log in again" : "the account's token: give the password"
    throw new SyncError('authorize', 'unauthorized', `this call needs ${needed}`)
  }
  return caller
}

const deviceWith = async (database: Database, clock: Clock, token: Uint8Array): Promise<Caller | null> => {
  const wanted = hashToken(token)
  const row = await database
    .selectFrom('device')
    .select(['user_id', 'device_id', 'token_hash', 'seen_ms'])
    .where('token_hash', '=', wanted)
    .where('revoked_ms', 'is', null)
    .executeTakeFirst()
  if (row === undefined || !sameTokenHash(row.token_hash, wanted)) return null
  const nowMs = clock.nowMs()
  if (nowMs - row.seen_ms > seenMsEvery) {
    await database.updateTable('device').set({ seen_ms: nowMs }).where('device_id', '=', row.device_id).execute()
  }
  return { holder: 'device', userId: row.user_id, deviceId: row.device_id }
}

const accountWith = async (database: Database, _clock: Clock, token: Uint8Array): Promise<Caller | null> => {
  const wanted = hashToken(token)
  const row = await database
    .selectFrom('account')
    .select(['user_id', 'token_hash'])
    .where('token_hash', '=', wanted)
    .executeTakeFirst()
  if (row === undefined || !sameTokenHash(row.token_hash, wanted)) return null
  return { holder: 'account', userId: row.user_id }
}

/** A vault that the account has a grant to. `missing` for all others, whether they exist or not. */
export const vaultFor = async (
  database: Database,
  userId: UserId,
  vaultId: VaultId,
): Promise<{ vaultId: VaultId; owner: UserId }> => {
  const row = await database
    .selectFrom('vault_grant')
    .innerJoin('vault', 'vault.vault_id', 'vault_grant.vault_id')
    .select(['vault.vault_id', 'vault.owner'])
    .where('vault_grant.vault_id', '=', vaultId)
    .where('vault_grant.user_id', '=', userId)
    .executeTakeFirst()
  demand(row !== undefined, 'vault.find', 'missing', `there is no vault ${vaultId} for this account`)
  return { vaultId: row.vault_id, owner: row.owner }
}
