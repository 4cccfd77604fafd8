/**
 * Finds things in snapshots: which snapshot a person means by a time, the node at a path, and all that lies below it.
 * Only the folders on the way are read.
 */
import { create } from '@bufbuild/protobuf'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { NodeKind, NodeSchema, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, rootNodeId } from '@anysync/protocol/ids.ts'
import { treeDepthMax } from '@anysync/protocol/limits.ts'
import { emptyContent } from '../content/content.ts'
import { nsOf } from '../ns.ts'
import type { SnapshotInfo, Vault } from './vault-types.ts'

export type VaultTrees = Pick<Vault, 'tree'>

/** A node and its path from the vault's root: names with '/' between them, '' for the root itself. */
export type PlacedNode = { path: string; node: Node }

const nsPerUnit: Record<string, bigint> = {
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
}

/**
 * The snapshot that a text means: a sequence ('17'), the newest that was made at or before a time
 * ('2026-11-23', '2026-11-23T15:30', with or without a zone; without one it is local) or so long ago ('30m', '2h', '3d',
 * '2w'). `invalid` for any other text, `missing` when there is none.
 */
export const resolveTime = (snapshots: SnapshotInfo[], text: string, nowNs: bigint): SnapshotInfo => {
  const operation = 'history.time'
  if (/^\d{1,15}$/.test(text)) {
    const found = snapshots.find(({ sequence }) => sequence === Number(text))
    demand(
      found !== undefined,
      operation,
      'missing',
      `there is no snapshot ${text}: list them with 'anysync snapshots'`,
    )
    return found
  }
  const timeNs = parseTime(text, nowNs)
  const message = `'${text}' is no time: give a snapshot's number, a time like 2026-11-23T15:30, or 30m, 2h, 3d, 2w`
  demand(timeNs !== null, operation, 'invalid', message)
  const found = snapshots.findLast((snapshot) => snapshot.timeNs <= timeNs)
  demand(found !== undefined, operation, 'missing', `there is no snapshot as old as ${text}: choose a later time`)
  return found
}

/** Nanoseconds since 1970 of a time or an age as `resolveTime` takes them, or null. */
export const parseTime = (text: string, nowNs: bigint): bigint | null => {
  const [, count, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? []
  const nsOfUnit = unit === undefined ? undefined : nsPerUnit[unit]
  if (count !== undefined && nsOfUnit !== undefined) return nowNs - BigInt(count) * nsOfUnit
  const [, day, rest] = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}.*))?$/.exec(text) ?? []
  // A day alone would be read as UTC: people mean theirs.
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${rest ?? '00:00'}`)
  return Number.isNaN(ms) ? null : nsOf(ms)
}

/** The root folder as if it had a node of its own. */
export const rootNodeOf = (root: Content): Node =>
  create(NodeSchema, { id: idToBytes(rootNodeId), kind: NodeKind.FOLDER, mode: 0o755, content: root })

/** The nodes from the root, the root's first. `isWhole`: to the end of a path; else as far along it as there are any. */
export type Way = { chain: Node[]; isWhole: boolean }

/**
 * The way along a path. Names are compared exactly, and when nothing is called so, in their composed Unicode form (NFC).
 */
export const findWay = async (vault: VaultTrees, root: Content, path: string): Promise<Way> => {
  const chain = [rootNodeOf(root)]
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue
    const folder = chain.at(-1)
    if (folder?.kind !== NodeKind.FOLDER || !folder.content) return { chain, isWhole: false }
    const nodes = await vault.tree(folder.content)
    const node =
      nodes.find((node) => node.name === name) ??
      nodes.find((node) => node.name.normalize('NFC') === name.normalize('NFC'))
    if (!node) return { chain, isWhole: false }
    chain.push(node)
  }
  return { chain, isWhole: true }
}

/** The whole way; null when there is nothing at the path. */
export const findChain = async (vault: VaultTrees, root: Content, path: string): Promise<Node[] | null> => {
  const { chain, isWhole } = await findWay(vault, root, path)
  return isWhole ? chain : null
}

export const pathOfChain = (chain: Node[]): string =>
  chain
    .slice(1)
    .map(({ name }) => name)
    .join('/')

/** The node at a path of a snapshot, '' for the root folder; null when there is none. */
export const findPath = async (
  vault: VaultTrees,
  snapshot: Pick<SnapshotInfo, 'root'>,
  path: string,
): Promise<PlacedNode | null> => {
  const chain = await findChain(vault, snapshot.root, path)
  const node = chain?.at(-1)
  return chain && node ? { path: pathOfChain(chain), node } : null
}

/**
 * The node at a path of a snapshot and all that lies below it, every folder before what is in it, in byte order of
 * names within a folder. `missing` when nothing is at the path.
 */
export async function* walk(
  vault: VaultTrees,
  snapshot: Pick<SnapshotInfo, 'root'>,
  path: string,
): AsyncGenerator<PlacedNode, void, void> {
  const start = await findPath(vault, snapshot, path)
  if (!start) throw new SyncError('history.walk', 'missing', `there is nothing at that path in the snapshot`)
  yield* walkFrom(vault, start, 0)
}

async function* walkFrom(vault: VaultTrees, placed: PlacedNode, depth: number): AsyncGenerator<PlacedNode, void, void> {
  demand(depth <= treeDepthMax, 'history.walk', 'corrupt', `the tree is deeper than ${treeDepthMax} folders`)
  yield placed
  if (placed.node.kind !== NodeKind.FOLDER) return
  for (const node of await vault.tree(placed.node.content ?? emptyContent())) {
    const path = placed.path === '' ? node.name : `${placed.path}/${node.name}`
    yield* walkFrom(vault, { path, node }, depth + 1)
  }
}
