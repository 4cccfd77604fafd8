/**
 * The remote tree: what the head holds, compared with the base. Opens only folders whose content differs from what
 * the base says of them, so an unchanged vault costs nothing and one edit costs its path. Of much that is new it finds so
 * much at a time, so that a first pull fits in memory.
 */
import type { Content, Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { contentBytes, parseContent } from '../content/content.ts'
import { treeDepthMax } from '@anysync/protocol/limits.ts'
import type { BaseNode, NodeState, State } from '../ports.ts'
import { nodeStateOf, rootContentFact, sameBytes, sameNode } from './node.ts'

/** A node of the head that differs from the base. `remote` is null for what was removed. */
export type HeadChange = { base: BaseNode | null; remote: NodeState | null }

export type HeadChanges = {
  /** Parents before children. */
  changes: Map<NodeId, HeadChange>
  /** The folders that were opened, with their content at the head. */
  visited: Map<NodeId, Uint8Array>
  /** Folders of which the base has nothing, and that were not opened because so much was found: they are for another round. */
  rest: Set<NodeId>
}

export type HeadParts = {
  state: State
  linkId: string
  tree: (content: Content) => Promise<Node[]>
}

/** A folder of the head that is to be opened. `isShut`: it, or one above it, cannot be entered or written in by its owner. */
type FolderToOpen = { id: NodeId; content: Uint8Array; depth: number; isShut: boolean }

/**
 * Compares the head's tree with the base. `root` is null for a vault without a snapshot. Folders of which the base has
 * nothing are opened until so many changes are found, those that are shut with the one above them, whose mode comes last.
 * When anything of the base is missing all are opened: it may have been moved into any of them. Throws `corrupt` for a
 * tree that holds a node twice, as far as it was opened.
 */
export const headChanges = async (
  { state, linkId, tree }: HeadParts,
  root: Content | null,
  changesMax = Infinity,
): Promise<HeadChanges> => {
  const result: HeadChanges = { changes: new Map(), visited: new Map(), rest: new Set() }
  if (root === null || sameBytes(contentBytes(root), agreedContent(state, linkId, rootNodeId))) return result
  const seen = new Set<NodeId>()
  const missed: BaseNode[] = []
  const known: FolderToOpen[] = [{ id: rootNodeId, content: contentBytes(root), depth: 0, isShut: false }]
  /** Depth first: so folders come to their end, and few are left at any moment. */
  const fresh: FolderToOpen[] = []
  let isLimited = changesMax !== Infinity

  /** Nothing of the base can be missing from such a folder. One that was agreed on with something in it needs no look. */
  const isEmpty = ({ id, content }: BaseNode): boolean =>
    (content === null || content.length === 0) && state.children(linkId, id).length === 0

  const open = async (folder: FolderToOpen): Promise<void> => {
    if (folder.depth > treeDepthMax)
      throw new SyncError('tree.read', 'corrupt', `the vault's tree is deeper than ${treeDepthMax} folders`)
    result.visited.set(folder.id, folder.content)
    const found: FolderToOpen[] = []
    for (const node of await tree(parseContent(folder.content))) {
      const remote = nodeStateOf(node, folder.id)
      if (seen.has(remote.id))
        throw new SyncError('tree.read', 'corrupt', `the vault's tree holds node ${remote.id} twice`)
      seen.add(remote.id)
      const base = state.node(linkId, remote.id)
      if (base !== null && base.kind !== remote.kind) {
        throw new SyncError('tree.read', 'corrupt', `node ${remote.id} changed from ${base.kind} to ${remote.kind}`)
      }
      if (base === null || !sameNode(base, remote)) result.changes.set(remote.id, { base, remote })
      if (remote.kind !== 'folder' || remote.content === null) continue
      if (base !== null && sameBytes(remote.content, base.content)) continue
      const isShut = folder.isShut || (remote.mode & ownersMode) !== ownersMode
      const below = { id: remote.id, content: remote.content, depth: folder.depth + 1, isShut }
      if (base === null || (isLimited && isEmpty(base))) found.push(below)
      else known.push(below)
    }
    for (const below of found.toReversed()) fresh.push(below)
    for (const child of baseChildren(state, linkId, folder.id)) missed.push(child)
  }

  for (let next = 0; ;) {
    const folder = known[next]
    if (folder !== undefined) {
      next += 1
      await open(folder)
      continue
    }
    const isFull = isLimited && result.changes.size >= changesMax
    if (isFull && missed.some(({ id }) => !seen.has(id))) isLimited = false
    const last = isFull && isLimited ? takeShut(fresh) : fresh.pop()
    if (last === undefined) break
    await open(last)
  }
  for (const { id } of fresh) result.rest.add(id)

  for (let node = missed.pop(); node !== undefined; node = missed.pop()) {
    if (seen.has(node.id)) continue
    seen.add(node.id)
    result.changes.set(node.id, { base: node, remote: null })
    if (node.kind !== 'folder') continue
    for (const child of state.children(linkId, node.id)) missed.push(child)
  }
  return result
}

/** Whoever owns a folder may enter it, and put something into it. */
const ownersMode = 0o300

const takeShut = (folders: FolderToOpen[]): FolderToOpen | undefined => {
  const at = folders.findLastIndex(({ isShut }) => isShut)
  return at < 0 ? undefined : folders.splice(at, 1)[0]
}

/**
 * The base forgets which head the folders are at that were opened, or are gone at the head: what it holds of them is about
 * to change, and if that ends in the middle, the next look must open them, whatever they are at then. Call within a transaction.
 */
export const forgetContents = (state: State, linkId: string, { changes, visited }: HeadChanges): void => {
  const folders = new Set(visited.keys())
  changes.forEach(({ base, remote }, id) => {
    if (base?.kind === 'folder' && remote === null) folders.add(id)
  })
  if (folders.delete(rootNodeId)) state.putFact(linkId, rootContentFact, null)
  for (const id of folders) {
    const row = state.node(linkId, id)
    if (row !== null && row.content !== null) state.putNode(linkId, { ...row, content: null })
  }
}

/** What the base has in a folder. No row lies below a folder that it does not have: of such a one nothing is asked. */
export const baseChildren = (state: State, linkId: string, folder: NodeId): BaseNode[] =>
  folder === rootNodeId || state.node(linkId, folder) !== null ? state.children(linkId, folder) : []

/** The content that base and head last agreed on for a folder; null when that is not known. */
export const agreedContent = (state: State, linkId: string, id: NodeId): Uint8Array | null => {
  if (id !== rootNodeId) return state.node(linkId, id)?.content ?? null
  const fact = state.fact(linkId, rootContentFact)
  return fact === null ? null : Uint8Array.fromHex(fact)
}
