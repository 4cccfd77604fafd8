/**
 * Edits a vault's tree: applies changes of single nodes and writes the folders that change, from the deepest up to the
 * root. Only folders that an edit touches, and those above them, are read. Knows trees; knows nothing of disks, packs
 * or logs.
 */
import { assert, demand } from '@anysync/protocol/errors.ts'
import { NodeKind, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { treeDepthMax } from '@anysync/protocol/limits.ts'
import { emptyContent } from '../content/content.ts'
import { createHeadReader, type HeadReader } from './edit-head.ts'
import { touchedBy } from './touched.ts'
import { serializeTree } from './tree.ts'
import type { EditedTree, ParentOf, TreeEdit } from './vault-types.ts'

export type EditParts = {
  /** The nodes of a folder with this content. */
  tree(content: Content): Promise<Node[]>
  /** Stores a serialised tree. */
  writeTree(bytes: Uint8Array): Promise<Content>
}

/** The nodes of a folder as edited. */
type Folder = Map<NodeId, Node>

/**
 * Applies the edits to the tree of `root` and returns the new root, the new content of every folder that was
 * written: those that an edit touched, new ones, and all above them; and which nodes may be others now. A folder that is there keeps its content, whatever
 * content its edit names; a new folder begins with the content of its edit, usually none, and gets children by further
 * edits. `corrupt` when an edit names a folder or node that is not there; `conflict` when two nodes would share a name
 * or id, a folder would lie below itself, or something would be put into a folder that is removed.
 */
export const editTree = async (
  parts: EditParts,
  root: Content | null,
  edits: TreeEdit[],
  parentOf: ParentOf,
): Promise<EditedTree> => {
  const editsById = mapEdits(edits)
  const head = createHeadReader(parts, root ?? emptyContent(), editsById, parentOf)
  const places = createPlaces(editsById, parentOf)
  const edited = new Map<NodeId, Folder>()
  const open = async (folder: NodeId): Promise<Folder> => {
    const known = edited.get(folder)
    if (known) return known
    const nodes = new Map(await head.nodes(folder))
    edited.set(folder, nodes)
    return nodes
  }

  await open(rootNodeId)
  const held = await takeOut(edits, head, places, open)
  await putIn(edits, held, places, open)
  const folders = await writeFolders(parts, edited, places, open)
  const newRoot = folders.get(rootNodeId)
  assert(newRoot !== undefined, 'an edit writes the root folder')
  return { root: newRoot, folders, touched: touchedBy(edits, held, folders.keys()) }
}

const mapEdits = (edits: TreeEdit[]): Map<NodeId, TreeEdit> => {
  const editsById = new Map<NodeId, TreeEdit>()
  for (const edit of edits) {
    const isNode = edit.id !== rootNodeId && (edit.to === null || nodeIdFromBytes(edit.to.node.id) === edit.id)
    assert(isNode, 'an edit is of one node that is not the root folder')
    demand(!editsById.has(edit.id), 'tree.edit', 'conflict', `node ${edit.id} is edited twice at once`)
    editsById.set(edit.id, edit)
  }
  return editsById
}

/** Takes every edited node from the folder that holds it; they come back as they were at the head. */
const takeOut = async (
  edits: TreeEdit[],
  head: HeadReader,
  places: Places,
  open: (folder: NodeId) => Promise<Folder>,
): Promise<Map<NodeId, Node>> => {
  const held = new Map<NodeId, Node>()
  for (const { id, from, to } of edits) {
    if (from === null) continue
    const isKept = isPlace(places.of(from))
    // What goes away together with its folder need not be looked at.
    if (!isKept && to === null) continue
    const node = (await head.nodes(from)).get(id)
    demand(node !== undefined, 'tree.edit', 'corrupt', `node ${id} is not in folder ${from}, which should hold it`)
    held.set(id, node)
    if (isKept) (await open(from)).delete(id)
  }
  return held
}

/** Puts every edited node that stays into its folder. */
const putIn = async (
  edits: TreeEdit[],
  held: Map<NodeId, Node>,
  places: Places,
  open: (folder: NodeId) => Promise<Folder>,
): Promise<void> => {
  for (const { id, to } of edits) {
    if (to === null) continue
    const place = places.of(to.parent)
    demand(place !== 'removed', 'tree.edit', 'conflict', `folder ${to.parent} is removed by another edit`)
    demand(place !== 'unknown', 'tree.edit', 'corrupt', `folder ${to.parent}, which an edit names, is not in the tree`)
    const nodes = await open(to.parent)
    demand(!nodes.has(id), 'tree.edit', 'conflict', `node ${id} is in folder ${to.parent} already`)
    const before = held.get(id)
    if (to.node.kind !== NodeKind.FOLDER) {
      nodes.set(id, to.node)
    } else if (before?.kind === NodeKind.FOLDER && before.content) {
      nodes.set(id, { ...to.node, content: before.content })
    } else {
      nodes.set(id, { ...to.node, content: to.node.content ?? emptyContent() })
      await open(id)
    }
  }
}

/** Writes what was opened and every folder above, the deepest first: a folder is written when all below it is known. */
const writeFolders = async (
  parts: EditParts,
  edited: Map<NodeId, Folder>,
  places: Places,
  open: (folder: NodeId) => Promise<Folder>,
): Promise<Map<NodeId, Content>> => {
  const levels: Set<NodeId>[] = []
  const levelOf = (depth: number): Set<NodeId> => (levels[depth] ??= new Set())
  for (const folder of edited.keys()) {
    const place = places.of(folder)
    if (isPlace(place)) levelOf(place.depth).add(folder)
  }
  const folders = new Map<NodeId, Content>()
  for (let depth = levels.length - 1; depth >= 0; depth--) {
    for (const folder of levelOf(depth)) {
      const content = await parts.writeTree(serializeTree([...(await open(folder)).values()]))
      folders.set(folder, content)
      const place = places.of(folder)
      if (!isPlace(place) || place.parent === null) continue
      const { parent } = place
      const siblings = await open(parent)
      const node = siblings.get(folder)
      demand(node?.kind === NodeKind.FOLDER, 'tree.edit', 'corrupt', `folder ${folder} is not in folder ${parent}`)
      siblings.set(folder, { ...node, content })
      levelOf(depth - 1).add(parent)
    }
  }
  return folders
}

/** Where a folder lies in the tree as edited: the root has depth 0 and no parent. Or why it does not lie there. */
type Place = { parent: NodeId | null; depth: number } | 'removed' | 'unknown'
type Places = { of(folder: NodeId): Place }

const isPlace = (place: Place): place is Exclude<Place, string> => typeof place !== 'string'

/** A folder that becomes something else is no place any more, like one that is removed. */
const isFolder = (edit: TreeEdit): edit is TreeEdit & { to: object } => edit.to?.node.kind === NodeKind.FOLDER

const createPlaces = (edits: Map<NodeId, TreeEdit>, parentOf: ParentOf): Places => {
  const known = new Map<NodeId, Place>([[rootNodeId, { parent: null, depth: 0 }]])
  /** Walks up to what is known, then down again, noting where each folder lies. */
  const find = (folder: NodeId): Place => {
    const found = known.get(folder)
    if (found !== undefined) return found
    const path: NodeId[] = []
    let at = folder
    let place = known.get(at)
    while (place === undefined) {
      path.push(at)
      demand(
        path.length <= treeDepthMax,
        'tree.edit',
        'conflict',
        `folder ${folder} would lie below itself, or too deep`,
      )
      const edit = edits.get(at)
      const parent = edit === undefined ? parentOf(at) : isFolder(edit) ? edit.to.parent : null
      if (parent === null) place = edit === undefined ? 'unknown' : 'removed'
      else place = known.get((at = parent))
    }
    for (const below of path.toReversed()) {
      if (isPlace(place) && below !== at) place = { parent: at, depth: place.depth + 1 }
      known.set(below, place)
      at = below
    }
    return place
  }
  return { of: find }
}
