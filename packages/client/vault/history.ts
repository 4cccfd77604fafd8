/**
 * The versions of one file or folder across the snapshots of its vault. Follows the node by its id, so a rename does not
 * end its history; and when a file was replaced by another at the same path, as many programs save, goes on with the
 * one before. A snapshot whose record says that it did not touch the node is passed over; between two others only folders
 * that differ are read.
 */
import { NodeKind, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { toHex } from '@anysync/protocol/ids.ts'
import { emptyContent, sameContent } from '../content/content.ts'
import { findChain, findWay, pathOfChain, rootNodeOf, type PlacedNode, type VaultTrees, type Way } from './find.ts'
import { mayAppear, mayDiffer } from './touched.ts'
import type { SnapshotInfo } from './vault-types.ts'
import { createWaysAhead } from './ways-ahead.ts'

export { findPath, parseTime, resolveTime, walk, type PlacedNode } from './find.ts'

/** `edited`: its bytes, target or kind. `touched`: only its mode or time. */
export type Change = 'created' | 'edited' | 'moved' | 'touched' | 'removed'

/** What a snapshot did to the node. */
export type Version = {
  snapshot: SnapshotInfo
  change: Change
  /** Where it was after that; where it had been when it was removed. */
  path: string
  /** As it was after that; null when it was removed. */
  node: Node | null
}

/** The nodes from the root down to the one that is followed. */
type Chain = Node[]

/**
 * The versions of what is at a path now, or was there last, newest first. Yields nothing when nothing ever was.
 */
export async function* versions(
  vault: VaultTrees,
  snapshots: SnapshotInfo[],
  path: string,
): AsyncGenerator<Version, void, void> {
  const newestFirst = snapshots.toReversed()
  let chain: Chain | null = null
  // The way to where it is not, as far as it goes; empty when it is not known.
  let nowhere: Chain = []
  let lastPath = path
  let ahead = createWaysAhead(vault, path)
  /** The snapshots before those that touch what is followed, from one on. */
  function* olderOnes(from: number, followed: Chain): Generator<SnapshotInfo, void, void> {
    for (let i = from; i + 1 < newestFirst.length; i++) {
      const [newer, older] = [newestFirst[i], newestFirst[i + 1]]
      if (newer && older && newer.touched !== null && mayDiffer(newer.touched, followed)) yield older
    }
  }
  for (const [i, snapshot] of newestFirst.entries()) {
    if (chain === null) {
      const later = newestFirst[i - 1]
      if (later && !mayAppear(later.touched, nowhere)) continue
      const way: Way = await findWay(vault, snapshot.root, lastPath)
      if (!way.isWhole) nowhere = way.chain
      else if (later) yield { snapshot: later, change: 'removed', path: pathOfChain(way.chain), node: null }
      chain = way.isWhole ? way.chain : null
    }
    if (chain === null) continue
    const node = nodeOf(chain)
    const here: string = pathOfChain(chain)
    const older = newestFirst[i + 1]
    if (older && !mayDiffer(snapshot.touched, chain)) continue
    if (here !== lastPath) ahead = createWaysAhead(vault, here)
    lastPath = here
    // Where it is not known that it differs, folders that are the same need not be read.
    const there: Way | null =
      older && snapshot.touched !== null ? await ahead.take(older, olderOnes(i + 1, chain)) : null
    const before: Chain | null = older ? await findBefore(vault, older.root, chain, there) : null
    const change = changeBetween(before, chain)
    if (change !== null) yield { snapshot, change, path: here, node }
    chain = before
    if (chain === null) nowhere = []
  }
}

/**
 * Those of the snapshots, which are oldest first, in which what is at the path, or something below it, is another than in
 * the one before.
 */
export const changing = async (
  vault: VaultTrees,
  snapshots: readonly SnapshotInfo[],
  path: string,
): Promise<SnapshotInfo[]> => {
  const found: SnapshotInfo[] = []
  let before: Way | null = null
  const ahead = createWaysAhead(vault, path)
  for (const [i, snapshot] of snapshots.entries()) {
    if (before !== null && !mayBeAnother(snapshot, before)) continue
    const way: Way = await ahead.take(snapshot, before === null ? [] : othersFrom(snapshots, i + 1, before))
    if (!isSameThere(before, way)) found.push(snapshot)
    before = way
  }
  return found
}

function* othersFrom(snapshots: readonly SnapshotInfo[], from: number, way: Way): Generator<SnapshotInfo, void, void> {
  for (let i = from; i < snapshots.length; i++) {
    const snapshot = snapshots[i]
    if (snapshot && mayBeAnother(snapshot, way)) yield snapshot
  }
}

/** What is at the path in the newest snapshot that has something there. */
export const findLast = async (
  vault: VaultTrees,
  snapshots: readonly SnapshotInfo[],
  path: string,
): Promise<{ snapshot: SnapshotInfo; found: PlacedNode } | null> => {
  let later: SnapshotInfo | null = null
  let nowhere: Chain = []
  for (const snapshot of snapshots.toReversed()) {
    if (later === null || mayAppear(later.touched, nowhere)) {
      const { chain, isWhole } = await findWay(vault, snapshot.root, path)
      if (isWhole) return { snapshot, found: { path: pathOfChain(chain), node: nodeOf(chain) } }
      nowhere = chain
    }
    later = snapshot
  }
  return null
}

const mayBeAnother = ({ touched }: SnapshotInfo, { chain, isWhole }: Way): boolean =>
  isWhole ? mayDiffer(touched, chain) : mayAppear(touched, chain)

const isSameThere = (before: Way | null, after: Way): boolean => {
  if (before?.isWhole !== true || !after.isWhole) return (before?.isWhole ?? false) === after.isWhole
  const [a, b] = [nodeOf(before.chain), nodeOf(after.chain)]
  return sameMatter(a, b) && a.mode === b.mode
}

/** Null when nothing changed. The same path with another node is an edit: that is how many programs save. */
const changeBetween = (before: Chain | null, after: Chain): Change | null => {
  if (before === null) return 'created'
  const [a, b] = [nodeOf(before), nodeOf(after)]
  if (!sameMatter(a, b)) return 'edited'
  if (pathOfChain(before) !== pathOfChain(after)) return 'moved'
  return a.mode === b.mode && a.mtimeNs === b.mtimeNs ? null : 'touched'
}

const sameMatter = (a: Node, b: Node): boolean =>
  a.kind === b.kind && a.linkTarget === b.linkTarget && sameContent(contentOf(a), contentOf(b))

const contentOf = (node: Node): Content => node.content ?? emptyContent()
const nodeOf = (chain: Chain): Node => chain.at(-1) ?? rootNodeOf(emptyContent())
const sameId = (a: Node, b: Node): boolean => toHex(a.id) === toHex(b.id)

/** The same node in an older snapshot: where it is now, or anywhere else, or else what was at its path. */
const findBefore = async (vault: VaultTrees, olderRoot: Content, chain: Chain, there: Way | null) => {
  if (there?.isWhole && sameId(nodeOf(there.chain), nodeOf(chain))) return there.chain
  return (
    (await followDown(vault, olderRoot, chain)) ??
    (await search(vault, [rootNodeOf(olderRoot)], chain[0] ?? null, nodeOf(chain))) ??
    findChain(vault, olderRoot, pathOfChain(chain))
  )
}

/** The same folders down to the same node, under whatever names; a folder of equal content need not be opened. */
const followDown = async (vault: VaultTrees, olderRoot: Content, chain: Chain): Promise<Chain | null> => {
  const older = [rootNodeOf(olderRoot)]
  for (const [i, node] of chain.entries()) {
    const folder = older[i]
    if (!folder) return null
    if (folder.kind === node.kind && sameContent(contentOf(folder), contentOf(node))) {
      return [...older, ...chain.slice(i + 1)]
    }
    const next = chain[i + 1]
    if (!next) return older
    if (folder.kind !== NodeKind.FOLDER) return null
    const found = (await vault.tree(contentOf(folder))).find((child) => sameId(child, next))
    if (!found) return null
    older.push(found)
  }
  return older
}

/**
 * Looks for a node in an older tree. A folder that the newer tree has unchanged at the same place is passed over: what
 * is in it is in it still, and the node is not.
 */
const search = async (vault: VaultTrees, older: Chain, newer: Node | null, wanted: Node): Promise<Chain | null> => {
  const folder = nodeOf(older)
  if (newer?.kind === NodeKind.FOLDER && sameContent(contentOf(folder), contentOf(newer))) return null
  const nodes = await vault.tree(contentOf(folder))
  const found = nodes.find((node) => sameId(node, wanted))
  if (found) return [...older, found]
  const counterparts = new Map<string, Node>()
  if (newer?.kind === NodeKind.FOLDER) {
    for (const node of await vault.tree(contentOf(newer))) counterparts.set(toHex(node.id), node)
  }
  for (const node of nodes) {
    if (node.kind !== NodeKind.FOLDER) continue
    const chain = await search(vault, [...older, node], counterparts.get(toHex(node.id)) ?? null, wanted)
    if (chain) return chain
  }
  return null
}
