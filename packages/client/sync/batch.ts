/**
 * The edits of one commit. Gathers them, gives the folders that they touch their new times, writes the trees, commits,
 * and only then lets the base say so. [Note: the base is written last]
 */
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { contentBytes } from '../content/content.ts'
import { isSameStat } from '../disk-stat.ts'
import type { Absence, DiskStat, NodeState } from '../ports.ts'
import type { SnapshotInfo, TreeEdit } from '../vault/vault-types.ts'
import type { Agreement, ApplyParts, Ledger } from './apply.ts'
import type { HeadView } from './head-view.ts'
import { lookAt } from './look-at.ts'
import { baseNodeOf, nodeOf } from './node.ts'
import { forgetRemovals, noteRemovals } from './own-removals.ts'
import type { Step } from './plan.ts'

type Put = { state: NodeState; stat: DiskStat | null; absence: Absence | null }
/** `from`: where the node was at the head before this batch; null for a new one. `put`: null for what is removed. */
type Edit = { readonly id: NodeId; readonly from: NodeId | null; put: Put | null }

export class Batch {
  readonly #parts: ApplyParts
  readonly #ledger: Ledger
  readonly #view: HeadView
  readonly #edits = new Map<NodeId, Edit>()
  #agreements: Agreement[] = []

  constructor(parts: ApplyParts, ledger: Ledger, view: HeadView) {
    this.#parts = parts
    this.#ledger = ledger
    this.#view = view
  }

  get size(): number {
    return this.#edits.size
  }

  /** The node shall be so. `stat`: what to remember of how the disk looks with it; null: it is not on this disk. */
  put(step: Step, state: NodeState, stat: DiskStat | null): void {
    this.#note(step.id, { state, stat, absence: stat === null ? step.absence : null })
  }

  remove(step: Step): void {
    this.#note(step.id, null)
  }

  /** Nothing to commit: the disk turned out to hold what the head has. */
  agree(step: Step, state: NodeState, stat: DiskStat): void {
    this.#agreements.push({ id: step.id, row: baseNodeOf(state, stat, null) })
  }

  #note(id: NodeId, put: Put | null): void {
    const known = this.#edits.get(id)
    if (known === undefined) this.#edits.set(id, { id, from: this.#view.node(id)?.parent ?? null, put })
    else known.put = put
    this.#view.edit(id, put?.state ?? null)
  }

  /** Commits what was gathered and empties the batch. Null when there was nothing to commit. */
  async commit(isPartial: boolean): Promise<SnapshotInfo | null> {
    const { vault, state, linkId } = this.#parts
    if (this.#edits.size === 0) {
      this.#ledger.agree(this.#agreements)
      this.#agreements = []
      return null
    }
    await this.#touchFolders()
    const edited = await vault.editTree(this.#view.root, this.#treeEdits(), this.#view.parentOf)
    const isRemoving = this.#edits.values().some(({ put }) => put === null)
    if (isRemoving) noteRemovals(state, linkId, this.#view.head?.sequence ?? 0, edited.root)
    const snapshot = await vault.commit({
      expected: this.#view.head,
      root: edited.root,
      touched: edited.touched,
      isPartial,
      statistics: this.#view.totals(),
    })
    const contents = new Map([...edited.folders].map(([id, content]) => [id, contentBytes(content)]))
    this.#view.committed(snapshot)
    this.#ledger.agree([...this.#agreements, ...this.#rows()], { sequence: snapshot.sequence, contents })
    if (isRemoving) forgetRemovals(state, linkId)
    this.#agreements = []
    this.#edits.clear()
    return snapshot
  }

  /** A folder's time changes with what is in it: it goes up with the edit that changed it. */
  async #touchFolders(): Promise<void> {
    const folders = new Set<NodeId>()
    for (const { id, from, put } of this.#edits.values()) {
      if (from !== null) folders.add(from)
      if (put !== null) folders.add(put.state.parent)
      if (put?.state.kind === 'folder') folders.add(id)
    }
    for (const id of folders) {
      const isLeft = id === rootNodeId || this.#ledger.unsettled.has(id) || this.#ledger.held.has(id)
      const path = isLeft ? null : this.#parts.where.path(id)
      const state = this.#view.node(id)
      if (path === null || state === null || state.kind !== 'folder') continue
      const seen = this.#parts.where.seen(id)
      const stat = await lookAt(this.#parts.disk, path)
      // What changed since the scan looked, or cannot be seen now, is left for the next scan to see.
      if (stat === null || stat === 'closed' || seen === null || !isSameStat(seen, stat)) continue
      // Where a mode keeps an attribute of the disk from the vault, they do not agree on the folder.
      if (stat.mode !== state.mode) continue
      if (state.mtimeNs !== stat.mtimeNs || this.#edits.get(id)?.put)
        this.#note(id, { state: { ...state, mtimeNs: stat.mtimeNs }, stat, absence: null })
    }
  }

  #treeEdits(): TreeEdit[] {
    const edits: TreeEdit[] = []
    for (const { id, from, put } of this.#edits.values()) {
      if (put === null) {
        if (from !== null) edits.push({ id, from, to: null })
      } else edits.push({ id, from, to: { parent: put.state.parent, node: nodeOf(put.state) } })
    }
    return edits
  }

  #rows(): Agreement[] {
    const { state, linkId } = this.#parts
    return Array.from(this.#edits.values(), ({ id, put }): Agreement => {
      if (put === null) return { id, row: null }
      const row = baseNodeOf(put.state, put.stat, put.absence)
      return { id, row: row.kind === 'folder' ? { ...row, content: state.node(linkId, id)?.content ?? null } : row }
    })
  }
}
