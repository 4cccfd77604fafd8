/**
 * The remote tree: what the head holds, compared with the base. Opens only folders whose content differs from what
 * the base says of them, so an unchanged vault costs nothing and one edit costs its path.
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
}

export type HeadParts = {
  state: State
  linkId: string
  tree: (content: Content) => Promise<Node[]>
}

/** Compares the head's tree with the base. `root` is null for a vault without a snapshot. Throws `corrupt` for a tree that holds a node twice. */
export const headChanges = async ({ state, linkId, tree }: HeadParts, root: Content | null): Promise<HeadChanges> => {
  const result: HeadChanges = { changes: new Map(), visited: new Map() }
  if (root === null) return result
  const seen = new Set<NodeId>()
  const missed: BaseNode[] = []
  const queue = [{ id: rootNodeId, content: contentBytes(root), depth: 0 }]

  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    if (sameBytes(folder.content, agreedContent(state, linkId, folder.id))) continue
    if (folder.depth > treeDepthMax)
      throw new SyncError('tree.read', 'corrupt', `the vault's tree is deeper than ${treeDepthMax} folders`)
    result.visited.set(folder.id, folder.content)
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
      if (remote.kind === 'folder' && remote.content !== null) {
        queue.push({ id: remote.id, content: remote.content, depth: folder.depth + 1 })
      }
    }
    missed.push(...baseChildren(state, linkId, folder.id))
  }

  for (let node = missed.shift(); node !== undefined; node = missed.shift()) {
    if (seen.has(node.id)) continue
    seen.add(node.id)
    result.changes.set(node.id, { base: node, remote: null })
    if (node.kind === 'folder') missed.push(...state.children(linkId, node.id))
  }
  return result
}

/**
 * The base forgets which head the folders are at that were opened, or are gone at the head: what it holds of them is about
 * to change, and if that ends in the middle, the next look must open them, whatever they are at then. Call within a transaction.
 */
export const forgetContents = (state: State, linkId: string, { changes, visited }: HeadChanges): void => {
  const folders = new Set(visited.keys())
  for (const [id, { base, remote }] of changes) if (base?.kind === 'folder' && remote === null) folders.add(id)
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
