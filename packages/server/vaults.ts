/**
 * Vaults and their logs. The log is the one place where things are ordered: a record is appended only after the head
 * that its writer saw, and only when every pack it needs is stored. [Note: order of writes]
 */
import type { Transaction } from 'kysely'
import { demand } from '@anysync/protocol/errors.ts'
import type { PackId, UserId, VaultId } from '@anysync/protocol/ids.ts'
import {
  appendPacksMax,
  grantBytesMax,
  recordsPageMax,
  retiredPacksMax,
  vaultsPerAccountMax,
} from '@anysync/protocol/limits.ts'
import { vaultFor } from './authorize.ts'
import { checkBytes } from './check.ts'
import type { Clock } from './clock.ts'
import type { Database, Tables } from './db/tables.ts'
import { genesisHash, parseRecordPlace, type RecordPlace } from './record-header.ts'
import { noteUse } from './pack-use.ts'
import type { LogHead, Move, WatchHub } from './watch.ts'

export type VaultInfo = { vaultId: VaultId; grant: Uint8Array; head: LogHead; bytesStored: number }

export type Vaults = {
  /** Throws `conflict` when the id is taken. Repeating it word for word is harmless. */
  create(userId: UserId, vaultId: VaultId, grant: Uint8Array): Promise<void>
  /** Oldest first. */
  list(userId: UserId): Promise<VaultInfo[]>
  heads(userId: UserId): Promise<Move[]>
  /** Random, 16 bytes, new when the server was restored from a backup. */
  incarnation(): Promise<Uint8Array>
  append(
    userId: UserId,
    vaultId: VaultId,
    request: { expected: LogHead; record: Uint8Array; packs: PackId[]; retired: PackId[] },
  ): Promise<LogHead>
  /** Records after a sequence, or from the newest checkpoint after it, in order, up to the head of the moment. */
  recordsSince(
    userId: UserId,
    vaultId: VaultId,
    sequence: number,
    isFromCheckpoint: boolean,
  ): AsyncGenerator<Uint8Array>
}

export const createVaults = ({
  database,
  clock,
  hub,
}: {
  database: Database
  clock: Clock
  hub: WatchHub
}): Vaults => ({
  create: async (userId, vaultId, grant) => {
    checkBytes('vault.create', 'a grant', grant, grantBytesMax)
    const isNew = await database.transaction().execute(async (transaction) => {
      const known = await transaction
        .selectFrom('vault')
        .select('owner')
        .where('vault_id', '=', vaultId)
        .executeTakeFirst()
      if (known !== undefined) {
        const repeated = known.owner === userId && (await hasGrant(transaction, vaultId, userId, grant))
        demand(repeated, 'vault.create', 'conflict', `the vault id ${vaultId} is taken: choose another`)
        return false
      }
      await checkVaultCount(transaction, userId)
      await transaction
        .insertInto('vault')
        .values({
          vault_id: vaultId,
          owner: userId,
          head_sequence: 0,
          head_hash: '',
          bytes_stored: 0,
          created_ms: clock.nowMs(),
          checkpoint_sequence: 0,
        })
        .execute()
      await transaction
        .insertInto('vault_grant')
        .values({ vault_id: vaultId, user_id: userId, sealed: grant })
        .execute()
      return true
    })
    if (isNew) hub.moved([userId], { vaultId, head: null })
  },

  list: async (userId) => {
    const rows = await database
      .selectFrom('vault_grant')
      .innerJoin('vault', 'vault.vault_id', 'vault_grant.vault_id')
      .select(['vault.vault_id', 'sealed', 'head_sequence', 'head_hash', 'bytes_stored'])
      .where('vault_grant.user_id', '=', userId)
      .orderBy('vault.created_ms')
      .orderBy('vault.vault_id')
      .execute()
    return rows.map((row) => ({
      vaultId: row.vault_id,
      grant: row.sealed,
      head: headOf(row),
      bytesStored: row.bytes_stored,
    }))
  },

  heads: async (userId) => {
    const rows = await database
      .selectFrom('vault_grant')
      .innerJoin('vault', 'vault.vault_id', 'vault_grant.vault_id')
      .select(['vault.vault_id', 'head_sequence', 'head_hash'])
      .where('vault_grant.user_id', '=', userId)
      .execute()
    return rows.map((row) => ({ vaultId: row.vault_id, head: headOf(row) }))
  },

  incarnation: async () => {
    const row = await database
      .selectFrom('setting')
      .select('value')
      .where('name', '=', 'incarnation')
      .executeTakeFirstOrThrow()
    return row.value
  },

  append: async (userId, vaultId, { expected, record, packs, retired }) => {
    await vaultFor(database, userId, vaultId)
    demand(
      packs.length <= appendPacksMax,
      'vault.append',
      'invalid',
      `a record brings at most ${appendPacksMax} packs, got ${packs.length}`,
    )
    demand(
      retired.length <= retiredPacksMax,
      'vault.append',
      'invalid',
      `a record retires at most ${retiredPacksMax} packs, got ${retired.length}`,
    )
    const place = parseRecordPlace(record)
    const { head, users } = await database.transaction().execute(async (transaction) => {
      const head = await headIn(transaction, vaultId)
      // The answer to the first attempt was lost: it is given again.
      if (head?.hash === place.hash) return { head, users: [] }
      checkFollows(vaultId, head, expected, place)
      await checkStored(transaction, vaultId, packs)
      await noteUse(transaction, vaultId, { packs, retired }, clock.nowMs())
      await transaction
        .insertInto('record')
        .values({
          vault_id: vaultId,
          sequence: place.sequence,
          hash: place.hash,
          bytes: record,
          received_ms: clock.nowMs(),
        })
        .execute()
      await transaction
        .updateTable('vault')
        .set({
          head_sequence: place.sequence,
          head_hash: place.hash,
          ...(place.isCheckpoint ? { checkpoint_sequence: place.sequence } : {}),
        })
        .where('vault_id', '=', vaultId)
        .execute()
      return { head: { sequence: place.sequence, hash: place.hash }, users: await usersOf(transaction, vaultId) }
    })
    hub.moved(users, { vaultId, head })
    return head
  },

  recordsSince: async function* (userId, vaultId, sequence, isFromCheckpoint) {
    await vaultFor(database, userId, vaultId)
    const last = (await headIn(database, vaultId))?.sequence ?? 0
    let after = isFromCheckpoint ? Math.max(sequence, (await checkpointOf(database, vaultId)) - 1) : sequence
    while (after < last) {
      const rows = await database
        .selectFrom('record')
        .select(['sequence', 'bytes'])
        .where('vault_id', '=', vaultId)
        .where('sequence', '>', after)
        .where('sequence', '<=', last)
        .orderBy('sequence')
        .limit(recordsPageMax)
        .execute()
      for (const row of rows) {
        yield row.bytes
        after = row.sequence
      }
      if (rows.length === 0) return
    }
  },
})

const headOf = (row: { head_sequence: number; head_hash: Tables['vault']['head_hash'] }): LogHead =>
  row.head_hash === '' ? null : { sequence: row.head_sequence, hash: row.head_hash }

const headIn = async (database: Database, vaultId: VaultId): Promise<LogHead> =>
  headOf(
    await database
      .selectFrom('vault')
      .select(['head_sequence', 'head_hash'])
      .where('vault_id', '=', vaultId)
      .executeTakeFirstOrThrow(),
  )

/** 0 when the log has none. */
const checkpointOf = async (database: Database, vaultId: VaultId): Promise<number> =>
  (
    await database
      .selectFrom('vault')
      .select('checkpoint_sequence')
      .where('vault_id', '=', vaultId)
      .executeTakeFirstOrThrow()
  ).checkpoint_sequence

const hasGrant = async (
  transaction: Transaction<Tables>,
  vaultId: VaultId,
  userId: UserId,
  grant: Uint8Array,
): Promise<boolean> => {
  const row = await transaction
    .selectFrom('vault_grant')
    .select('sealed')
    .where('vault_id', '=', vaultId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return row !== undefined && Buffer.compare(row.sealed, grant) === 0
}

const checkVaultCount = async (transaction: Transaction<Tables>, userId: UserId): Promise<void> => {
  const { vaults } = await transaction
    .selectFrom('vault')
    .select((of) => of.fn.countAll<number>().as('vaults'))
    .where('owner', '=', userId)
    .executeTakeFirstOrThrow()
  demand(vaults < vaultsPerAccountMax, 'vault.create', 'full', `an account has at most ${vaultsPerAccountMax} vaults`)
}

/** `conflict` when another device was faster; `invalid` when the record itself does not fit where it says it goes. */
const checkFollows = (vaultId: VaultId, head: LogHead, expected: LogHead, place: RecordPlace): void => {
  demand(
    expected?.sequence === head?.sequence && expected?.hash === head?.hash,
    'vault.append',
    'conflict',
    `the head of vault ${vaultId} is at ${head?.sequence ?? 0}, not at ${expected?.sequence ?? 0} as expected: pull and decide again`,
  )
  const previous = head?.hash ?? genesisHash(vaultId)
  demand(
    place.vaultId === vaultId && place.sequence === (head?.sequence ?? 0) + 1 && place.previous === previous,
    'vault.append',
    'invalid',
    `the record's header does not continue vault ${vaultId} after ${head?.sequence ?? 0}`,
  )
}

const checkStored = async (transaction: Transaction<Tables>, vaultId: VaultId, packs: PackId[]): Promise<void> => {
  const wanted = new Set(packs)
  if (wanted.size === 0) return
  const rows = await transaction
    .selectFrom('pack')
    .select('pack')
    .where('vault_id', '=', vaultId)
    .where('pack', 'in', [...wanted])
    .execute()
  for (const row of rows) wanted.delete(row.pack)
  const [first] = wanted
  demand(
    first === undefined,
    'vault.append',
    'missing',
    `${wanted.size} packs that the record needs are not stored, the first is ${first ?? ''}: upload them first`,
  )
}

const usersOf = async (transaction: Transaction<Tables>, vaultId: VaultId): Promise<UserId[]> => {
  const rows = await transaction.selectFrom('vault_grant').select('user_id').where('vault_id', '=', vaultId).execute()
  return rows.map((row) => row.user_id)
}
