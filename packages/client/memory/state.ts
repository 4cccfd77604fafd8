/**
 * The local state in memory, for tests and the simulator. Transactions keep a list of how to undo what they did, so a
 * throw takes everything back. `snapshot` is what a disk would hold after a crash: committed transactions only.
 */
import { clone } from '@bufbuild/protobuf'
import { IndexedPackSchema, type IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { assert } from '@anysync/protocol/errors.ts'
import { packIdFromBytes, type NodeId, type PackId, type VaultId } from '@anysync/protocol/ids.ts'
import { actionsMax, stateCacheBytesMax } from '@anysync/protocol/limits.ts'
import type { BaseNode, State } from '../ports.ts'
import { placesOf } from '../content/places.ts'
import { copyTables, emptyTables, type Tables } from './state-tables.ts'

export type MemoryStateSnapshot = { readonly tables: Tables }

export type MemoryStateOptions = {
  /** What an earlier state held when it was snapshot: a restart. */
  restore?: MemoryStateSnapshot
  /** Called around every commit, to crash there: a throw before takes the transaction back, a throw after does not. */
  onCommit?: (moment: 'before' | 'after') => void
  cacheBytesMax?: number
}

export type MemoryState = State & {
  snapshot(): MemoryStateSnapshot
  /** All that the base of a link holds, in any order. */
  nodes(linkId: string): Iterable<BaseNode>
}

export const createMemoryState = (options: MemoryStateOptions = {}): MemoryState => {
  const tables = options.restore ? copyTables(options.restore.tables) : emptyTables()
  const cacheBytesMax = options.cacheBytesMax ?? stateCacheBytesMax
  let cacheBytes = [...tables.cache.values()].reduce((sum, bytes) => sum + bytes.length, 0)
  let undo: (() => void)[] | null = null
  let isDisposed = false

  const transact = <Result>(work: () => Result): Result => {
    assert(undo === null, 'transactions of the local state do not nest')
    assert(!isDisposed, 'the local state is closed')
    const steps: (() => void)[] = []
    undo = steps
    try {
      const result = work()
      options.onCommit?.('before')
      undo = null
      options.onCommit?.('after')
      return result
    } catch (error) {
      // After the commit there is nothing to take back: only the caller does not learn of it.
      if (undo !== null) for (const step of steps.toReversed()) step()
      throw error
    } finally {
      undo = null
    }
  }
  const change = (work: () => void): void => {
    assert(!isDisposed, 'the local state is closed')
    if (undo === null) transact(work)
    else work()
  }
  /** Sets or, with undefined, deletes, and remembers what was there. */
  const set = <Key, Value>(map: Map<Key, Value>, key: Key, value: Value | undefined): void => {
    const before = map.get(key)
    if (value === undefined) map.delete(key)
    else map.set(key, value)
    undo?.push(() => (before === undefined ? map.delete(key) : map.set(key, before)))
  }
  const inner = <Key, Inner, Value>(map: Map<Key, Map<Inner, Value>>, key: Key): Map<Inner, Value> => {
    const found = map.get(key)
    if (found) return found
    const made = new Map<Inner, Value>()
    set(map, key, made)
    return made
  }
  const removePlaces = (vaultId: VaultId, pack: PackId, old: IndexedPack): void => {
    for (const { id: chunkId } of placesOf(old)) {
      const key = `${vaultId} ${chunkId}`
      const rest = (tables.places.get(key) ?? []).filter((place) => place.pack !== pack)
      set(tables.places, key, rest.length === 0 ? undefined : rest)
    }
  }
  const replaceNode = (linkId: string, nodeId: NodeId, node: BaseNode | undefined): void => {
    const nodes = inner(tables.nodes, linkId)
    const before = nodes.get(nodeId)
    set(nodes, nodeId, node)
    for (const row of [before, node]) {
      if (row !== undefined) set(tables.listings, `${linkId} ${row.parent}`, undefined)
    }
    if (node === undefined) set(tables.listings, `${linkId} ${nodeId}`, undefined)
    for (const [map, keyOf] of [
      [tables.nodesByParent, parentKey],
      [tables.nodesByInode, inodeKey],
      [tables.nodesAbsent, absenceKey],
    ] as const) {
      const [oldKey, newKey] = [before && keyOf(linkId, before), node && keyOf(linkId, node)]
      if (oldKey !== undefined && oldKey !== newKey) set(inner(map, oldKey), nodeId, undefined)
      if (newKey !== undefined) set(inner(map, newKey), nodeId, node)
    }
  }

  return {
    transact,
    nodes: (linkId) => tables.nodes.get(linkId)?.values() ?? [],
    snapshot() {
      assert(undo === null, 'a snapshot is taken between transactions')
      return { tables: copyTables(tables) }
    },
    [Symbol.dispose]() {
      isDisposed = true
    },

    links: () => [...tables.links.values()],
    putLink: (link) => change(() => set(tables.links, link.id, { ...link })),
    removeLink: (linkId) =>
      change(() => {
        set(tables.links, linkId, undefined)
        for (const nodeId of tables.nodes.get(linkId)?.keys() ?? []) replaceNode(linkId, nodeId, undefined)
        for (const map of [tables.facts, tables.listings])
          for (const key of map.keys()) if (key.startsWith(`${linkId} `)) set<string, unknown>(map, key, undefined)
        set(tables.actions, linkId, undefined)
      }),

    node: (linkId, nodeId) => tables.nodes.get(linkId)?.get(nodeId) ?? null,
    children: (linkId, parent) =>
      [...(tables.nodesByParent.get(`${linkId} ${parent}`)?.values() ?? [])].filter((node) => node.id !== parent),
    childrenNamed: (linkId, parent, name) =>
      [...(tables.nodesByParent.get(`${linkId} ${parent}`)?.values() ?? [])].filter((node) => node.name === name),
    nodeByInode: (linkId, device, inode) =>
      tables.nodesByInode.get(`${linkId} ${device} ${inode}`)?.values().next().value ?? null,
    putNode: (linkId, node) =>
      change(() => {
        assert(tables.links.has(linkId), 'the base belongs to a link')
        replaceNode(linkId, node.id, { ...node, disk: node.disk && { ...node.disk } })
      }),
    removeNode: (linkId, nodeId) => change(() => replaceNode(linkId, nodeId, undefined)),
    absentNodes: (linkId, kind, limit, after) =>
      [...(tables.nodesAbsent.get(`${linkId} ${kind}`)?.values() ?? [])]
        .filter(({ id }) => after === undefined || id > after)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit),
    totals(linkId) {
      const files = [...(tables.nodes.get(linkId)?.values() ?? [])].filter((node) => node.kind === 'file')
      return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) }
    },
    foldersListed(linkId, folder, listing) {
      const known = tables.listings.get(`${linkId} ${folder}`)
      return known?.text === listing ? [...known.folders] : null
    },
    putListing: (linkId, folder, text, folders) =>
      change(() => {
        assert(tables.links.has(linkId), 'a listing belongs to a link')
        set(tables.listings, `${linkId} ${folder}`, { text, folders: [...folders] })
      }),

    fact: (scope, name) => tables.facts.get(`${scope} ${name}`) ?? null,
    putFact: (scope, name, value) => change(() => set(tables.facts, `${scope} ${name}`, value ?? undefined)),

    addActions: (linkId, actions) =>
      change(() => {
        assert(tables.links.has(linkId), 'actions belong to a link')
        set(tables.actions, linkId, [...(tables.actions.get(linkId) ?? []), ...actions].slice(-actionsMax))
      }),
    actions: (linkId, { limit, path: wanted }) =>
      (tables.actions.get(linkId) ?? [])
        .filter(({ path }) => wanted === undefined || path === wanted || path.startsWith(`${wanted}/`))
        .toReversed()
        .slice(0, limit),

    head(vaultId) {
      const newest = tables.records.get(vaultId)?.at(-1)
      return newest ? { sequence: newest.sequence, hash: newest.hash } : null
    },
    putRecord: (vaultId, sequence, hash, record) =>
      change(() => {
        const records = tables.records.get(vaultId) ?? []
        const last = records.at(-1)
        assert(last === undefined || sequence === last.sequence + 1, 'records are stored in order, one by one')
        set(tables.records, vaultId, records)
        records.push({ sequence, hash, record: record.slice() })
        undo?.push(() => records.pop())
      }),
    records: (vaultId, from, to) =>
      (tables.records.get(vaultId) ?? []).filter((record) => record.sequence >= from && record.sequence <= to),

    removeRecordsAfter: (vaultId, sequence) =>
      change(() =>
        set(
          tables.records,
          vaultId,
          (tables.records.get(vaultId) ?? []).filter((record) => record.sequence <= sequence),
        ),
      ),

    putSnapshot: (vaultId, sequence, snapshot) =>
      change(() => set(inner(tables.snapshots, vaultId), sequence, snapshot.slice())),
    removeSnapshot: (vaultId, sequence) => change(() => set(inner(tables.snapshots, vaultId), sequence, undefined)),
    snapshots: (vaultId, from, to) =>
      [...(tables.snapshots.get(vaultId) ?? [])]
        .filter(([sequence]) => sequence >= from && sequence <= to)
        .sort(([a], [b]) => a - b)
        .map(([sequence, snapshot]) => ({ sequence, snapshot })),
    newestSnapshot(vaultId) {
      const snapshots = tables.snapshots.get(vaultId)
      return snapshots?.get(Math.max(...snapshots.keys())) ?? null
    },

    putPack: (vaultId, pack, isPending) =>
      change(() => {
        const id = packIdFromBytes(pack.pack)
        const packs = inner(tables.packs, vaultId)
        const before = packs.get(id)
        if (before) return set(packs, id, { pack: before.pack, isPending: before.isPending && isPending })
        set(packs, id, { pack: clone(IndexedPackSchema, pack), isPending })
        for (const { id: chunkId, place } of placesOf(pack)) {
          const key = `${vaultId} ${chunkId}`
          set(tables.places, key, [...(tables.places.get(key) ?? []), place])
        }
      }),
    findChunk(vaultId, chunkId) {
      const places = tables.places.get(`${vaultId} ${chunkId}`) ?? []
      const packs = tables.packs.get(vaultId)
      return places.find((place) => packs?.get(place.pack)?.isPending === false) ?? places[0] ?? null
    },
    hasChunk: (vaultId, chunkId) => (tables.places.get(`${vaultId} ${chunkId}`) ?? []).length > 0,
    pendingPacks: (vaultId) =>
      [...(tables.packs.get(vaultId)?.values() ?? [])].filter(({ isPending }) => isPending).map(({ pack }) => pack),
    removePack: (vaultId, pack) =>
      change(() => {
        const packs = inner(tables.packs, vaultId)
        const before = packs.get(pack)
        if (before) removePlaces(vaultId, pack, before.pack)
        set(packs, pack, undefined)
      }),
    pack: (vaultId, pack) => tables.packs.get(vaultId)?.get(pack)?.pack ?? null,
    packIds: (vaultId) => [...(tables.packs.get(vaultId)?.keys() ?? [])],
    countChunks: (vaultId) => [...tables.places.keys()].filter((key) => key.startsWith(vaultId)).length,

    cachedChunk: (vaultId, chunkId) => tables.cache.get(`${vaultId} ${chunkId}`)?.slice() ?? null,
    cacheChunk(vaultId, chunkId, plaintext) {
      const key = `${vaultId} ${chunkId}`
      if (tables.cache.has(key)) return
      tables.cache.set(key, plaintext.slice())
      cacheBytes += plaintext.length
      for (const [oldest, bytes] of tables.cache) {
        if (cacheBytes <= cacheBytesMax) break
        tables.cache.delete(oldest)
        cacheBytes -= bytes.length
      }
    },
  }
}

const parentKey = (linkId: string, node: BaseNode): string => `${linkId} ${node.parent}`
const inodeKey = (linkId: string, { disk }: BaseNode): string | undefined =>
  disk ? `${linkId} ${disk.device} ${disk.inode}` : undefined
const absenceKey = (linkId: string, { absence }: BaseNode): string | undefined =>
  absence !== null && absence.kind !== 'folder' ? `${linkId} ${absence.kind}` : undefined
