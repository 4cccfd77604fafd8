/**
 * Reads the folders that an edit touches as they are at the head, each once. Folders are found from the root down by
 * their parents; those that vanish together with a folder above them may have no parent that anybody remembers, and
 * are then looked for below what is removed.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { NodeKind, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { treeDepthMax } from '@anysync/protocol/limits.ts'
import { emptyContent } from '../content/content.ts'
import type { ParentOf, TreeEdit } from './vault-types.ts'

export type HeadReader = {
  /** The nodes of a folder at the head; of a new folder, those of the content that it begins with. `corrupt` when it is not there. */
  nodes(folder: NodeId): Promise<ReadonlyMap<NodeId, Node>>
}

export const createHeadReader = (
  parts: { tree(content: Content): Promise<Node[]> },
  root: Content,
  edits: Map<NodeId, TreeEdit>,
  parentOf: ParentOf,
): HeadReader => {
  const nodesByFolder = new Map<NodeId, Promise<Map<NodeId, Node>>>()
  const load = (folder: NodeId, content: Content): Promise<Map<NodeId, Node>> => {
    const known = nodesByFolder.get(folder)
    if (known) return known
    const nodes = parts.tree(content).then((nodes) => new Map(nodes.map((node) => [nodeIdFromBytes(node.id), node])))
    nodesByFolder.set(folder, nodes)
    return nodes
  }

  /** The folder's content, from the root or from a new folder down. Null when the way to it is not known. */
  const follow = async (folder: NodeId): Promise<Content | null> => {
    const path = pathAtHead(folder, edits, parentOf)
    let at = path[0]
    if (at === undefined) return null
    let content = at === rootNodeId ? root : startOf(edits.get(at))
    for (const next of path.slice(1)) {
      if (content === null) return null
      const node = (await load(at, content)).get(next)
      content = (node?.kind === NodeKind.FOLDER ? node.content : null) ?? startOf(edits.get(next))
      at = next
    }
    return content
  }

  let belowRemoved: Promise<Map<NodeId, Content>> | null = null
  const findBelowRemoved = async (): Promise<Map<NodeId, Content>> => {
    const found = new Map<NodeId, Content>()
    for (const { id, to } of edits.values()) {
      const content = to?.node.kind === NodeKind.FOLDER ? null : await follow(id)
      if (content !== null) await collectFolders(parts, content, found)
    }
    return found
  }

  return {
    async nodes(folder) {
      const known = nodesByFolder.get(folder)
      if (known) return known
      const content = (await follow(folder)) ?? (await (belowRemoved ??= findBelowRemoved())).get(folder)
      if (content) return load(folder, content)
      throw new SyncError('tree.edit', 'corrupt', `folder ${folder}, which an edit names, is not in the tree`)
    },
  }
}

/** What a new folder, or a file that became a folder, begins with. */
const startOf = (edit: TreeEdit | undefined): Content | null =>
  edit?.to?.node.kind === NodeKind.FOLDER ? (edit.to.node.content ?? emptyContent()) : null

/** The folders from the root, or from the new folder that it lies in, down to this one; none when a parent is unknown. */
const pathAtHead = (folder: NodeId, edits: Map<NodeId, TreeEdit>, parentOf: ParentOf): NodeId[] => {
  const path: NodeId[] = []
  let at = folder
  while (path.length <= treeDepthMax) {
    path.push(at)
    const edit = edits.get(at)
    if (at === rootNodeId || edit?.from === null) return path.toReversed()
    const parent = edit?.from ?? parentOf(at)
    if (parent === null) return []
    at = parent
  }
  throw new SyncError('tree.edit', 'corrupt', `folder ${folder} lies below itself in the tree that was given`)
}

/** Every folder below this content, by id. */
const collectFolders = async (
  parts: { tree(content: Content): Promise<Node[]> },
  content: Content,
  found: Map<NodeId, Content>,
): Promise<void> => {
  const left = [content]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const node of await parts.tree(next)) {
      const id = nodeIdFromBytes(node.id)
      if (node.kind !== NodeKind.FOLDER || !node.content || found.has(id)) continue
      found.set(id, node.content)
      left.push(node.content)
    }
  }
}
