/**
 * `anysync diff`: what differs between two snapshots, or between one and the newest.
 */
import { isAtOrBelow } from '@anysync/client/path.ts'
import { diffTrees, isFolderTime, type Difference } from '@anysync/client/vault/diff.ts'
import { nodeDocument, openHistory, snapshotAt, snapshotDocument, type HistoryOptions } from '../history.ts'
import { createOutput, table } from '../output/print.ts'
import { counted, formatBytes, localTime, shown } from '../output/words.ts'

export type DiffOptions = HistoryOptions & { path?: string }

export const diff = async (from: string, to: string | undefined, options: DiffOptions): Promise<void> => {
  const output = createOutput(options)
  await using history = await openHistory(options.path, options)
  const { vault, path } = history
  const [a, b] = [snapshotAt(history, from), snapshotAt(history, to)]
  const { differences } = await diffTrees(vault, a.root, b.root)
  const told = differences.filter(
    (difference) =>
      !isFolderTime(difference) &&
      [difference.before, difference.after].some((spot) => spot !== null && isAtOrBelow(spot.path, path)),
  )
  const documents = told.map(documentOf)
  output.tell({ vault: vault.name, from: snapshotDocument(a), to: snapshotDocument(b), path, differences: documents })
  output.say(
    `from snapshot ${a.sequence} (${localTime(a.timeNs)}) to ${b.sequence} (${localTime(b.timeNs)}): ${counted(told.length, 'difference')}`,
  )
  for (const line of table(told.map(rowOf))) output.say(line)
}

const documentOf = (difference: Difference) => {
  const { change, before, after } = difference
  const isMoved = before !== null && after !== null && before.path !== after.path
  const spot = after ?? before
  return {
    change,
    path: spot.path,
    ...(isMoved ? { from: before.path } : {}),
    ...(difference.change === 'moved' ? { isEdited: difference.isEdited } : {}),
    before: before === null ? null : nodeDocument(before.node),
    after: after === null ? null : nodeDocument(after.node),
  }
}

const rowOf = (difference: Difference): string[] => {
  const { before, after } = difference
  const spot = after ?? before
  const change = difference.change === 'moved' && difference.isEdited ? 'moved, edited' : difference.change
  const [was, is] = [before, after].map((spot) => spot?.node.content?.size)
  const size = is === undefined || was === is ? was : is
  const isMoved = before !== null && after !== null && before.path !== after.path
  return [
    change,
    size === undefined || nodeDocument(spot.node).kind !== 'file' ? '' : formatBytes(Number(size)),
    isMoved ? `${shown(before.path)} -> ${shown(after.path)}` : shown(spot.path),
  ]
}
