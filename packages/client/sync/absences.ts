/**
 * Nodes that are not on this disk for a reason that may go away: a twin was renamed, a name can be stored after all.
 * Then the base forgets them, so that the next round finds them at the head as if they were new. Nothing is deleted
 * anywhere by that: what is absent here is in the vault.
 */
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import type { AbsenceKind, BaseNode, Disk, State } from '../ports.ts'
import { rootContentFact } from './node.ts'

const pageNodes = 1000

/** Forgets the nodes whose name or twin keeps them from this disk no more. Returns how many. */
export const forgetOldAbsences = (state: State, linkId: string, disk: Disk): number => {
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
      forgetAbsences(state, linkId, 'name', ({ name }) => disk.refuseName(name) !== null) +
      forgetAbsences(state, linkId, 'twin', ({ parent, name }) => namesHere(parent).has(disk.foldName(name))),
  )
}

/** Forgets the nodes that are absent for a reason of one kind and for which it no longer holds. Call within a transaction. */
export const forgetAbsences = (
  state: State,
  linkId: string,
  kind: Exclude<AbsenceKind, 'folder'>,
  holds: (node: BaseNode) => boolean,
): number => {
  const opened = new Set<NodeId>()
  let count = 0
  let page = state.absentNodes(linkId, kind, pageNodes)
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    for (const node of page) {
      if (holds(node)) continue
      forgetWithBelow(state, linkId, node)
      openAbove(state, linkId, node.parent, opened)
      count += 1
    }
    page = state.absentNodes(linkId, kind, pageNodes, last.id)
  }
  return count
}

const forgetWithBelow = (state: State, linkId: string, top: BaseNode): void => {
  const queue = [top]
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    if (node.kind === 'folder') queue.push(...state.children(linkId, node.id))
    state.removeNode(linkId, node.id)
  }
}

/** The folders above are no longer as at any head: the next look opens them. */
const openAbove = (state: State, linkId: string, start: NodeId, opened: Set<NodeId>): void => {
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
