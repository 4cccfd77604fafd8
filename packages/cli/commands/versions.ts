/**
 * `anysync versions`: every version of one file or folder, newest first; renames do not end its history.
 */
import { versions, type Version } from '@anysync/client/vault/history.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { nodeDocument, openHistory, snapshotDocument, type HistoryOptions } from '../history.ts'
import { createOutput, table } from '../output/print.ts'
import { formatBytes, localTime, shown } from '../output/words.ts'

export const listVersions = async (typed: string, options: HistoryOptions): Promise<void> => {
  const output = createOutput(options)
  await using history = await openHistory(typed, options)
  const { vault, path, snapshots } = history
  const found: Version[] = []
  for await (const version of versions(vault, snapshots, path)) found.push(version)
  if (found.length === 0) {
    throw new SyncError(
      'history.versions',
      'missing',
      `there never was anything at '${shown(path)}' in the vault: check the path`,
    )
  }
  const documents = found.map(({ snapshot, change, path, node }) => ({
    ...snapshotDocument(snapshot),
    change,
    path,
    ...(node === null ? {} : nodeDocument(node)),
  }))
  output.tell({ vaultId: vault.id, vault: vault.name, path, versions: documents })
  const rows = found.map(({ snapshot, change, path, node }) => [
    String(snapshot.sequence),
    localTime(snapshot.timeNs),
    shown(snapshot.deviceName),
    change,
    node === null ? '' : formatBytes(Number(node.content?.size ?? 0n)),
    shown(path),
  ])
  for (const line of table(rows)) output.say(line)
}
