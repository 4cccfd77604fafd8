/**
 * Puts what an earlier snapshot holds at a path back to where it was, as edits of the newest tree: a new snapshot, which
 * like any other can be undone. Contents are in the vault already, so nothing is sent but trees. Decides what becomes
 * of what is there now; commits nothing.
 */
import { create } from '@bufbuild/protobuf'
import { NodeKind, NodeSchema, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { emptyContent } from '../content/content.ts'
import { isAtOrBelow, joinPath } from '../path.ts'
import { diffTrees, type Difference, type Spot } from './diff.ts'
import { findChain, type VaultTrees } from './find.ts'
import type { ParentOf, TreeEdit } from './vault-types.ts'

export type PutBackOptions = {
  /** Also removes what is below the path now and was nowhere in the vault then. Put back whole, a vault is then the same to the byte. */
  isExact: boolean
  newId: () => NodeId
}

/** `restored`: it is as it was then. `removed`: what stands in the way, or with `isExact` what is new. */
export type PutBackStep = { path: string; what: 'restored' | 'removed'; node: Node }

export type PutBack = { edits: TreeEdit[]; parentOf: ParentOf; steps: PutBackStep[] }

/**
 * What makes the path of the newest tree what it was. A node that is elsewhere in the vault by now stays there, and its
 * copy gets an id of its own. The folder that held the path is found by its id, else by its path, else made again.
 */
export const planPutBack = async (
  vault: VaultTrees,
  roots: { newest: Content; wanted: Content },
  path: string,
  options: PutBackOptions,
): Promise<PutBack> => {
  const { differences, folders } = await diffTrees(vault, roots.newest, roots.wanted)
  const byId = new Map(differences.map((difference) => [difference.id, difference]))
  const isBelow = (spot: Spot): boolean => isAtOrBelow(spot.path, path)
  const chain = await findChain(vault, roots.wanted, path)
  const place = placeNow(chain, byId, folders.before)
  const missing = missingAbove(chain, byId)
  /** Whether it lies now where the path was, or in what has moved along with the folders above it. */
  const isBelowNow = (spot: Spot): boolean => isBelow(spot) || (place !== null && isAtOrBelow(spot.path, place))
  /** Whether it is put to where it was, and so leaves where it is. */
  const isPutBack = ({ before, after }: Difference): boolean =>
    after !== null && isBelow(after) && (before === null || isBelowNow(before))

  const edits = new Map<NodeId, TreeEdit>()
  const steps: PutBackStep[] = []
  // The folder of the newest tree that stands for one of then.
  const stands = new Map<NodeId, NodeId>()
  const standing = (folder: NodeId): NodeId => stands.get(folder) ?? folder

  const twinOf = async (parent: NodeId, name: string): Promise<Spot | null> => {
    const folder = folders.before.get(parent)
    if (folder === undefined) return null
    const nodes = await vault.tree(folder.node.content ?? emptyContent())
    const node = nodes.find((node) => node.name === name)
    return node === undefined ? null : { path: joinPath(folder.path, name), parent, node }
  }
  const remove = (spot: Spot): void => {
    const id = idOf(spot.node)
    if (edits.has(id)) return
    edits.set(id, { id, from: spot.parent, to: null })
    steps.push({ path: spot.path, what: 'removed', node: spot.node })
  }
  const put = (id: NodeId, from: NodeId | null, parent: NodeId, spot: Spot): void => {
    const node = create(NodeSchema, { ...spot.node, id: idToBytes(id) })
    // A new folder begins empty: what was in it comes by edits of its own.
    if (node.kind === NodeKind.FOLDER) node.content = emptyContent()
    edits.set(id, { id, from, to: { parent, node } })
    steps.push({ path: spot.path, what: 'restored', node: spot.node })
  }
  /** What has its name where it shall be, and does not leave: another node. */
  const inTheWay = async (id: NodeId, parent: NodeId, name: string): Promise<Spot | null> => {
    const twin = await twinOf(parent, name)
    if (twin === null || idOf(twin.node) === id) return null
    const difference = byId.get(idOf(twin.node))
    return difference !== undefined && isPutBack(difference) ? null : twin
  }
  /**
   * Puts a node that is not below the path now. What has its name and is of its kind becomes it, and what is new in that
   * stays; else it comes anew, under another id when it is elsewhere, for a node is in one place of a vault.
   */
  const putAnew = async (spot: Spot, parent: NodeId, isElsewhere: boolean): Promise<void> => {
    const own = idOf(spot.node)
    const twin = await inTheWay(own, parent, spot.node.name)
    const isSameKind = twin !== null && twin.node.kind === spot.node.kind && !(options.isExact && isBelow(spot))
    const id = isSameKind ? idOf(twin.node) : isElsewhere ? options.newId() : own
    if (twin !== null && !isSameKind) remove(twin)
    stands.set(own, id)
    if (!isSameKind || isBelow(spot)) put(id, isSameKind ? twin.parent : null, parent, spot)
    if (!isElsewhere || spot.node.kind !== NodeKind.FOLDER) return
    // What has a difference of its own has its own turn.
    for (const node of await vault.tree(spot.node.content ?? emptyContent())) {
      const below = { path: joinPath(spot.path, node.name), parent: own, node }
      if (!byId.has(idOf(node))) await putAnew(below, id, true)
    }
  }

  for (const { id, before, after } of differences) {
    if (after === null || !(isBelow(after) || missing.has(id))) continue
    const parent = standing(after.parent)
    if (before === null || !isBelowNow(before)) {
      await putAnew(after, parent, before !== null)
      continue
    }
    const twin = await inTheWay(id, parent, after.node.name)
    if (twin !== null) remove(twin)
    put(id, before.parent, parent, after)
  }
  if (options.isExact) removeNew(differences, { isBelow, isBelowNow }, edits, remove)
  const parentOf: ParentOf = (folder) =>
    folder === rootNodeId ? null : (edits.get(folder)?.to?.parent ?? folders.before.get(folder)?.parent ?? null)
  return { edits: [...edits.values()], parentOf, steps }
}

/** The folders above the path that are nowhere now, up to the first that is somewhere. */
const missingAbove = (chain: Node[] | null, byId: ReadonlyMap<NodeId, Difference>): Set<NodeId> => {
  const above = (chain ?? []).slice(1, -1).map(idOf).toReversed()
  const found = above.findIndex((id) => byId.get(id)?.change !== 'added')
  return new Set(found === -1 ? above : above.slice(0, found))
}

/** Where the node that was at the path is now, when it has its name and its folder still, whatever became of that one. */
const placeNow = (
  chain: Node[] | null,
  byId: ReadonlyMap<NodeId, Difference>,
  foldersNow: ReadonlyMap<NodeId, Spot>,
): string | null => {
  const [folder, node] = chain?.slice(-2) ?? []
  const folderNow = folder === undefined ? undefined : foldersNow.get(idOf(folder))
  if (node === undefined || folderNow === undefined) return null
  const place = joinPath(folderNow.path, node.name)
  const difference = byId.get(idOf(node))
  return difference === undefined || difference.before?.path === place ? place : null
}

const idOf = (node: Node): NodeId => nodeIdFromBytes(node.id)

/** Removes what is new below the path, but for folders that hold something which stays. */
const removeNew = (
  differences: Difference[],
  { isBelow, isBelowNow }: Record<'isBelow' | 'isBelowNow', (spot: Spot) => boolean>,
  edits: ReadonlyMap<NodeId, TreeEdit>,
  remove: (spot: Spot) => void,
): void => {
  const fresh = differences.flatMap(({ change, before }) =>
    change === 'removed' && isBelowNow(before) ? [before] : [],
  )
  const kept = new Set<NodeId>()
  for (const { to } of edits.values()) if (to !== null) kept.add(to.parent)
  for (const { change, before, after } of differences) {
    // It was elsewhere then, and stays where it is now.
    if (change === 'moved' && isBelowNow(before) && !isBelow(after)) kept.add(before.parent)
  }
  // Deepest first: a folder stays when a folder in it does.
  for (const spot of fresh.toReversed()) {
    const id = idOf(spot.node)
    if (kept.has(id) || edits.get(id)?.to) kept.add(spot.parent)
    else remove(spot)
  }
}
