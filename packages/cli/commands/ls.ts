/**
 * `anysync ls`: what a folder of the vault holds, or held at a time.
 */
import { findPath, walk, type PlacedNode } from '@anysync/client/vault/history.ts'
import { NodeKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { SyncError } from '@anysync/protocol/errors.ts'
import {
  nodeDocument,
  openHistory,
  snapshotAt,
  snapshotDocument,
  type HistoryOptions,
  type OpenedHistory,
} from '../history.ts'
import { createOutput, table } from '../output/print.ts'
import { formatBytes, localTime, shown } from '../output/words.ts'
import type { SnapshotInfo } from '@anysync/client/vault/vault-types.ts'

export type LsOptions = HistoryOptions & { at?: string; recursive?: boolean }

export const ls = async (typed: string | undefined, options: LsOptions): Promise<void> => {
  const output = createOutput(options)
  await using history = await openHistory(typed, options)
  const snapshot = snapshotAt(history, options.at)
  const nodes = await nodesAt(history, snapshot, options.recursive === true)
  const documents = nodes.map(({ path, node }) => ({ path, ...nodeDocument(node) }))
  output.tell({ vault: history.vault.name, snapshot: snapshotDocument(snapshot), path: history.path, nodes: documents })
  for (const line of table(nodes.map((placed) => rowOf(placed, history.path)))) output.say(line)
}

/** The node at the path when it is no folder, else what is in it. */
const nodesAt = async (
  { vault, path }: OpenedHistory,
  snapshot: SnapshotInfo,
  isRecursive: boolean,
): Promise<PlacedNode[]> => {
  const start = await findPath(vault, snapshot, path)
  if (start === null) {
    throw new SyncError(
      'history.ls',
      'missing',
      `there is nothing at '${shown(path)}' in snapshot ${snapshot.sequence}: \`anysync versions\` tells when there was`,
    )
  }
  if (start.node.kind !== NodeKind.FOLDER || start.node.content === undefined) return [start]
  if (!isRecursive) {
    const nodes = await vault.tree(start.node.content)
    return nodes.map((node) => ({ path: start.path === '' ? node.name : `${start.path}/${node.name}`, node }))
  }
  const all: PlacedNode[] = []
  for await (const placed of walk(vault, snapshot, path)) if (placed.path !== start.path) all.push(placed)
  return all
}

const rowOf = ({ path, node }: PlacedNode, from: string): string[] => {
  const name = path.startsWith(`${from}/`) ? path.slice(from.length + 1) : path
  const tail = { [NodeKind.FOLDER]: '/', [NodeKind.SYMLINK]: ` -> ${shown(node.linkTarget)}` }
  const size = node.kind === NodeKind.FILE ? formatBytes(Number(node.content?.size ?? 0n)) : ''
  const mark = node.kind === NodeKind.FOLDER || node.kind === NodeKind.SYMLINK ? tail[node.kind] : ''
  return [permissions(node.mode), size, localTime(node.mtimeNs), `${shown(name)}${mark}`]
}

/** 0o644 → 'rw-r--r--'; what goes beyond is added as a number. */
const permissions = (mode: number): string => {
  const letters = Array.from('rwxrwxrwx', (letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-')).join('')
  return mode > 0o777 ? `${letters}+${(mode & 0o7000).toString(8)}` : letters
}
