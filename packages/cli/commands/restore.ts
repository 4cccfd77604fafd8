/**
 * `anysync restore`: gets a file or folder back as it was, into a folder of the person's choice.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Disk } from '@anysync/client/ports.ts'
import { restore, type Placement } from '@anysync/client/sync/restore.ts'
import { findPath, type PlacedNode } from '@anysync/client/vault/history.ts'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { realPath } from '../folders.ts'
import { openHistory, snapshotAt, snapshotDocument, type HistoryOptions, type OpenedHistory } from '../history.ts'
import { lockAccount } from '../homes.ts'
import { exitCodes, type ExitCode } from '../output/fail.ts'
import { createOutput, type Output } from '../output/print.ts'
import { createProgress } from '../output/progress.ts'
import { counted, formatBytes, localTime, shown } from '../output/words.ts'
import { openNodeDisk } from '../ports/disk.ts'
import { attemptOn } from '../private-files.ts'

export type RestoreOptions = HistoryOptions & { at?: string; to: string }

/** In a folder that is not linked, the private folder is there for as long as the restore takes. */
const restoreMarker = 'restore'

export const restorePath = async (typed: string, options: RestoreOptions): Promise<ExitCode> => {
  const output = createOutput(options)
  await using history = await openHistory(typed, options)
  const snapshot = snapshotAt(history, options.at)
  const found = await findPath(history.vault, snapshot, history.path)
  const message = `there is nothing at '${shown(history.path)}' in snapshot ${snapshot.sequence}: \`anysync versions\` tells when there was`
  if (found === null) throw new SyncError('restore.find', 'missing', message)
  const placements = await placementsOf(history, found)

  attemptOn(options.to, 'made', () => mkdirSync(options.to, { recursive: true }))
  const root = realPath(options.to)
  const disk = await openNodeDisk(root)
  for (const { path } of placements) {
    const isFree = (await disk.lstat(path)) === null
    demand(
      isFree,
      'restore.begin',
      'conflict',
      `${shown(join(root, path))} is there already, and nothing is overwritten: choose another folder`,
    )
  }
  const marker = await disk.readMarker()
  const isLinked = marker !== null && marker !== restoreMarker
  // A turn in that folder would sweep our temp files away.
  using _lock = isLinked ? lockAccount(history.session.account) : null
  if (!isLinked) await disk.writeMarker(restoreMarker)
  try {
    using progress = createProgress(options)
    const onProgress = (step: { files: number; filesTotal: number; bytes: number; bytesTotal: number }) =>
      progress.report({ phase: 'restore', ...step })
    const report = await restore({ vault: history.vault, disk, onProgress }, placements)
    progress[Symbol.dispose]()
    output.tell({
      snapshot: snapshotDocument(snapshot),
      path: history.path,
      to: placements.map(({ path }) => join(root, path)),
      ...report,
    })
    const amount = `${counted(report.files, 'file')} (${formatBytes(report.bytes)})`
    output.say(`restored ${amount}, as of ${localTime(snapshot.timeNs)}, to ${shown(root)}`)
    for (const { path, message } of report.leftovers) output.note(`not restored: ${shown(path)} (${shown(message)})`)
    return report.leftovers.length === 0 ? exitCodes.done : exitCodes.failed
  } finally {
    if (!isLinked) await removeMarker(disk, root, output)
  }
}

/** The node under its own name; of the whole vault, everything in it. */
const placementsOf = async ({ vault }: OpenedHistory, { path, node }: PlacedNode): Promise<Placement[]> => {
  if (path !== '') return [{ path: node.name, node }]
  if (node.content === undefined) return []
  return (await vault.tree(node.content)).map((node) => ({ path: node.name, node }))
}

/** The trouble that ended the restore is the one to throw; that litter stays is only noted. */
const removeMarker = async (disk: Disk, root: string, output: Output): Promise<void> => {
  try {
    await disk.removeMarker()
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    output.note(`the folder .anysync in ${shown(root)} could not be removed: ${error.message}`)
  }
}
