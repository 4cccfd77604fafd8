/**
 * Reads every pack that is in use and compares its bytes with its name. What is damaged is set aside, never deleted: it may be the only
 * copy of most of what it holds. A pack that is set aside or gone counts as not stored, so that a device which still has
 * its chunks stores them again.
 */
import { createHash } from 'node:crypto'
import type { PackId, VaultId } from '@anysync/protocol/ids.ts'
import type { Database } from './db/tables.ts'
import type { PackStore } from './store/store.ts'

export type ScrubTrouble = { vault: VaultId; pack: PackId; what: 'damaged' | 'gone' }
export type Scrubbed = { packs: number; bytes: number; troubles: ScrubTrouble[] }

type Place = { vault: VaultId; pack: PackId }

const pagePacks = 256

export const scrub = async (database: Database, store: PackStore): Promise<Scrubbed> => {
  const scrubbed: Scrubbed = { packs: 0, bytes: 0, troubles: [] }
  for (let after: Place | null = null; ;) {
    const rows = await rowsAfter(database, after)
    for (const { vault_id: vault, pack, bytes } of rows) {
      const what = await judge(store, vault, pack, bytes)
      scrubbed.packs += 1
      scrubbed.bytes += bytes
      if (what === null) continue
      // It may have been swept since the rows were read.
      const isKnown = (await rowOf(database, vault, pack)) !== undefined
      if (!isKnown) continue
      if (what === 'damaged') await store.setAside(vault, pack)
      scrubbed.troubles.push({ vault, pack, what })
    }
    const last = rows.at(-1)
    if (last === undefined) return scrubbed
    after = { vault: last.vault_id, pack: last.pack }
  }
}

const rowsAfter = (database: Database, after: Place | null) => {
  let query = database.selectFrom('pack').select(['vault_id', 'pack', 'bytes']).where('retired_ms', 'is', null)
  if (after !== null) {
    const { vault, pack } = after
    query = query.where((of) =>
      of.or([of('vault_id', '>', vault), of.and([of('vault_id', '=', vault), of('pack', '>', pack)])]),
    )
  }
  return query.orderBy('vault_id').orderBy('pack').limit(pagePacks).execute()
}

const rowOf = (database: Database, vault: VaultId, pack: PackId) =>
  database.selectFrom('pack').select('bytes').where('vault_id', '=', vault).where('pack', '=', pack).executeTakeFirst()

/** Null when it is well. */
const judge = async (
  store: PackStore,
  vault: VaultId,
  pack: PackId,
  bytes: number,
): Promise<ScrubTrouble['what'] | null> => {
  const stream = await store.get(vault, pack, null)
  if (stream === null) return 'gone'
  const hash = createHash('sha256')
  let length = 0
  for await (const part of stream) {
    hash.update(part)
    length += part.length
  }
  return length === bytes && hash.digest('hex') === pack ? null : 'damaged'
}
