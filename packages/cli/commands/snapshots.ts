/**
 * `anysync snapshots`: the states that a vault was in, oldest first; of older times fewer, unless all are wanted.
 */
import { changing, parseTime } from '@anysync/client/vault/history.ts'
import { thin } from '@anysync/client/vault/thin.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { openHistory, snapshotDocument, type HistoryOptions } from '../history.ts'
import { createOutput, table } from '../output/print.ts'
import { counted, formatBytes, localTime, shown } from '../output/words.ts'
import { nodeClock } from '../ports/clock.ts'

export type SnapshotsOptions = HistoryOptions & { all?: boolean; device?: string; since?: string; until?: string }

export const snapshots = async (typed: string | undefined, options: SnapshotsOptions): Promise<void> => {
  const output = createOutput(options)
  await using history = await openHistory(typed, options)
  const { vault, path, snapshots } = history
  const isWithin = timesBetween(options)
  const found = path === '' ? snapshots : await changing(vault, snapshots, path)
  const matching = found.filter(
    ({ timeNs, deviceName }) => isWithin(timeNs) && (options.device === undefined || deviceName === options.device),
  )
  const chosen = options.all === true ? matching : thin(matching, nodeClock.nowNs())
  const documents = chosen.map((snapshot) => {
    const { files, folders, symlinks, bytes, nodesChanged, nodesRemoved, bytesStored } = snapshot.statistics
    const counts = { files, folders, symlinks, bytes, nodesChanged, nodesRemoved, bytesStored }
    return { ...snapshotDocument(snapshot), ...counts }
  })
  const hidden = matching.length - chosen.length
  output.tell({ vaultId: vault.id, vault: vault.name, path, hidden, snapshots: documents })
  if (snapshots.length === 0) output.note(`the vault '${shown(vault.name)}' is empty`)
  const rows = chosen.map(({ sequence, timeNs, deviceName, statistics, isPartial, label, isPinned }) => [
    String(sequence),
    localTime(timeNs),
    shown(deviceName),
    counted(Number(statistics.files), 'file'),
    formatBytes(Number(statistics.bytes)),
    `${Number(statistics.nodesChanged)} changed, ${Number(statistics.nodesRemoved)} removed`,
    [isPartial ? 'more follows' : '', isPinned ? 'pinned' : '', shown(label)].filter((text) => text !== '').join(' '),
  ])
  for (const line of table(rows)) output.say(line)
  if (hidden > 0) output.note(`${counted(hidden, 'more snapshot')} between these: see them with --all`)
}

const timesBetween = ({ since, until }: SnapshotsOptions): ((timeNs: bigint) => boolean) => {
  const [from, to] = [since, until].map((text) => (text === undefined ? null : timeOf(text)))
  return (timeNs) =>
    (from === null || from === undefined || timeNs >= from) && (to === null || to === undefined || timeNs <= to)
}

const timeOf = (text: string): bigint => {
  const timeNs = parseTime(text, nodeClock.nowNs())
  if (timeNs !== null) return timeNs
  throw new SyncError(
    'history.time',
    'invalid',
    `'${text}' is no time: give one like 2026-11-23T15:30, or 30m, 2h, 3d, 2w`,
  )
}
