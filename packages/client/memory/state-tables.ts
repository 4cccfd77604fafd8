/**
 * What the local state in memory holds: maps that are copied whole when a disk would be looked at after a crash.
 */
import type { IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { NodeId, PackId, VaultId } from '@anysync/protocol/ids.ts'
import type { Action } from '../action.ts'
import type { BaseNode, ChunkPlace, Link, LogHead } from '../ports.ts'

export type StoredRecord = LogHead & { record: Uint8Array }
export type StoredPack = { pack: IndexedPack; isPending: boolean }

export type Listing = { text: string; folders: readonly NodeId[] }

/** All that is kept, as maps from joined ids. */
export type Tables = {
  links: Map<string, Link>
  nodes: Map<string, Map<NodeId, BaseNode>>
  /** The same nodes by link and parent, and by link, device and inode. */
  nodesByParent: Map<string, Map<NodeId, BaseNode>>
  nodesByInode: Map<string, Map<NodeId, BaseNode>>
  /** Those that are absent for a reason of their own, by link and reason. */
  nodesAbsent: Map<string, Map<NodeId, BaseNode>>
  /** By link and folder. */
  listings: Map<string, Listing>
  facts: Map<string, string>
  /** Oldest first. */
  actions: Map<string, readonly Action[]>
  records: Map<VaultId, StoredRecord[]>
  snapshots: Map<VaultId, Map<number, Uint8Array>>
  packs: Map<VaultId, Map<PackId, StoredPack>>
  places: Map<string, ChunkPlace[]>
  cache: Map<string, Uint8Array>
}

export const emptyTables = (): Tables => ({
  links: new Map(),
  nodes: new Map(),
  nodesByParent: new Map(),
  nodesByInode: new Map(),
  nodesAbsent: new Map(),
  listings: new Map(),
  facts: new Map(),
  actions: new Map(),
  records: new Map(),
  snapshots: new Map(),
  packs: new Map(),
  places: new Map(),
  cache: new Map(),
})

/** Copies the maps. Values are shared: they are never changed, only replaced. */
export const copyTables = (tables: Tables): Tables => ({
  links: new Map(tables.links),
  nodes: copyInner(tables.nodes),
  nodesByParent: copyInner(tables.nodesByParent),
  nodesByInode: copyInner(tables.nodesByInode),
  nodesAbsent: copyInner(tables.nodesAbsent),
  listings: new Map(tables.listings),
  facts: new Map(tables.facts),
  actions: new Map(tables.actions),
  records: new Map([...tables.records].map(([vaultId, records]) => [vaultId, [...records]])),
  snapshots: copyInner(tables.snapshots),
  packs: copyInner(tables.packs),
  places: new Map(tables.places),
  cache: new Map(tables.cache),
})

const copyInner = <Key, Inner, Value>(map: Map<Key, Map<Inner, Value>>): Map<Key, Map<Inner, Value>> =>
  new Map([...map].map(([key, values]) => [key, new Map(values)]))
