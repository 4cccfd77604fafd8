/**
 * The port to the local state database: what a device remembers of its folders, of each vault's log and of what is stored
 * where. Part of `ports.ts`, through which everybody has it.
 */
import type { Action, ActionsQuery } from './action.ts'
import type { ChunkId, NodeId, PackId, RecordHash, VaultId } from '@anysync/protocol/ids.ts'
import type { Compression, ContentKind, IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { DiskKind, DiskStat } from './ports.ts'

/**
 * Which way changes travel: both; only up, and the disk is the truth; only new files up; only down.
 */
export type LinkMode = 'sync' | 'backup' | 'new-only' | 'mirror'

export const linkModes: readonly LinkMode[] = ['sync', 'backup', 'new-only', 'mirror']

/** A folder linked to a vault. */
export type Link = {
  id: string
  vaultId: VaultId
  /** Absolute path on this device. */
  root: string
  mode: LinkMode
}

/** So many files, of so many bytes together. */
export type FileTotals = { files: number; bytes: number }

/** What may be said of a node's matter and place; the base, local and remote trees are made of these. */
export type NodeState = {
  id: NodeId
  parent: NodeId
  name: string
  kind: Exclude<DiskKind, 'other'>
  mode: number
  mtimeNs: bigint
  /** Plaintext bytes of a file; 0 otherwise. */
  size: number
  /** Serialised Content of a file or folder; null for symlinks. */
  content: Uint8Array | null
  /** A symlink's target; '' otherwise. */
  linkTarget: string
}

/** One node that this device and the log agree on, and how the disk looked when they did. */
export type BaseNode = NodeState & {
  /** Null when the node is in the vault but not on this disk; then, and only then, `absence` says why. */
  disk: DiskStat | null
  absence: Absence | null
}

/**
 * Why a node of the vault is not on this disk: the folder that holds it is not; this system cannot store the name, or
 * not beside another one; a person's rules or the mode of the link leave it out.
 */
export type AbsenceKind = 'folder' | 'name' | 'twin' | 'rules' | 'mode'

export type Absence = { kind: AbsenceKind; message: string }

/** Where a chunk lies. */
export type ChunkPlace = {
  pack: PackId
  /** Of the segment in the pack. */
  segmentOffset: number
  sealedLength: number
  plainLength: number
  kind: ContentKind
  compression: Compression
  /** Of the chunk in the opened segment. */
  offset: number
  length: number
}

export type LogHead = { sequence: number; hash: RecordHash }

/**
 * What a device remembers. Synchronous, like the database behind it. Losing it loses no file: the next turn compares
 * everything again and settles. Every change outside `transact` is a transaction of its own.
 */
export interface State extends Disposable {
  /** All or nothing. Calls may not nest. */
  transact<Result>(work: () => Result): Result

  links(): Link[]
  putLink(link: Link): void
  /** With its base and everything else that is kept for it. */
  removeLink(linkId: string): void

  /** Base. The root folder has no row; what is agreed on it is a fact. */
  node(linkId: string, nodeId: NodeId): BaseNode | null
  children(linkId: string, parent: NodeId): BaseNode[]
  /** Those of them that have this name, in no order. */
  childrenNamed(linkId: string, parent: NodeId, name: string): BaseNode[]
  nodeByInode(linkId: string, device: bigint, inode: bigint): BaseNode | null
  putNode(linkId: string, node: BaseNode): void
  removeNode(linkId: string, nodeId: NodeId): void
  /** Of the files in the base. Looks at every row. */
  totals(linkId: string): FileTotals
  /**
   * The folders within a folder (or the root), when all in it was as the base has it at the last look that gave this same
   * listing, and no row of anything in it was put or removed since; else null.
   */
  foldersListed(linkId: string, folder: NodeId, listing: string): NodeId[] | null
  putListing(linkId: string, folder: NodeId, listing: string, folders: readonly NodeId[]): void
  /**
   * Nodes that are not on this disk for a reason of their own, by id, so many at a time, from behind `after` on.
   * Costs nothing where there are none.
   */
  absentNodes(linkId: string, kind: Exclude<AbsenceKind, 'folder'>, limit: number, after?: NodeId): BaseNode[]

  /** Small facts by name, per link, vault or 'server' ('scope'): settled head, confirmation, last scan … */
  fact(scope: string, name: string): string | null
  putFact(scope: string, name: string, value: string | null): void

  /** What was done, in order. The newest `actionsMax` of each link are kept. */
  addActions(linkId: string, actions: readonly Action[]): void
  /** Newest first. */
  actions(linkId: string, query: ActionsQuery): Action[]

  /** The verified log, as far as it was seen. */
  head(vaultId: VaultId): LogHead | null
  /** One after the other; the first may have any sequence, for a device may begin with a checkpoint. */
  putRecord(vaultId: VaultId, sequence: number, hash: RecordHash, record: Uint8Array): void
  /** Records from..to, both included, in order. */
  records(
    vaultId: VaultId,
    from: number,
    to: number,
  ): Iterable<{ sequence: number; hash: RecordHash; record: Uint8Array }>

  /** Forgets the records after this sequence: what a server that was put back does not have any more. */
  removeRecordsAfter(vaultId: VaultId, sequence: number): void

  /** The snapshots that are kept, as `kept-snapshot.ts` serialises them. Putting one again replaces it. */
  putSnapshot(vaultId: VaultId, sequence: number, snapshot: Uint8Array): void
  removeSnapshot(vaultId: VaultId, sequence: number): void
  /** Those from..to, both included, in order. */
  snapshots(vaultId: VaultId, from: number, to: number): { sequence: number; snapshot: Uint8Array }[]
  newestSnapshot(vaultId: VaultId): Uint8Array | null

  /** Index. A pack is pending from its upload until a record brings it. */
  putPack(vaultId: VaultId, pack: IndexedPack, isPending: boolean): void
  findChunk(vaultId: VaultId, chunkId: ChunkId): ChunkPlace | null
  /** Whether it would be found. */
  hasChunk(vaultId: VaultId, chunkId: ChunkId): boolean
  pendingPacks(vaultId: VaultId): IndexedPack[]
  removePack(vaultId: VaultId, pack: PackId): void
  /** What the index has of a pack; null when it does not have it. */
  pack(vaultId: VaultId, pack: PackId): IndexedPack | null
  /** Every pack of the index, pending ones too. */
  packIds(vaultId: VaultId): PackId[]
  countChunks(vaultId: VaultId): number

  /** Opened chunks of trees, so that an edit does not fetch what this device wrote or read. Bounded; may forget. */
  cachedChunk(vaultId: VaultId, chunkId: ChunkId): Uint8Array | null
  cacheChunk(vaultId: VaultId, chunkId: ChunkId, plaintext: Uint8Array): void
}
