/**
 * From what changed here and what changed at the head to what shall be on both: pure, and the only place that decides.
 * Each node is merged by itself; then the tree is made whole: a folder with something living in it survives, no
 * folder lies below itself, no two nodes share a name. Plans are recomputed, never repaired.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import type { Absence, BaseNode, NodeState } from '../ports.ts'
import { draftOf, isHere, stepOf, type Draft } from './draft.ts'
import type { HeadChange } from './head-changes.ts'
import type { LocalChange, LocalNode } from './scan.ts'
import { placeKey, type isSameContent, type isSamePlace, type isUnchanged } from './merge.ts'
import type { ModePolicy } from './modes.ts'

export type PlanInput = {
  /** With adopted ids. */
  local: ReadonlyMap<NodeId, LocalChange>
  remote: ReadonlyMap<NodeId, HeadChange>
  base: (id: NodeId) => BaseNode | null
  baseChildren: (folder: NodeId) => BaseNode[]
  /** Where a node of the base lies on this disk. */
  pathOf: (node: BaseNode) => string
  root: NodeId
  newId: () => NodeId
  conflictName: (name: string, isTaken: (name: string) => boolean) => string
  policy: {
    mode: Pick<ModePolicy, 'merge' | 'namesAre'>
    isSamePlace: typeof isSamePlace
    isSameContent: typeof isSameContent
    isUnchanged: typeof isUnchanged
  }
}

/** What one node was, is and shall be. */
export type Step = {
  id: NodeId
  base: BaseNode | null
  /** On this disk now. */
  local: LocalNode | null
  /** At the head now. */
  remote: NodeState | null
  /** On both, when the plan is carried out. A file's content is null where the disk's bytes, not yet read, shall be pushed. */
  merged: NodeState | null
  toDisk: 'none' | 'create' | 'change' | 'remove'
  toLog: 'none' | 'put' | 'remove'
  /** What the base says when all is carried out: what is merged, what it says now, or nothing of the node any more. */
  toBase: 'put' | 'none' | 'remove'
  /** Why it shall not be, or cannot come to its place, on this disk; null for what shall be there. */
  absence: Absence | null
}

export type Plan = {
  /** Parents before children, by where they shall be; removals last, children before parents. */
  steps: Step[]
  /** Ids of the conflict copies. */
  conflicts: NodeId[]
}

/** Decides for every node that changed on either side. */
export const plan = (input: PlanInput): Plan => {
  const drafts = new Map<NodeId, Draft>()
  const conflicts: NodeId[] = []
  for (const id of input.remote.keys()) drafts.set(id, draftOf(input, id))
  for (const id of input.local.keys()) if (!drafts.has(id)) drafts.set(id, draftOf(input, id))
  const copies: Draft[] = []
  for (const draft of drafts.values()) {
    const isAbsent = draft.base !== null && draft.base.disk === null
    const { state, isKeptTwice, isHeld } = input.policy.mode.merge(draft, isAbsent)
    draft.merged = state
    draft.isHeld = isHeld
    if (!isKeptTwice || draft.local === null || state === null) continue
    const copyId = input.newId()
    copies.push({
      id: copyId,
      base: null,
      local: draft.local,
      remote: null,
      merged: { ...draft.local, id: copyId, parent: state.parent, name: state.name },
      isHeld: false,
    })
    draft.local = null
    if (input.policy.mode.namesAre === 'of the head') conflicts.push(copyId)
  }
  for (const copy of copies) drafts.set(copy.id, copy)

  const tree = new MergedTree(input, drafts)
  tree.reviveFolders()
  tree.breakCycles()
  conflicts.push(...tree.separateNames())
  return { steps: tree.steps(), conflicts: [...new Set(conflicts)] }
}

/** The tree as it shall be: the drafts over the base. */
class MergedTree {
  readonly #input: PlanInput
  readonly #drafts: Map<NodeId, Draft>
  /** By folder, in the tree as it shall be, and in the base: filled when all is decided. */
  readonly #depths = new Map<NodeId, number>()
  readonly #depthsBefore = new Map<NodeId, number>()

  constructor(input: PlanInput, drafts: Map<NodeId, Draft>) {
    this.#input = input
    this.#drafts = drafts
  }

  #merged(id: NodeId): NodeState | null {
    const draft = this.#drafts.get(id)
    return draft === undefined ? this.#input.base(id) : draft.merged
  }

  /** A folder deleted on one side lives on when something in it lives: new, edited, moved in, or never on this disk. */
  reviveFolders(): void {
    for (const { id, base, merged } of this.#drafts.values()) {
      if (merged !== null || base?.kind !== 'folder') continue
      const isLivedIn = this.#input.baseChildren(id).some((child) => !this.#drafts.has(child.id))
      if (isLivedIn) this.#revive(id)
    }
    for (const draft of this.#drafts.values()) if (draft.merged !== null) this.#revive(draft.merged.parent)
  }

  /** Brings back a folder and those above it, up to the first that lives: what is above that is seen to by itself. */
  #revive(folder: NodeId): void {
    for (let id = folder; id !== this.#input.root;) {
      const draft = this.#drafts.get(id)
      if (draft === undefined || draft.merged !== null) return
      draft.merged = draft.remote ?? draft.local ?? draft.base
      if (draft.merged === null) return
      id = draft.merged.parent
    }
  }

  /** Moves of both sides together can put a folder below itself. The head's tree has no cycle, so local moves give way. */
  breakCycles(): void {
    for (let isBroken = true; isBroken;) {
      isBroken = false
      for (const draft of this.#drafts.values()) {
        if (draft.merged?.kind !== 'folder' || draft.remote === null) continue
        if (this.#input.policy.isSamePlace(draft.merged, draft.remote) || !this.#isBelowItself(draft.id)) continue
        draft.merged = { ...draft.merged, parent: draft.remote.parent, name: draft.remote.name }
        this.#revive(draft.remote.parent)
        isBroken = true
      }
    }
  }

  #isBelowItself(start: NodeId): boolean {
    const passed = new Set<NodeId>([start])
    for (let id = this.#merged(start)?.parent ?? this.#input.root; id !== this.#input.root;) {
      if (id === start) return true
      if (passed.has(id)) return false
      passed.add(id)
      id = this.#merged(id)?.parent ?? this.#input.root
    }
    return false
  }

  /** Of two nodes with one name the head's keeps it; the other becomes a conflict copy. Returns the ids of the renamed. */
  separateNames(): NodeId[] {
    const renamed: NodeId[] = []
    const places = new Map<string, NodeId[]>()
    for (const { id, merged } of this.#drafts.values()) {
      if (merged === null) continue
      const key = placeKey(merged)
      const there = places.get(key)
      if (there === undefined) places.set(key, [id])
      else there.push(id)
    }
    const namesByFolder = new Map<NodeId, Map<string, BaseNode>>()
    const unchangedNames = (folder: NodeId): Map<string, BaseNode> => {
      const known = namesByFolder.get(folder)
      if (known !== undefined) return known
      const names = new Map(
        this.#input
          .baseChildren(folder)
          .filter((node) => !this.#drafts.has(node.id))
          .map((node) => [node.name, node]),
      )
      namesByFolder.set(folder, names)
      return names
    }
    for (const ids of places.values()) {
      const first = this.#drafts.get(ids[0] ?? this.#input.root)?.merged ?? null
      if (first === null) continue
      const unchanged = unchangedNames(first.parent).get(first.name) ?? null
      if (ids.length === 1 && unchanged === null) continue
      const { keeper, others } = this.#keeperOf(ids, unchanged)
      for (const id of others) {
        const draft = this.#drafts.get(id)
        if (id === keeper || draft === undefined || draft.merged === null) continue
        const folder = draft.merged.parent
        const isTaken = (name: string): boolean =>
          places.has(placeKey({ parent: folder, name })) || unchangedNames(folder).has(name)
        const name = this.#input.conflictName(draft.merged.name, isTaken)
        draft.merged = { ...draft.merged, name }
        places.set(placeKey({ parent: folder, name }), [id])
        renamed.push(id)
      }
    }
    return renamed
  }

  /** Who keeps a name that several want; null: an unchanged node does. */
  #keeperOf(ids: NodeId[], unchanged: BaseNode | null): { keeper: NodeId | null; others: NodeId[] } {
    const here = ids.find((id) => isDraftHere(this.#drafts.get(id)))
    if (this.#input.policy.mode.namesAre === 'of the disk' && here !== undefined) {
      if (unchanged === null) return { keeper: here, others: ids }
      // One that is only in the vault gives way too.
      this.#drafts.set(unchanged.id, { ...draftOf(this.#input, unchanged.id), merged: unchanged })
      return { keeper: here, others: [...ids, unchanged.id] }
    }
    const keeper = unchanged === null ? (ids.find((id) => this.#isAtHeadsPlace(id)) ?? ids[0] ?? null) : null
    return { keeper, others: ids }
  }

  #isAtHeadsPlace(id: NodeId): boolean {
    const draft = this.#drafts.get(id)
    return (
      draft?.merged !== null &&
      draft?.merged !== undefined &&
      draft.remote !== null &&
      this.#input.policy.isSamePlace(draft.merged, draft.remote)
    )
  }

  steps(): Step[] {
    const steps = Array.from(this.#drafts.values(), (draft) => stepOf(this.#input, draft))
    const levels = (those: Step[]): Step[][] =>
      [...Map.groupBy(those, (step) => this.#depth(step))].sort(([a], [b]) => a - b).map(([, level]) => level)
    const living = levels(steps.filter((step) => step.merged !== null))
    const removed = levels(steps.filter((step) => step.merged === null))
    return [...living, ...removed.toReversed()].flat()
  }

  #depth(step: Step): number {
    const isAlive = step.merged !== null
    const depths = isAlive ? this.#depths : this.#depthsBefore
    const folder = (step.merged ?? step.base ?? step.local)?.parent ?? this.#input.root
    return depthIn(depths, folder, this.#input.root, (id) => (isAlive ? this.#merged(id) : this.#input.base(id)))
  }
}

/** How many folders lie above what is in a folder; of each, it is worked out once. */
const depthIn = (
  depths: Map<NodeId, number>,
  folder: NodeId,
  root: NodeId,
  nodeOf: (id: NodeId) => NodeState | null,
): number => {
  const passed: NodeId[] = []
  let at = folder
  for (; at !== root && !depths.has(at); at = nodeOf(at)?.parent ?? root) passed.push(at)
  let depth = depths.get(at) ?? 0
  for (const id of passed.toReversed()) depths.set(id, (depth += 1))
  return depth
}

const isDraftHere = (draft: Draft | undefined): boolean => draft !== undefined && isHere(draft)
