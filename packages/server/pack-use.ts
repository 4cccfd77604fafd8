/**
 * What records say of packs: that they bring them, or that they retire them. A pack that a record brings is kept; one
 * that none brought, or that one retired, may be swept when the hold time has passed.
 */
import type { Transaction } from 'kysely'
import type { PackId, VaultId } from '@anysync/protocol/ids.ts'
import type { Tables } from './db/tables.ts'

/** Notes what a record that is being appended brings and retires. What is retired already keeps its time. */
export const noteUse = async (
  transaction: Transaction<Tables>,
  vaultId: VaultId,
  { packs, retired }: { packs: PackId[]; retired: PackId[] },
  nowMs: number,
): Promise<void> => {
  if (retired.length > 0) {
    await transaction
      .updateTable('pack')
      .set({ retired_ms: nowMs })
      .where('vault_id', '=', vaultId)
      .where('pack', 'in', retired)
      .where('retired_ms', 'is', null)
      .execute()
  }
  if (packs.length > 0) {
    await transaction
      .updateTable('pack')
      .set({ is_named: 1, retired_ms: null })
      .where('vault_id', '=', vaultId)
      .where('pack', 'in', packs)
      .execute()
  }
}
