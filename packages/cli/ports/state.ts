/**
 * The local state over SQLite: one row a node, a chunk, a record. Statements are prepared once; ids are stored as
 * their bytes; what belongs to a vault is kept once for all folders that are linked to it.
 * How durable it is: [Note: how durable the state is].
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { IndexedPackSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { assert } from '@anysync/protocol/errors.ts'
import { idToBytes, packIdFromBytes, recordHashFromBytes, type VaultId } from '@anysync/protocol/ids.ts'
import { actionsMax, stateCacheBytesMax, stateRowsMax } from '@anysync/protocol/limits.ts'
import type { LogHead, State } from '@anysync/client/ports.ts'
import { placesOf } from '@anysync/client/content/places.ts'
import { RowCache } from './row-cache.ts'
import { blobOf, numberOf, openStateDatabase, textOf, type Row, type StateDatabase } from './state-database.ts'
import { refsIn } from './state-refs.ts'
import { actionFromRow, linkFromRow, nodeFromRow, placeFromRow, valuesOfNode } from './state-rows.ts'

/** Records are read in pages of so many. */
const recordsPage = 64

/** Opens the state database at a path. Throws as `openStateDatabase` does. */
export const openState = (path: string, cacheBytesMax: number = stateCacheBytesMax): State => {
  const database = openStateDatabase(path)
  const sql = prepareAll(database)
  const refOf = refsIn(database, sql)
  const rows = new RowCache(stateRowsMax)
  let cacheBytes = numberOf(sql.cacheTotal.get() ?? {}, 'bytes')
  let version = -1
  /** What another process wrote since is read anew. */
  const lookForOthers = (): void => {
    const now = numberOf(sql.version.get() ?? {}, 'data_version')
    if (now !== version) rows.forget()
    version = now
  }

  const transact = <Result>(work: () => Result): Result => {
    try {
      return database.transact(() => {
        lookForOthers()
        return work()
      })
    } catch (error) {
      // What was written, counted or numbered within the transaction is gone.
      rows.forget()
      refOf.forget()
      cacheBytes = numberOf(sql.cacheTotal.get() ?? {}, 'bytes')
      throw error
    }
  }
  const readHead = (vaultId: VaultId): LogHead | null => {
    const row = sql.head.get(refOf.vault(vaultId))
    return row && { sequence: numberOf(row, 'sequence'), hash: recordHashFromBytes(blobOf(row, 'hash')) }
  }

  return {
    transact,
    [Symbol.dispose]: () => database[Symbol.dispose](),

    links() {
      lookForOthers()
      return sql.links.all().map(linkFromRow)
    },
    putLink: (link) => sql.putLink.run(link.id, idToBytes(link.vaultId), link.root, link.mode),
    removeLink(linkId) {
      database.join(() => {
        sql.removeLink.run(linkId)
        sql.removeFacts.run(linkId)
      })
      rows.forget()
      refOf.forget()
    },

    node: (linkId, nodeId) =>
      rows.get(linkId, nodeId, () => {
        const row = sql.node.get(refOf.link(linkId), idToBytes(nodeId))
        return row && nodeFromRow(row)
      }),
    children: (linkId, parent) => sql.children.all(refOf.link(linkId), idToBytes(parent)).map(nodeFromRow),
    childrenNamed: (linkId, parent, name) =>
      sql.childrenNamed.all(refOf.link(linkId), idToBytes(parent), name).map(nodeFromRow),
    nodeByInode(linkId, device, inode) {
      const row = sql.nodeByInode.get(refOf.link(linkId), BigInt.asIntN(64, inode), BigInt.asIntN(64, device))
      return row && nodeFromRow(row)
    },
    putNode(linkId, node) {
      const link = refOf.link(linkId)
      assert(link !== null, 'the base belongs to a link')
      sql.putNode.run(link, ...valuesOfNode(node))
      rows.put(linkId, node)
    },
    removeNode(linkId, nodeId) {
      sql.removeNode.run(refOf.link(linkId), idToBytes(nodeId))
      rows.remove(linkId, nodeId)
    },
    absentNodes: (linkId, kind, limit, after) =>
      sql.absentNodes
        .all(refOf.link(linkId), kind, after === undefined ? new Uint8Array() : idToBytes(after), limit)
        .map(nodeFromRow),
    countFiles: (linkId) => numberOf(sql.countFiles.get(refOf.link(linkId)) ?? {}, 'count'),

    fact(scope, name) {
      const row = sql.fact.get(scope, name)
      return row && textOf(row, 'value')
    },
    putFact(scope, name, value) {
      if (value === null) sql.removeFact.run(scope, name)
      else sql.putFact.run(scope, name, value)
    },

    addActions(linkId, actions) {
      database.join(() => {
        const link = refOf.link(linkId)
        assert(link !== null, 'actions belong to a link')
        for (const { timeNs, path, what, why } of actions.slice(-actionsMax))
          sql.addAction.run(link, timeNs, path, what, why)
        sql.removeOldActions.run(link, actionsMax)
      })
    },
    actions: (linkId, { limit, path }) => sql.actions.all(refOf.link(linkId), path ?? null, limit).map(actionFromRow),

    head: readHead,
    putRecord(vaultId, sequence, hash, record) {
      database.join(() => {
        const vault = refOf.madeVault(vaultId)
        const head = readHead(vaultId)
        assert(head === null || sequence === head.sequence + 1, 'records are stored in order, one by one')
        sql.putRecord.run(vault, sequence, idToBytes(hash), record)
      })
    },
    *records(vaultId, from, to) {
      for (let first = from; ;) {
        const rows = sql.records.all(refOf.vault(vaultId), first, to, recordsPage)
        for (const row of rows) yield recordFromRow(row)
        const last = rows.at(-1)
        if (last === undefined) return
        first = numberOf(last, 'sequence') + 1
      }
    },

    removeRecordsAfter: (vaultId, sequence) => sql.removeRecordsAfter.run(refOf.vault(vaultId), sequence),

    putSnapshot: (vaultId, sequence, snapshot) =>
      database.join(() => sql.putSnapshot.run(refOf.madeVault(vaultId), sequence, snapshot)),
    removeSnapshot: (vaultId, sequence) => sql.removeSnapshot.run(refOf.vault(vaultId), sequence),
    snapshots: (vaultId, from, to) =>
      sql.snapshots.all(refOf.vault(vaultId), from, to).map((row) => ({
        sequence: numberOf(row, 'sequence'),
        snapshot: blobOf(row, 'snapshot'),
      })),
    newestSnapshot(vaultId) {
      const row = sql.newestSnapshot.get(refOf.vault(vaultId))
      return row && blobOf(row, 'snapshot')
    },

    putPack(vaultId, pack, isPending) {
      database.join(() => {
        const vault = refOf.madeVault(vaultId)
        const known = sql.pack.get(vault, pack.pack)
        if (known) {
          if (!isPending) sql.settlePack.run(numberOf(known, 'ref'))
          return
        }
        const row = sql.putPack.get(vault, pack.pack, toBinary(IndexedPackSchema, pack), isPending ? 1 : 0)
        const ref = numberOf(row ?? {}, 'ref')
        for (const { id: chunkId, place } of placesOf(pack)) {
          const segment = [place.segmentOffset, place.sealedLength, place.plainLength, place.kind, place.compression]
          sql.putChunk.run(vault, idToBytes(chunkId), ref, ...segment, place.offset, place.length)
        }
      })
    },
    findChunk(vaultId, chunkId) {
      const row = sql.findChunk.get(refOf.vault(vaultId), idToBytes(chunkId))
      return row && placeFromRow(row)
    },
    hasChunk: (vaultId, chunkId) => sql.hasChunk.get(refOf.vault(vaultId), idToBytes(chunkId)) !== null,
    pendingPacks: (vaultId) =>
      sql.pendingPacks.all(refOf.vault(vaultId)).map((row) => fromBinary(IndexedPackSchema, blobOf(row, 'directory'))),
    removePack(vaultId, packId) {
      database.join(() => {
        const vault = refOf.vault(vaultId)
        const row = sql.pack.get(vault, idToBytes(packId))
        if (!row) return
        const ref = numberOf(row, 'ref')
        const pack = fromBinary(IndexedPackSchema, blobOf(row, 'directory'))
        assert(packIdFromBytes(pack.pack) === packId, 'a pack is stored under its own name')
        for (const { id: chunkId } of placesOf(pack)) sql.removeChunk.run(vault, idToBytes(chunkId), ref)
        sql.removePack.run(ref)
      })
    },
    pack(vaultId, packId) {
      const row = sql.pack.get(refOf.vault(vaultId), idToBytes(packId))
      return row && fromBinary(IndexedPackSchema, blobOf(row, 'directory'))
    },
    packIds: (vaultId) => sql.packIds.all(refOf.vault(vaultId)).map((row) => packIdFromBytes(blobOf(row, 'id'))),
    countChunks: (vaultId) => numberOf(sql.countChunks.get(refOf.vault(vaultId)) ?? {}, 'count'),

    cachedChunk(vaultId, chunkId) {
      const row = sql.cached.get(refOf.vault(vaultId), idToBytes(chunkId))
      return row && blobOf(row, 'plaintext')
    },
    cacheChunk(vaultId, chunkId, plaintext) {
      database.join(() => {
        const vault = refOf.madeVault(vaultId)
        const id = idToBytes(chunkId)
        if (sql.isCached.get(vault, id)) return
        sql.putCached.run(vault, id, plaintext.length, plaintext)
        cacheBytes += plaintext.length
        while (cacheBytes > cacheBytesMax) cacheBytes -= numberOf(sql.removeOldestCached.get() ?? {}, 'bytes')
      })
    },
  }
}

const recordFromRow = (row: Row): LogHead & { record: Uint8Array } => ({
  sequence: numberOf(row, 'sequence'),
  hash: recordHashFromBytes(blobOf(row, 'hash')),
  record: blobOf(row, 'record'),
})

const prepareAll = (database: StateDatabase) => {
  const prepare = (sql: string) => database.prepare(sql)
  return {
    // Another after every commit of another connection (sqlite.org/pragma.html#pragma_data_version).
    version: prepare('PRAGMA data_version'),
    links: prepare('SELECT * FROM links ORDER BY ref'),
    link: prepare('SELECT ref FROM links WHERE id = ?'),
    putLink: prepare(
      `INSERT INTO links (id, vault, root, mode) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET vault = excluded.vault, root = excluded.root, mode = excluded.mode`,
    ),
    removeLink: prepare('DELETE FROM links WHERE id = ?'),

    node: prepare('SELECT * FROM nodes WHERE link = ? AND id = ?'),
    // The root folder is its own parent's child to nobody.
    children: prepare('SELECT * FROM nodes INDEXED BY nodes_by_place WHERE link = ?1 AND parent = ?2 AND id <> ?2'),
    childrenNamed: prepare('SELECT * FROM nodes INDEXED BY nodes_by_place WHERE link = ? AND parent = ? AND name = ?'),
    nodeByInode: prepare(
      'SELECT * FROM nodes INDEXED BY nodes_by_inode WHERE link = ? AND disk_inode = ? AND disk_device = ? LIMIT 1',
    ),
    absentNodes: prepare(
      `SELECT * FROM nodes INDEXED BY nodes_absent WHERE link = ? AND absence_kind = ? AND id > ?
       AND disk_kind IS NULL AND absence_kind <> 'folder' ORDER BY id LIMIT ?`,
    ),
    putNode: prepare('INSERT OR REPLACE INTO nodes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    removeNode: prepare('DELETE FROM nodes WHERE link = ? AND id = ?'),
    countFiles: prepare(`SELECT count(*) AS count FROM nodes WHERE link = ? AND kind = 'file'`),

    fact: prepare('SELECT value FROM facts WHERE scope = ? AND name = ?'),
    putFact: prepare('INSERT OR REPLACE INTO facts VALUES (?, ?, ?)'),
    removeFact: prepare('DELETE FROM facts WHERE scope = ? AND name = ?'),
    removeFacts: prepare('DELETE FROM facts WHERE scope = ?'),

    addAction: prepare('INSERT INTO actions (link, time_ns, path, what, why) VALUES (?, ?, ?, ?, ?)'),
    removeOldActions: prepare(
      `DELETE FROM actions WHERE link = ?1
       AND ref <= (SELECT ref FROM actions WHERE link = ?1 ORDER BY ref DESC LIMIT 1 OFFSET ?2)`,
    ),
    actions: prepare(
      `SELECT * FROM actions WHERE link = ?1
       AND (?2 IS NULL OR path = ?2 OR substr(path, 1, length(?2) + 1) = ?2 || '/') ORDER BY ref DESC LIMIT ?3`,
    ),

    vault: prepare('SELECT ref FROM vaults WHERE id = ?'),
    putVault: prepare('INSERT INTO vaults (id) VALUES (?)'),
    head: prepare('SELECT sequence, hash FROM records WHERE vault = ? ORDER BY sequence DESC LIMIT 1'),
    putRecord: prepare('INSERT INTO records VALUES (?, ?, ?, ?)'),
    records: prepare('SELECT * FROM records WHERE vault = ? AND sequence BETWEEN ? AND ? ORDER BY sequence LIMIT ?'),

    removeRecordsAfter: prepare('DELETE FROM records WHERE vault = ? AND sequence > ?'),

    putSnapshot: prepare('INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)'),
    removeSnapshot: prepare('DELETE FROM snapshots WHERE vault = ? AND sequence = ?'),
    snapshots: prepare('SELECT * FROM snapshots WHERE vault = ? AND sequence BETWEEN ? AND ? ORDER BY sequence'),
    newestSnapshot: prepare('SELECT snapshot FROM snapshots WHERE vault = ? ORDER BY sequence DESC LIMIT 1'),

    packIds: prepare('SELECT id FROM packs WHERE vault = ? ORDER BY ref'),
    pack: prepare('SELECT ref, directory FROM packs WHERE vault = ? AND id = ?'),
    putPack: prepare('INSERT INTO packs (vault, id, directory, is_pending) VALUES (?, ?, ?, ?) RETURNING ref'),
    settlePack: prepare('UPDATE packs SET is_pending = 0 WHERE ref = ?'),
    removePack: prepare('DELETE FROM packs WHERE ref = ?'),
    pendingPacks: prepare('SELECT directory FROM packs WHERE vault = ? AND is_pending = 1 ORDER BY ref'),
    putChunk: prepare('INSERT OR IGNORE INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    // What a record brought before what is pending: the server keeps the former.
    findChunk: prepare(
      `SELECT chunks.*, packs.id AS pack_id FROM chunks JOIN packs ON packs.ref = chunks.pack
       WHERE chunks.vault = ? AND chunks.id = ? ORDER BY packs.is_pending, packs.ref LIMIT 1`,
    ),
    hasChunk: prepare('SELECT 1 FROM chunks WHERE vault = ? AND id = ? LIMIT 1'),
    removeChunk: prepare('DELETE FROM chunks WHERE vault = ? AND id = ? AND pack = ?'),
    countChunks: prepare('SELECT count(DISTINCT id) AS count FROM chunks WHERE vault = ?'),

    cacheTotal: prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM cache'),
    cached: prepare('SELECT plaintext FROM cache WHERE vault = ? AND id = ?'),
    isCached: prepare('SELECT 1 FROM cache WHERE vault = ? AND id = ?'),
    putCached: prepare('INSERT INTO cache (vault, id, bytes, plaintext) VALUES (?, ?, ?, ?)'),
    removeOldestCached: prepare('DELETE FROM cache WHERE ref = (SELECT min(ref) FROM cache) RETURNING bytes'),
  }
}
