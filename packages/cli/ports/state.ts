/**
 * The local state over SQLite: one row a node, a chunk, a record. Statements are prepared once; ids are stored as
 * their bytes; what belongs to a vault is kept once for all folders that are linked to it.
 * How durable it is: [Note: how durable the state is].
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { IndexedPackSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { assert } from '@anysync/protocol/errors.ts'
import { packIdFromBytes, parseNodeId, recordHashFromBytes, type NodeId, type VaultId } from '@anysync/protocol/ids.ts'
import { actionsMax, stateCacheBytesMax, stateRowsMax } from '@anysync/protocol/limits.ts'
import type { BaseNode, LogHead, State } from '@anysync/client/ports.ts'
import { placesOf } from '@anysync/client/content/places.ts'
import { RowCache } from './row-cache.ts'
import { blobOf, numberOf, openStateDatabase, textOf, type Row } from './state-database.ts'
import { Listings } from './state-listings.ts'
import { refsIn } from './state-refs.ts'
import { actionFromRow, linkFromRow, nodeFromList, placeFromList, valuesOfNode } from './state-rows.ts'
import { prepareAll } from './state-statements.ts'

/** Records are read in pages of so many. */
const recordsPage = 64

/** Opens the state database at a path. Throws as `openStateDatabase` does. */
export const openState = (path: string, cacheBytesMax: number = stateCacheBytesMax): State => {
  const database = openStateDatabase(path)
  const sql = prepareAll(database)
  const refOf = refsIn(database, sql)
  const rows = new RowCache(stateRowsMax, (linkId) => {
    const row = sql.highestNode.get(refOf.link(linkId))
    return row && parseNodeId(textOf(row, 'id'))
  })
  const listings = new Listings(sql)
  /** Null: to be counted when it is asked for. */
  let cacheBytes: number | null = null
  let version = -1
  /** What another process wrote since is read anew. */
  const lookForOthers = (): void => {
    const now = numberOf(sql.version.get() ?? {}, 'data_version')
    if (now !== version) {
      rows.forget()
      listings.forget()
    }
    version = now
  }

  const transact = <Result>(work: () => Result): Result => {
    try {
      return database.transact(() => {
        lookForOthers()
        return listings.within(work)
      })
    } catch (error) {
      // What was written, counted or numbered within the transaction is gone.
      rows.forget()
      listings.forget()
      refOf.forget()
      cacheBytes = null
      throw error
    }
  }
  const readHead = (vaultId: VaultId): LogHead | null => {
    const row = sql.head.get(refOf.vault(vaultId))
    return row && { sequence: numberOf(row, 'sequence'), hash: recordHashFromBytes(blobOf(row, 'hash')) }
  }

  const readNode = (linkId: string, nodeId: NodeId): BaseNode | null =>
    rows.get(linkId, nodeId, () => {
      const list = sql.node.get(refOf.link(linkId), nodeId)
      return list && nodeFromList(list)
    })
  /** A row is put, or removed when it has no parent any more: what is known of the folders that have or had it holds no more. */
  const forgetListings = (link: number, linkId: string, nodeId: NodeId, parent: NodeId | null): void => {
    if (!listings.has(link)) return
    const before = readNode(linkId, nodeId)?.parent ?? null
    if (before !== null) listings.remove(link, before)
    if (parent === null) listings.remove(link, nodeId)
    else if (parent !== before) listings.remove(link, parent)
  }

  return {
    transact,
    [Symbol.dispose]: () => database[Symbol.dispose](),

    links() {
      database.refresh()
      lookForOthers()
      return sql.links.all().map(linkFromRow)
    },
    putLink: (link) => sql.putLink.run(link.id, link.vaultId, link.root, link.mode),
    removeLink(linkId) {
      database.join(() => {
        sql.removeLink.run(linkId)
        sql.removeFacts.run(linkId)
      })
      rows.forget()
      listings.forget()
      refOf.forget()
    },

    node: readNode,
    children: (linkId, parent) => sql.children.all(refOf.link(linkId), parent).map(nodeFromList),
    childrenNamed: (linkId, parent, name) => sql.childrenNamed.all(refOf.link(linkId), parent, name).map(nodeFromList),
    nodeByInode(linkId, device, inode) {
      const list = sql.nodeByInode.get(refOf.link(linkId), BigInt.asIntN(64, inode), BigInt.asIntN(64, device))
      return list && nodeFromList(list)
    },
    putNode(linkId, node) {
      const link = refOf.link(linkId)
      assert(link !== null, 'the base belongs to a link')
      database.join(() => {
        forgetListings(link, linkId, node.id, node.parent)
        sql.putNode.run(link, ...valuesOfNode(node))
      })
      rows.put(linkId, node)
    },
    removeNode(linkId, nodeId) {
      const link = refOf.link(linkId)
      if (link === null) return
      database.join(() => {
        forgetListings(link, linkId, nodeId, null)
        sql.removeNode.run(link, nodeId)
      })
      rows.remove(linkId, nodeId)
    },
    foldersListed(linkId, folder, listing) {
      const link = refOf.link(linkId)
      return link === null ? null : listings.find(link, folder, listing)
    },
    putListing(linkId, folder, listing, folders) {
      const link = refOf.link(linkId)
      assert(link !== null, 'a listing belongs to a link')
      listings.put(link, folder, listing, folders)
    },
    absentNodes: (linkId, kind, limit, after) =>
      sql.absentNodes.all(refOf.link(linkId), kind, after ?? '', limit).map(nodeFromList),
    totals(linkId) {
      const row = sql.totals.get(refOf.link(linkId)) ?? {}
      return { files: numberOf(row, 'files'), bytes: numberOf(row, 'bytes') }
    },

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
        sql.putRecord.run(vault, sequence, hash, record)
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
        const id = packIdFromBytes(pack.pack)
        const known = sql.pack.get(vault, id)
        if (known) {
          if (!isPending) sql.settlePack.run(numberOf(known, 'ref'))
          return
        }
        const row = sql.putPack.get(vault, id, toBinary(IndexedPackSchema, pack), isPending ? 1 : 0)
        const ref = numberOf(row ?? {}, 'ref')
        for (const { id: chunkId, place } of placesOf(pack)) {
          const segment = [place.segmentOffset, place.sealedLength, place.plainLength, place.kind, place.compression]
          sql.putChunk.run(vault, chunkId, ref, ...segment, place.offset, place.length)
        }
      })
    },
    findChunk(vaultId, chunkId) {
      const list = sql.findChunk.get(refOf.vault(vaultId), chunkId)
      const rank = list?.at(-1) ?? null
      return list === null || rank === null ? null : placeFromList(list)
    },
    hasChunk: (vaultId, chunkId) => sql.hasChunk.get(refOf.vault(vaultId), chunkId) !== null,
    pendingPacks: (vaultId) =>
      sql.pendingPacks.all(refOf.vault(vaultId)).map((row) => fromBinary(IndexedPackSchema, blobOf(row, 'directory'))),
    removePack(vaultId, packId) {
      database.join(() => {
        const vault = refOf.vault(vaultId)
        const row = sql.pack.get(vault, packId)
        if (!row) return
        const ref = numberOf(row, 'ref')
        const pack = fromBinary(IndexedPackSchema, blobOf(row, 'directory'))
        assert(packIdFromBytes(pack.pack) === packId, 'a pack is stored under its own name')
        for (const { id: chunkId } of placesOf(pack)) sql.removeChunk.run(vault, chunkId, ref)
        sql.removePack.run(ref)
      })
    },
    pack(vaultId, packId) {
      const row = sql.pack.get(refOf.vault(vaultId), packId)
      return row && fromBinary(IndexedPackSchema, blobOf(row, 'directory'))
    },
    packIds: (vaultId) => sql.packIds.all(refOf.vault(vaultId)).map((row) => packIdFromBytes(blobOf(row, 'id'))),
    countChunks: (vaultId) => numberOf(sql.countChunks.get(refOf.vault(vaultId)) ?? {}, 'count'),

    cachedChunk(vaultId, chunkId) {
      const row = sql.cached.get(refOf.vault(vaultId), chunkId)
      return row && blobOf(row, 'plaintext')
    },
    cacheChunk(vaultId, chunkId, plaintext) {
      database.join(() => {
        const vault = refOf.madeVault(vaultId)
        if (sql.isCached.get(vault, chunkId)) return
        let bytes = cacheBytes ?? numberOf(sql.cacheTotal.get() ?? {}, 'bytes')
        sql.putCached.run(vault, chunkId, plaintext.length, plaintext)
        bytes += plaintext.length
        while (bytes > cacheBytesMax) bytes -= numberOf(sql.removeOldestCached.get() ?? {}, 'bytes')
        cacheBytes = bytes
      })
    },
  }
}

const recordFromRow = (row: Row): LogHead & { record: Uint8Array } => ({
  sequence: numberOf(row, 'sequence'),
  hash: recordHashFromBytes(blobOf(row, 'hash')),
  record: blobOf(row, 'record'),
})
