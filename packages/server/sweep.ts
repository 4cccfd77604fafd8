/**
 * Deletes packs that no record needs, when the hold time has passed: those that a record retired and none brought again,
 * and those that none ever brought. Only the operator sets the hold time, so whoever stole a device's keys can destroy
 * nothing before it has passed. [Note: hold]
 */
import type { PackId, UserId, VaultId } from '@anysync/protocol/ids.ts'
import type { Clock } from './clock.ts'
import type { Database } from './db/tables.ts'
import type { PackLocks } from './pack-locks.ts'
import type { PackStore } from './store/store.ts'

export type Swept = { packs: number; bytes: number }

export type Sweep = () => Promise<Swept>

type SweepParts = { database: Database; store: PackStore; clock: Clock; locks: PackLocks; holdMs: number }

const pagePacks = 256

export const createSweep =
  (parts: SweepParts): Sweep =>
  async () => {
    const swept: Swept = { packs: 0, bytes: 0 }
    const beforeMs = parts.clock.nowMs() - parts.holdMs
    for (let after: { vault: VaultId; pack: PackId } | null = null; ;) {
      const rows = await dueRows(parts.database, beforeMs, after)
      for (const { vault_id: vaultId, pack } of rows) {
        // Who is storing it right now may need it: it has another chance.
        using lock = parts.locks.alone(vaultId, pack)
        if (lock === null) continue
        const bytes = await deleteRow(parts.database, vaultId, pack, beforeMs)
        if (bytes === null) continue
        // Without a row it is not there for anybody; what a crash leaves here is a file that nobody knows.
        await parts.store.remove(vaultId, pack)
        swept.packs += 1
        swept.bytes += bytes
      }
      const last = rows.at(-1)
      if (last === undefined) return swept
      after = { vault: last.vault_id, pack: last.pack }
    }
  }

const dueRows = (database: Database, beforeMs: number, after: { vault: VaultId; pack: PackId } | null) => {
  let query = database
    .selectFrom('pack')
    .select(['vault_id', 'pack'])
    .where((of) =>
      of.or([of('retired_ms', '<=', beforeMs), of.and([of('is_named', '=', 0), of('stored_ms', '<=', beforeMs)])]),
    )
  if (after !== null) {
    const { vault, pack } = after
    query = query.where((of) =>
      of.or([of('vault_id', '>', vault), of.and([of('vault_id', '=', vault), of('pack', '>', pack)])]),
    )
  }
  return query.orderBy('vault_id').orderBy('pack').limit(pagePacks).execute()
}

/** Its bytes; null when a record has brought the pack meanwhile. The same transaction that appends asks for the row. */
const deleteRow = (database: Database, vaultId: VaultId, pack: PackId, beforeMs: number): Promise<number | null> =>
  database.transaction().execute(async (transaction) => {
    const row = await transaction
      .deleteFrom('pack')
      .where('vault_id', '=', vaultId)
      .where('pack', '=', pack)
      .where((of) =>
        of.or([of('retired_ms', '<=', beforeMs), of.and([of('is_named', '=', 0), of('stored_ms', '<=', beforeMs)])]),
      )
      .returning('bytes')
      .executeTakeFirst()
    if (row === undefined) return null
    const { owner } = await transaction
      .updateTable('vault')
      .set((of) => ({ bytes_stored: of('bytes_stored', '-', row.bytes) }))
      .where('vault_id', '=', vaultId)
      .returning('owner')
      .executeTakeFirstOrThrow()
    await freeQuota(transaction, owner, row.bytes)
    return row.bytes
  })

const freeQuota = async (transaction: Pick<Database, 'updateTable'>, owner: UserId, bytes: number): Promise<void> => {
  await transaction
    .updateTable('account')
    .set((of) => ({ bytes_used: of('bytes_used', '-', bytes) }))
    .where('user_id', '=', owner)
    .execute()
}
