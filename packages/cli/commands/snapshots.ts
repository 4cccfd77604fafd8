/**
 * `anysync snapshots`: every state that a vault was in, oldest first.
 */
import { openHistory, snapshotDocument, type HistoryOptions } from '../history.ts'
import { createOutput, table } from '../output/print.ts'
import { counted, formatBytes, localTime, shown } from '../output/words.ts'

export const snapshots = async (options: HistoryOptions): Promise<void> => {
  const output = createOutput(options)
  await using history = await openHistory(undefined, options)
  const { vault, snapshots } = history
  const documents = snapshots.map((snapshot) => {
    const { files, folders, symlinks, bytes, nodesChanged, nodesRemoved, bytesStored } = snapshot.statistics
    const counts = { files, folders, symlinks, bytes, nodesChanged, nodesRemoved, bytesStored }
    return { ...snapshotDocument(snapshot), ...counts }
  })
  output.tell({ vaultId: vault.id, vault: vault.name, snapshots: documents })
  if (snapshots.length === 0) output.note(`the vault '${shown(vault.name)}' is empty`)
  const rows = snapshots.map(({ sequence, timeNs, deviceName, statistics, isPartial, label }) => [
    String(sequence),
    localTime(timeNs),
    shown(deviceName),
    counted(Number(statistics.files), 'file'),
    formatBytes(Number(statistics.bytes)),
    `${Number(statistics.nodesChanged)} changed, ${Number(statistics.nodesRemoved)} removed`,
    [isPartial ? 'more follows' : '', shown(label)].filter((text) => text !== '').join(' '),
  ])
  for (const line of table(rows)) output.say(line)
}
