/**
 * What differs between two trees of a vault, node by node. Nodes are known by their ids, so a move is told as one; only
 * folders whose contents differ are read, so comparing two snapshots costs what differs.
 */
import { NodeKind, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { emptyContent, sameContent } from '../content/content.ts'
import { joinPath } from '../path.ts'
import { rootNodeOf, type VaultTrees } from './find.ts'

/** A node in one of the trees. */
export type Spot = { path: string; parent: NodeId; node: Node }

/** `edited`: its bytes, target or kind. `touched`: only its mode or time. A node that moved may be edited as well. */
export type Difference =
  | { change: 'added'; id: NodeId; before: null; after: Spot }
  | { change: 'removed'; id: NodeId; before: Spot; after: null }
  | { change: 'moved'; id: NodeId; before: Spot; after: Spot; isEdited: boolean }
  | { change: 'edited' | 'touched'; id: NodeId; before: Spot; after: Spot }

export type Diff = {
  /** By path, that of the newer tree where there is one. What is in a folder that was added or removed is told as well. */
  differences: Difference[]
  /** The folders that were seen on the way, the roots among them. */
  folders: Sides<ReadonlyMap<NodeId, Spot>>
}

type Side = 'before' | 'after'
type Sides<Value> = Record<Side, Value>

/** Compares two roots. */
export const diffTrees = async (vault: VaultTrees, before: Content, after: Content): Promise<Diff> => {
  const folders = { before: new Map<NodeId, Spot>(), after: new Map<NodeId, Spot>() }
  // Folders of one tree alone: what is in a new one may have been elsewhere, and what was in one that is gone may be.
  const unread: Sides<NodeId[]> = { before: [], after: [] }
  const unpaired = { before: new Map<NodeId, Spot>(), after: new Map<NodeId, Spot>() }
  const opened = { before: new Set<NodeId>(), after: new Set<NodeId>() }
  const paired = new Set<NodeId>()
  const pairs: [Spot, Spot][] = []
  const differences: Difference[] = []

  const pair = (id: NodeId, a: Spot, b: Spot): void => {
    unpaired.before.delete(id)
    unpaired.after.delete(id)
    paired.add(id)
    pairs.push([a, b])
  }
  const meet = (side: Side, spot: Spot): void => {
    const id = idOf(spot)
    if (paired.has(id)) return
    const other = unpaired[side === 'before' ? 'after' : 'before'].get(id)
    if (other === undefined) {
      unpaired[side].set(id, spot)
      if (isFolder(spot)) unread[side].push(id)
    } else if (side === 'before') pair(id, spot, other)
    else pair(id, other, spot)
  }
  const open = async (side: Side, folder: Spot): Promise<Spot[]> => {
    const id = idOf(folder)
    opened[side].add(id)
    const nodes = await vault.tree(folder.node.content ?? emptyContent())
    const spots = nodes.map((node) => ({ path: joinPath(folder.path, node.name), parent: id, node }))
    for (const spot of spots) if (isFolder(spot)) folders[side].set(idOf(spot), spot)
    return spots
  }
  const comparePair = async ([a, b]: [Spot, Spot]): Promise<void> => {
    const id = idOf(b)
    const difference = differenceOf(id, a, b)
    if (difference !== null) differences.push(difference)
    const wasOpened = opened.before.has(id) || opened.after.has(id)
    if (!wasOpened && isFolder(a) && isFolder(b) && sameContent(contentOf(a.node), contentOf(b.node))) return
    const [olds, news] = [isFolder(a) ? await open('before', a) : [], isFolder(b) ? await open('after', b) : []]
    const newById = new Map(news.map((spot) => [idOf(spot), spot]))
    for (const spot of olds) {
      const same = newById.get(idOf(spot))
      if (same !== undefined && !paired.has(idOf(spot))) pair(idOf(spot), spot, same)
      else meet('before', spot)
    }
    for (const spot of news) meet('after', spot)
  }

  folders.before.set(rootNodeId, rootSpot(before))
  folders.after.set(rootNodeId, rootSpot(after))
  pair(rootNodeId, rootSpot(before), rootSpot(after))
  for (;;) {
    for (let next = pairs.pop(); next !== undefined; next = pairs.pop()) await comparePair(next)
    const side = unread.after.length > 0 ? 'after' : 'before'
    const id = unread[side].pop()
    if (id === undefined) break
    const folder = unpaired[side].get(id)
    if (folder !== undefined && !opened[side].has(id)) for (const spot of await open(side, folder)) meet(side, spot)
  }
  for (const [id, spot] of unpaired.before) differences.push({ change: 'removed', id, before: spot, after: null })
  for (const [id, spot] of unpaired.after) differences.push({ change: 'added', id, before: null, after: spot })
  return { differences: differences.sort(byPath), folders }
}

const idOf = ({ node }: Spot): NodeId => nodeIdFromBytes(node.id)
const isFolder = ({ node }: Spot): boolean => node.kind === NodeKind.FOLDER
const contentOf = (node: Node): Content => node.content ?? emptyContent()
const rootSpot = (root: Content): Spot => ({ path: '', parent: rootNodeId, node: rootNodeOf(root) })

/** A folder's time changes with whatever is in it: no person means it by a change. */
export const isFolderTime = ({ change, before, after }: Difference): boolean =>
  change === 'touched' && isFolder(after) && before.node.mode === after.node.mode

/** Null when nothing of the node itself differs: what is in a folder is not the folder. */
const differenceOf = (id: NodeId, before: Spot, after: Spot): Difference | null => {
  const [a, b] = [before.node, after.node]
  const isSameMatter = a.kind === b.kind && a.linkTarget === b.linkTarget
  const isEdited = !isSameMatter || (!isFolder(after) && !sameContent(contentOf(a), contentOf(b)))
  const isMoved = before.parent !== after.parent || a.name !== b.name
  if (isMoved) return { change: 'moved', id, before, after, isEdited }
  if (isEdited) return { change: 'edited', id, before, after }
  if (a.mode !== b.mode || a.mtimeNs !== b.mtimeNs) return { change: 'touched', id, before, after }
  return null
}

const byPath = (a: Difference, b: Difference): number => {
  const [pathA, pathB] = [(a.after ?? a.before)?.path ?? '', (b.after ?? b.before)?.path ?? '']
  return pathA < pathB ? -1 : pathA > pathB ? 1 : 0
}
