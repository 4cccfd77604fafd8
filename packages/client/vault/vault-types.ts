/**
 * A vault as its users see it: snapshots to read, files and folders to write, commits to make. `vault.ts` opens one.
 */
import type { ChunkId, DeviceId, NodeId, RecordHash, VaultId } from '@anysync/protocol/ids.ts'
import type { Content, Node, Statistics, Touched } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { Source } from '../content/identify.ts'
import type { Window } from '../content/windows.ts'
import type { ContentWork } from '../content/work.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { LogHead } from '../ports.ts'
import type { AnyBody } from './record-body.ts'
import type { PackEffects } from './replay.ts'
import type { Rebuilt, RebuildProgress } from './rebuild.ts'
import type { Rewound } from './rewind.ts'

/** One snapshot: the vault as it was when a device appended the record. */
export type SnapshotInfo = {
  sequence: number
  /** Of the record. */
  hash: RecordHash
  /** The root folder's tree. */
  root: Content
  timeNs: bigint
  deviceId: DeviceId
  deviceName: string
  /** More of the same push follows. */
  isPartial: boolean
  statistics: Statistics
  label: string
  /** No rule forgets it. */
  isPinned: boolean
  /** What may differ from the kept snapshot before it. Null: anything. */
  touched: Touched | null
}

/** A change to one node. Edits of one call name each node once. */
export type TreeEdit = {
  id: NodeId
  /** The folder that holds it now, at the head. Null: the node is new. */
  from: NodeId | null
  /** The folder that shall hold it and what it shall be. Null: it is removed, with all below it that no edit moves away. */
  to: { parent: NodeId; node: Node } | null
}

/** The parent of any folder in the tree as edited; null for the root folder and for folders that are not in it. */
export type ParentOf = (folder: NodeId) => NodeId | null

export type EditedTree = {
  root: Content
  /** The new content of every folder that was written, the root folder among them. */
  folders: Map<NodeId, Content>
  /** What may differ from the tree before. Null: too much to say. */
  touched: Touched | null
}

export type Commit = {
  /** The newest snapshot, as the new root was made from it. `conflict` when it or the head of the log is another by now. */
  expected: LogHead | null
  root: Content
  /** What may differ from the newest snapshot, as `editTree` said it. */
  touched: Touched | null
  isPartial: boolean
  /** What is known but for `bytesStored`, which the vault counts. */
  statistics: Omit<Statistics, '$typeName' | '$unknown' | 'bytesStored'>
  label?: string
}

/**
 * One vault, open. Every call that reads from the server checks all that it reads; what does not hold is `corrupt`, and
 * then nothing was changed. What was written becomes part of the vault by `commit`, and is sent only once even when
 * the process dies before that.
 */
export type Vault = {
  readonly id: VaultId
  /** How this account calls it. */
  readonly name: string
  readonly keys: VaultKeys
  /** Who cuts, names, seals and opens its content. */
  readonly work: ContentWork

  /**
   * Fetches what is new in the log and verifies it; the newest snapshot, null in an empty vault. `corrupt` when the
   * server shows an older or another history than this device has seen. Begins anew after a failed write.
   */
  refresh(): Promise<SnapshotInfo | null>
  /**
   * After a refresh that failed because the server shows an older or another history: goes back to what both have, and
   * takes over what the server has after it. `corrupt` when that does not verify either: then nothing was changed.
   */
  rewind(): Promise<Rewound>
  /**
   * Where a refresh fails because an index on the server is lost or damaged: reads the whole log and, where that does not
   * say it, the packs themselves. `corrupt` when the log does not verify: then nothing was changed.
   */
  rebuild(onProgress?: (step: RebuildProgress) => void): Promise<Rebuilt>
  /** The newest snapshot as last refreshed. */
  newest(): SnapshotInfo | null
  /** All snapshots that are kept, oldest first. */
  snapshots(): SnapshotInfo[]
  /** The newest record as last refreshed, of whatever kind. */
  head(): LogHead | null

  /** The nodes of one folder, in byte order of their names. */
  tree(content: Content): Promise<Node[]>
  /** A file's bytes; each piece is verified before it is given, and there until the next is asked for. */
  stream(content: Content): AsyncIterable<Uint8Array>
  /** All bytes of a small file, verified. The caller must not change them. */
  readSmallFile(content: Content): Promise<Uint8Array>
  /** What will be read soon, in order, so that neighbours are fetched together. */
  expect(contents: Content[]): void
  /** Keeps the trees that were read, for whoever opens the vault next. */
  keepTrees(): void

  /** So many bytes of files are about to be read or written, so that what does the work can begin. */
  prepare(bytes: number): void
  /** What the content of these bytes would be, storing nothing: to see whether two files are equal. */
  identify(source: Source): Promise<Content>
  /**
   * Stores a file's bytes, but for what the vault has already. May be called several times at once. After a failure
   * every write and commit fails until `refresh`: contents given before it may not have been stored.
   */
  writeFile(source: Source): Promise<Content>
  /** Memory for small files, 2 MiB and one more file of them; whoever takes it releases it. */
  takeWindow(): Window
  /** The same for many files of up to 256 KiB at once, which lie in a window, in their order. */
  writeSmallFiles(files: Uint8Array[], window: Window): Promise<Content[]>
  /**
   * Applies edits to the tree of `root` (null: an empty vault) and stores the folders that change. `corrupt` when an
   * edit names what is not there; `conflict` when edits give two nodes one name, or put a folder below itself.
   */
  editTree(root: Content | null, edits: TreeEdit[], parentOf: ParentOf): Promise<EditedTree>
  /**
   * Makes all that was written durable and appends the snapshot. `conflict`: the head moved or something that was
   * written is gone; refresh, plan again. `unavailable`: it is not known whether it was appended; refresh tells.
   */
  commit(commit: Commit): Promise<SnapshotInfo>
  /**
   * Appends a record that is no snapshot, after the head as last refreshed. `conflict` when that is the head no more:
   * refresh, decide again. What it brings must be stored. Otherwise as `commit`.
   */
  append(body: OtherBody, effects: PackEffects): Promise<LogHead>
  /** The chunks that a content is made of, its lists among them, a list's worth at a time. */
  chunksOf(content: Content): AsyncGenerator<ChunkId[], void, void>
}

/** The body of a record that is no snapshot, without what the vault fills in. */
export type OtherBody = Exclude<AnyBody, { $typeName: 'anysync.v1.SnapshotBody' }>
