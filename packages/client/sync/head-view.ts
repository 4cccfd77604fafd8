/**
 * The vault's tree at the head, node by node, as a push goes on: the head's changes over the base, and over both what
 * this push has committed or is about to. Also keeps the vault's totals.
 */
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import type { LogHead, NodeState } from '../ports.ts'
import type { Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { Commit, SnapshotInfo } from '../vault/vault-types.ts'
import type { ApplyParts } from './apply.ts'

type Totals = Commit['statistics']

export class HeadView {
  readonly #parts: ApplyParts
  readonly #edited = new Map<NodeId, NodeState | null>()
  #totals: Totals
  /** What the next commit expects and starts from. */
  head: LogHead | null
  root: Content | null

  constructor(parts: ApplyParts, newest: SnapshotInfo | null) {
    this.#parts = parts
    this.head = newest
    this.root = newest?.root ?? null
    const { files = 0n, folders = 0n, symlinks = 0n, bytes = 0n } = newest?.statistics ?? {}
    this.#totals = { files, folders, symlinks, bytes, nodesChanged: 0n, nodesRemoved: 0n }
  }

  /** A node as the next commit leaves it; null when it is not in the vault. A folder's content may not be the newest. */
  node(id: NodeId): NodeState | null {
    const edited = this.#edited.get(id)
    if (edited !== undefined) return edited
    const change = this.#parts.head.changes.get(id)
    return change === undefined ? this.#parts.state.node(this.#parts.linkId, id) : change.remote
  }

  /** The folder that holds a folder; null for the root. */
  readonly parentOf = (folder: NodeId): NodeId | null =>
    folder === rootNodeId ? null : (this.node(folder)?.parent ?? null)

  /** Notes an edit, and counts it. */
  edit(id: NodeId, after: NodeState | null): void {
    const before = this.node(id)
    this.#count(before, -1n)
    this.#count(after, 1n)
    if (after === null) this.#totals.nodesRemoved += 1n
    else this.#totals.nodesChanged += 1n
    this.#edited.set(id, after)
  }

  #count(state: NodeState | null, sign: bigint): void {
    if (state === null) return
    if (state.kind === 'file') {
      this.#totals.files = atLeastZero(this.#totals.files + sign)
      this.#totals.bytes = atLeastZero(this.#totals.bytes + sign * BigInt(state.size))
    } else if (state.kind === 'folder') this.#totals.folders = atLeastZero(this.#totals.folders + sign)
    else this.#totals.symlinks = atLeastZero(this.#totals.symlinks + sign)
  }

  /** The vault's totals after the edits so far. */
  totals(): Totals {
    return { ...this.#totals }
  }

  /** Starts from a new head. */
  committed(snapshot: SnapshotInfo): void {
    this.head = snapshot
    this.root = snapshot.root
    this.#totals = { ...this.#totals, nodesChanged: 0n, nodesRemoved: 0n }
  }
}

/** The totals came from another device's record, which may have miscounted. */
const atLeastZero = (count: bigint): bigint => (count < 0n ? 0n : count)
