/**
 * Nodes that are not on this disk for a reason that may go away: a twin was renamed, a name can be stored after all.
 * Then the base forgets them, so that the next round finds them at the head as if they were new. Nothing is deleted
 * anywhere by that: what is absent here is in the vault.
 */
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import type { Absence, AbsenceKind, BaseNode, Disk, State } from '../ports.ts'
import { basePath } from './identify-node.ts'
import { lookAt } from './look-at.ts'
import { rootContentFact } from './node.ts'
import { folderAbsence } from './presence.ts'
import { isOfPlace } from './ruled-out.ts'
import type { Rules } from './rules.ts'
import type { Scan } from './scan.ts'
import type { ScopeParts } from './scan-scope.ts'
import type { Scope } from './scope.ts'

const pageNodes = 1000

type OwnAbsence = Exclude<AbsenceKind, 'folder'>

/** Notes that nodes which the rules leave out are not on this disk any more: they stay in the vault. */
export const noteLeftOutGone = (
  state: State,
  linkId: string,
  gone: Scan['leftOutGone'],
  met: Scan['changes'],
): void => {
  if (gone.length === 0) return
  state.transact(() => {
    for (const { node, message } of gone) {
      // It was moved to a name that is not left out.
      if (met.has(node.id)) continue
      state.putNode(linkId, { ...node, disk: null, absence: { kind: 'rules', message } })
      if (node.kind === 'folder') noteAbsentBelow(state, linkId, node.id, () => false)
    }
  })
}

/**
 * Notes, before folders that were left out are made anew under other names, that they are not on this disk, nor what is
 * below them: else an empty new folder would say that all in it was deleted.
 */
export const noteLeftBehind = (
  state: State,
  linkId: string,
  folders: NodeId[],
  isElsewhere: (id: NodeId) => boolean,
): void => {
  if (folders.length === 0) return
  state.transact(() => {
    for (const id of folders) {
      const row = state.node(linkId, id)
      if (row === null) continue
      state.putNode(linkId, { ...row, disk: null, absence: leftBehindAbsence })
      noteAbsentBelow(state, linkId, id, isElsewhere)
    }
  })
}

const leftBehindAbsence: Absence = { kind: 'rules', message: 'it is left out where it lay, and comes again elsewhere' }

/** Notes that what is below a folder is not on this disk, as the folder is not. `isElsewhere`: a node that is on it all the same. */
export const noteAbsentBelow = (
  state: State,
  linkId: string,
  folder: NodeId,
  isElsewhere: (id: NodeId) => boolean,
): void => {
  const below = state.children(linkId, folder)
  for (let next = below.pop(); next !== undefined; next = below.pop()) {
    if (next.disk === null || isElsewhere(next.id)) continue
    state.putNode(linkId, { ...next, disk: null, absence: folderAbsence })
    if (next.kind === 'folder') below.push(...state.children(linkId, next.id))
  }
}

/** Of more, only turns over everything ask again whether they could be here. */
const ruledAbsencesMax = 100

/**
 * Forgets the nodes that the rules of this device keep from this disk no more. What is not synced may still lie under the
 * name of one: then it stays away. Many are judged by a turn over everything only. Returns how many were forgotten.
 */
export const forgetRuledAbsences = async (
  { disk, state, linkId }: ScopeParts,
  rules: Rules,
  nowNs: bigint,
  scope: Scope,
): Promise<number> => {
  if (scope !== 'all' && state.absentNodes(linkId, 'rules', ruledAbsencesMax + 1).length > ruledAbsencesMax) return 0
  const freed: BaseNode[] = []
  for (const node of absentOnes(state, linkId, 'rules')) {
    const path = basePath(state, linkId, node)
    if (path !== null && isOfPlace(rules.refuse(path, node.kind, node, nowNs))) continue
    const there = path === null ? null : await lookAt(disk, path)
    if (there !== 'closed' && there?.kind !== 'other') freed.push(node)
  }
  return freed.length === 0 ? 0 : state.transact(() => forgetNodes(state, linkId, freed))
}

/**
 * Forgets the nodes whose name or twin keeps them from this disk no more. Returns how many. `judged`: nodes that a plan has
 * just found a reason for; their twin may be something that the base does not have, because it waits or is held.
 */
export const forgetOldAbsences = (
  state: State,
  linkId: string,
  disk: Disk,
  judged: ReadonlyMap<NodeId, Absence> = new Map(),
): number => {
  if (!hasAbsences(state, linkId, 'name') && !hasAbsences(state, linkId, 'twin')) return 0
  const foldedNames = new Map<NodeId, Set<string>>()
  const namesHere = (folder: NodeId): Set<string> => {
    const known = foldedNames.get(folder)
    if (known !== undefined) return known
    const here = state.children(linkId, folder).filter((node) => node.disk !== null)
    const names = new Set(here.map(({ name }) => disk.foldName(name)))
    foldedNames.set(folder, names)
    return names
  }
  return state.transact(
    () =>
      forgetAbsences(state, linkId, 'name', ({ id, name }) => judged.has(id) || disk.refuseName(name) !== null) +
      forgetAbsences(
        state,
        linkId,
        'twin',
        ({ id, parent, name }) => judged.has(id) || namesHere(parent).has(disk.foldName(name)),
      ),
  )
}

/** Whether there is anything to forget: every turn asks, and none shall lock the database for nothing. */
const hasAbsences = (state: State, linkId: string, kind: OwnAbsence): boolean =>
  state.absentNodes(linkId, kind, 1).length > 0

/** Forgets the nodes that are absent for a reason of one kind and for which it no longer holds. Call within a transaction. */
export const forgetAbsences = (
  state: State,
  linkId: string,
  kind: OwnAbsence,
  holds: (node: BaseNode) => boolean,
): number =>
  forgetNodes(
    state,
    linkId,
    absentOnes(state, linkId, kind).filter((node) => !holds(node)),
  )

/** Forgets these nodes and what is below them. Call within a transaction. Returns how many were given. */
const forgetNodes = (state: State, linkId: string, nodes: Iterable<BaseNode>): number => {
  const opened = new Set<NodeId>()
  let count = 0
  for (const node of nodes) {
    forgetWithBelow(state, linkId, node)
    openWithAbove(state, linkId, node.parent, opened)
    count += 1
  }
  return count
}

/** The nodes that are absent for a reason of one kind; those that it has passed may be forgotten meanwhile. */
function* absentOnes(state: State, linkId: string, kind: OwnAbsence): Generator<BaseNode, void, void> {
  let page = state.absentNodes(linkId, kind, pageNodes)
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    yield* page
    page = state.absentNodes(linkId, kind, pageNodes, last.id)
  }
}

const forgetWithBelow = (state: State, linkId: string, top: BaseNode): void => {
  const queue = [top]
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    if (node.kind === 'folder') queue.push(...state.children(linkId, node.id))
    state.removeNode(linkId, node.id)
  }
}

/**
 * A folder and those above it are no longer as at any head: the next look opens them. `opened` saves work and grows. Call
 * within a transaction.
 */
export const openWithAbove = (state: State, linkId: string, start: NodeId, opened = new Set<NodeId>()): void => {
  for (let id = start; !opened.has(id);) {
    opened.add(id)
    if (id === rootNodeId) {
      state.putFact(linkId, rootContentFact, null)
      return
    }
    const row = state.node(linkId, id)
    if (row === null) return
    state.putNode(linkId, { ...row, content: null })
    id = row.parent
  }
}
