/**
 * `anysync restore`: gets a file, a folder or a whole vault back as it was, into a folder of the person's choice, or in
 * place by a new snapshot.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Disk } from '@anysync/client/ports.ts'
import { restore, type Placement, type RestoreProgress, type RestoreReport } from '@anysync/client/sync/restore.ts'
import type { PlacedNode } from '@anysync/client/vault/history.ts'
import type { SnapshotInfo } from '@anysync/client/vault/vault-types.ts'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { realPath } from '../folders.ts'
import { findThen, openHistory, snapshotDocument, type HistoryOptions, type OpenedHistory } from '../history.ts'
import { lockAccount } from '../homes.ts'
import { exitCodes, UsageError, type ExitCode } from '../output/fail.ts'
import { createOutput, type Output } from '../output/print.ts'
import { createProgress } from '../output/progress.ts'
import { counted, formatBytes, localTime, shown } from '../output/words.ts'
import { nodeClock } from '../ports/clock.ts'
import { openNodeDisk } from '../ports/disk.ts'
import { attemptOn } from '../private-files.ts'
import { restoreInPlace } from './restore-in-place.ts'

export type RestoreOptions = HistoryOptions & {
  at?: string
  to?: string
  inPlace?: boolean
  delete?: boolean
  dryRun?: boolean
  verify?: boolean
}

/** In a folder that is not linked, the private folder is there for as long as the restore takes. */
const restoreMarker = 'restore'

export const restorePath = async (typed: string | undefined, options: RestoreOptions): Promise<ExitCode> => {
  const { to } = options
  if ((to === undefined) === (options.inPlace !== true))
    throw new UsageError('say where: --to FOLDER, or --in-place for where it was')
  if (options.delete === true && to !== undefined) throw new UsageError('--delete goes with --in-place only')
  if (to === undefined) return restoreInPlace(typed, options)
  await using history = await openHistory(typed, options)
  const { snapshot, found } = await findThen(history, options.at)
  const placements = await placementsOf(history, found)
  const isDryRun = options.dryRun === true
  // A dry run makes nothing, not even the folder.
  if (!isDryRun) attemptOn(to, 'made', () => mkdirSync(to, { recursive: true }))
  const root = realPath(to)
  const report = await restoreTo(history, placements, root, options)
  tellReport(createOutput(options), { history, snapshot, placements, root, isDryRun }, report)
  return report.leftovers.length === 0 ? exitCodes.done : exitCodes.failed
}

const restoreTo = async (
  history: OpenedHistory,
  placements: Placement[],
  root: string,
  options: RestoreOptions,
): Promise<RestoreReport> => {
  const disk = await openNodeDisk(root)
  const isDryRun = options.dryRun === true
  const marker = isDryRun ? null : await disk.readMarker()
  const isLinked = marker !== null && marker !== restoreMarker
  // A turn in that folder would sweep our temp files away.
  using _lock = isLinked ? lockAccount(history.session.account) : null
  using progress = createProgress(options)
  const parts = {
    vault: history.vault,
    disk,
    clock: nodeClock,
    isDryRun,
    isVerifying: options.verify === true,
    onProgress: (step: RestoreProgress) => progress.report(step),
  }
  if (!isLinked && !isDryRun) await disk.writeMarker(restoreMarker)
  try {
    return await naming(root, placements, () => restore(parts, placements))
  } finally {
    if (!isLinked && !isDryRun) await removeMarker(disk, root, createOutput(options))
  }
}

/** Whoever chose the folder is told what is in the way there. */
const naming = async <Result>(root: string, placements: Placement[], work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SyncError) || error.operation !== 'restore.begin') throw error
    const [only] = placements
    const place = shown(placements.length === 1 && only !== undefined ? join(root, only.path) : root)
    throw new SyncError(error.operation, error.kind, `${place}: ${error.message}: choose another folder`, error)
  }
}

type Told = {
  history: OpenedHistory
  snapshot: SnapshotInfo
  placements: Placement[]
  root: string
  isDryRun: boolean
}

const tellReport = (output: Output, told: Told, report: RestoreReport): void => {
  const { history, snapshot, placements, root, isDryRun } = told
  const to = placements.map(({ path }) => join(root, path))
  output.tell({ snapshot: snapshotDocument(snapshot), path: history.path, to, isDryRun, ...report })
  const amount = `${counted(report.files, 'file')} (${formatBytes(report.bytes)})`
  const unchanged = report.unchanged === 0 ? '' : `; ${counted(report.unchanged, 'file')} there already`
  const verb = isDryRun ? 'would restore' : 'restored'
  output.say(`${verb} ${amount}, as of ${localTime(snapshot.timeNs)}, to ${shown(root)}${unchanged}`)
  for (const { path, message } of report.leftovers) output.note(`not restored: ${shown(path)} (${shown(message)})`)
}

/** The node under its own name; of the whole vault, everything in it. */
const placementsOf = async ({ vault }: OpenedHistory, { path, node }: PlacedNode): Promise<Placement[]> => {
  if (path !== '') return [{ path: node.name, node }]
  if (node.content === undefined) return []
  const placements = (await vault.tree(node.content)).map((node) => ({ path: node.name, node }))
  demand(placements.length > 0, 'restore.find', 'missing', 'the vault was empty then: choose another time')
  return placements
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
