/**
 * Carries out a plan; the only writer of the disk, the log and the base. The order is law [Note: order of writes]:
 * coming down, a file is whole and verified under a temporary name before it gets its own, and the disk is settled
 * before the base says so; going up, packs are durable before the record, and the record is accepted before the base.
 * Whatever does not fit what the plan saw is left alone: the next round looks again.
 */
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import type { Absence, BaseNode, Clock, Disk, NodeState, State } from '../ports.ts'
import type { Vault } from '../vault/vault-types.ts'
import { noteAbsentBelow, openWithAbove } from './absences.ts'
import { facts } from './facts.ts'
import { forgetContents, type HeadChanges } from './head-changes.ts'
import { rootContentFact, sameBytes } from './node.ts'
import type { PullProgress } from './pull-progress.ts'
import type { Counts, OnProgress, Trouble } from './report.ts'
import type { Move } from './scope.ts'
import type { Whereabouts } from './whereabouts.ts'

export type ApplyParts = {
  disk: Disk
  state: State
  clock: Clock
  vault: Vault
  linkId: string
  where: Whereabouts
  /** A time before the scan began. */
  lookedNs: bigint
  /** Folders that hold something that is not synced, and those above them that stay because of it. */
  heldFolders: ReadonlySet<NodeId>
  /** Paths of the folders that the scan looked into. */
  listed: ReadonlySet<string>
  head: HeadChanges
  /** How many files get their names together; undefined for as many as usual. */
  sliceFilesMax?: number | undefined
  /** What the turn tells in the end; apply adds to it. */
  troubles: Trouble[]
  /** Is told of every folder that was moved on the disk. */
  onMoved: (move: Move) => void
  onProgress: OnProgress
  /** How far the pulls of the turn are. */
  pulling: PullProgress
}

/** What the base shall say of a node: a row, or that it is gone. */
export type Agreement = { id: NodeId; row: BaseNode | null }

/** A snapshot that this device committed, and the folders that it rewrote. */
type Committed = { sequence: number; contents: ReadonlyMap<NodeId, Uint8Array> }

/**
 * The base's side of a turn. While changes of the head are being taken over, the base must not say that a folder is
 * as at some head, for it is between two; it says so again when all below the folder has been agreed on.
 */
export class Ledger {
  readonly #parts: ApplyParts
  /** Changes of the head that the base does not hold yet. */
  readonly #owed: Set<NodeId>
  /** Folders that are gone, but below which the base still has nodes that are not: what is above a node must be known. */
  readonly #emptying = new Set<NodeId>()
  /** The newest content of every folder that was opened or rewritten. */
  readonly #contents: Map<NodeId, Uint8Array>
  readonly #reopened = new Set<NodeId>()
  /** Nodes whose steps were not carried out. */
  readonly unsettled = new Set<NodeId>()
  /** Nodes of which the base goes on saying what it says. */
  readonly held = new Set<NodeId>()
  /** Nodes of the plan that are not on this disk when it is carried out, with the reason. */
  readonly absences = new Map<NodeId, Absence>()

  constructor(parts: ApplyParts) {
    this.#parts = parts
    this.#owed = new Set(parts.head.changes.keys())
    this.#contents = new Map(parts.head.visited)
  }

  /** Before anything is written: forgets which head the folders with changes are at. `sequence`: that of the head. */
  begin(sequence: number): void {
    const { state, linkId, head } = this.#parts
    state.transact(() => {
      forgetContents(state, linkId, head)
      this.#follow(sequence)
    })
  }

  #follow(sequence: number): void {
    const { state, linkId } = this.#parts
    const followed = String(sequence)
    if (state.fact(linkId, facts.followed) !== followed) state.putFact(linkId, facts.followed, followed)
  }

  /** Writes what was agreed on, in one transaction. `committed`: what says so in the log; null when the head said so already. */
  agree(agreements: Agreement[], committed: Committed | null = null): void {
    const { state, linkId } = this.#parts
    const contents = committed?.contents ?? new Map<NodeId, Uint8Array>()
    for (const [id, content] of contents) this.#contents.set(id, content)
    state.transact(() => {
      if (committed !== null) this.#follow(committed.sequence)
      for (const { id, row } of agreements) {
        // It was to stay away while its folder was, which comes after all: the next round finds both as if they were new.
        if (row?.disk === null && this.#reopened.has(row.parent)) {
          if (row.kind === 'folder') this.#reopened.add(id)
          continue
        }
        if (row === null) this.#emptying.add(id)
        else if (this.#isAboveItself(row)) this.#postpone(row)
        else {
          this.#reopen(row)
          this.#close(row)
          // Should this turn fail, the next must look at the head for what is to be in it.
          const isReopened = this.#reopened.has(row.id)
          const content = isReopened ? null : (contents.get(id) ?? row.content)
          state.putNode(linkId, content === row.content ? row : { ...row, content })
          if (isReopened) openWithAbove(state, linkId, row.parent)
          this.#owed.delete(id)
        }
      }
      this.#removeEmpty()
      // All of them: no folder may be as at the head while one below it is not known to be.
      if (contents.size > 0) this.#writeContents()
    })
  }

  /** Writes rows of what is on the disk and goes on being owed, because it is not yet as the head says. */
  stand(rows: BaseNode[]): void {
    const { state, linkId } = this.#parts
    if (rows.length === 0) return
    state.transact(() => {
      for (const row of rows) state.putNode(linkId, row)
    })
  }

  /** When a folder that was not on this disk now is: what is absent in it is to be looked at as if it were new. */
  #reopen({ id, kind, disk }: BaseNode): void {
    const { state, linkId } = this.#parts
    if (kind !== 'folder' || disk === null || state.node(linkId, id)?.disk !== null) return
    this.#reopened.add(id)
    // Another round has to see to it.
    this.unsettled.add(id)
    const queue = state.children(linkId, id)
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      if (node.disk !== null) continue
      if (node.kind === 'folder') {
        // It may be here as well, and what is agreed on it is no more than its own state.
        this.#reopened.add(node.id)
        queue.push(...state.children(linkId, node.id))
      }
      state.removeNode(linkId, node.id)
    }
  }

  /** When a folder that was on this disk is there no more, without what is in it having been looked at. */
  #close({ id, kind, disk }: BaseNode): void {
    const { state, linkId, where } = this.#parts
    if (kind !== 'folder' || disk !== null || (state.node(linkId, id)?.disk ?? null) === null) return
    noteAbsentBelow(state, linkId, id, (below) => where.stat(below) !== null)
  }

  /** Whether a folder went into one that the base has below it, because that one has not left it yet. */
  #isAboveItself({ id, kind, parent }: BaseNode): boolean {
    const { state, linkId } = this.#parts
    const before = kind === 'folder' ? state.node(linkId, id) : null
    if (before === null || before.parent === parent) return false
    for (let at = parent; at !== rootNodeId;) {
      if (at === id) return true
      at = state.node(linkId, at)?.parent ?? rootNodeId
    }
    return false
  }

  /** Leaves a row for another round: neither its old place nor its new one is as at any head until then. */
  #postpone({ id, parent }: BaseNode): void {
    this.unsettled.add(id)
    this.#owed.add(id)
    this.#reopened.add(parent)
  }

  /** Removals come children first, so one pass does nearly always. */
  #removeEmpty(): void {
    const { state, linkId } = this.#parts
    for (let before = -1; before !== this.#emptying.size;) {
      before = this.#emptying.size
      for (const id of this.#emptying) {
        if (state.children(linkId, id).length > 0) continue
        state.removeNode(linkId, id)
        this.#emptying.delete(id)
        this.#owed.delete(id)
      }
    }
  }

  /** After everything: folders below which nothing is owed are as at the head. */
  finish(): void {
    const { state } = this.#parts
    state.transact(() => this.#writeContents())
  }

  #writeContents(): void {
    const between = this.#foldersBetween()
    // What is above a reopened folder may not have been opened: it must be, or nobody looks below.
    for (const id of new Set([...this.#contents.keys(), ...between]))
      this.#writeContent(id, between.has(id) ? null : (this.#contents.get(id) ?? null))
  }

  #writeContent(id: NodeId, content: Uint8Array | null): void {
    const { state, linkId } = this.#parts
    if (id === rootNodeId) {
      state.putFact(linkId, rootContentFact, content === null ? null : content.toHex())
      return
    }
    const row = state.node(linkId, id)
    if (row !== null && !sameBytes(row.content, content)) state.putNode(linkId, { ...row, content })
  }

  /** Every folder above something that is owed, by its place at the head and by its place in the base. */
  #foldersBetween(): Set<NodeId> {
    const { state, linkId, head } = this.#parts
    const folders = new Set<NodeId>()
    // Both at every step: a folder that this turn moved lies elsewhere than at the head that the turn began with.
    const climb = (id: NodeId): void => {
      if (folders.has(id)) return
      folders.add(id)
      if (id === rootNodeId) return
      for (const parent of [head.changes.get(id)?.remote?.parent, state.node(linkId, id)?.parent])
        if (parent !== undefined) climb(parent)
    }
    for (const id of this.#reopened) climb(id)
    // What is in those has not come yet.
    for (const id of head.rest) climb(id)
    for (const id of this.#owed) {
      const change = head.changes.get(id)
      if (change?.remote) climb(change.remote.parent)
      if (change?.base) climb(change.base.parent)
    }
    return folders
  }
}

/** Runs the work on one node, and notes what became of it: trouble with one holds up no other. */
export const attempt = async (
  parts: ApplyParts,
  ledger: Ledger,
  id: NodeId,
  path: string,
  work: () => Promise<void>,
): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    const isOfDisk = error.operation.startsWith('disk.')
    // A full disk stops the turn, and so does a server that cannot be reached: everything after would fail alike.
    if (error.kind === 'full' || (error.kind === 'unavailable' && !isOfDisk)) throw error
    ledger.unsettled.add(id)
    if (error.kind === 'corrupt') parts.troubles.push({ path, kind: 'corrupt', message: error.message })
    else if (!isOfDisk) throw error
    // `conflict` and `missing` of the disk: it changed since the plan looked, so the next round looks again.
    else if (error.kind !== 'conflict' && error.kind !== 'missing') {
      parts.troubles.push({ path, kind: 'failed', message: error.message })
    }
  }
}

export const countNode = (counts: Counts, state: NodeState): void => {
  if (state.kind === 'file') {
    counts.files += 1
    counts.bytes += state.size
  } else if (state.kind === 'folder') counts.folders += 1
  else counts.symlinks += 1
}
