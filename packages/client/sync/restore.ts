/**
 * Gets nodes of a snapshot back onto a disk, beside what is there and never over it. As in a pull, files are written
 * whole and verified under temporary names before they get their own. [Note: order of writes]
 */
import { assert, demand } from '@anysync/protocol/errors.ts'
import { NodeKind, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { folderOf, isBelowAny } from '../path.ts'
import type { Clock, Disk, DiskStat, TempFile } from '../ports.ts'
import type { ProgressOf } from '../progress.ts'
import type { Vault } from '../vault/vault-types.ts'
import { forEachLimited } from './limited.ts'
import { slicesOf } from './slices.ts'
import { findDamaged, isOfDisk, survey, taken, type Leftover, type Placement } from './survey.ts'

export type { Leftover, Placement } from './survey.ts'

/** Files that are written at once. */
const filesAtOnceMax = 8

export type RestoreReport = {
  files: number
  folders: number
  symlinks: number
  bytes: number
  /** Files that were there already, with the same bytes. */
  unchanged: number
  leftovers: Leftover[]
}

export type RestoreProgress = ProgressOf<'restore' | 'verify'>

export type RestoreParts = {
  vault: Pick<Vault, 'tree' | 'stream' | 'expect' | 'identify'>
  disk: Disk
  clock: Clock
  /** Tells what would be restored, and writes nothing. */
  isDryRun?: boolean
  /** Reads what was restored from the disk again, and compares. */
  isVerifying?: boolean
  onProgress?: (progress: RestoreProgress) => void
}

/**
 * Restores each placement with all below it, but for what is there already with the same bytes: a restore that was
 * interrupted goes on. Throws `conflict`, before anything is written, when something else lies at one of the placements;
 * what something else lies in the way of further down is left over. So is a node whose name this disk cannot store, or
 * that the disk refuses, with what is below it. What does not verify is `corrupt` and ends the restore; what was
 * restored before stays.
 */
export const restore = async (parts: RestoreParts, placements: readonly Placement[]): Promise<RestoreReport> => {
  const { disk } = parts
  const { missing, same, leftovers } = await survey(parts, placements)
  const isTaken = leftovers.some(
    ({ path, message }) => message === taken && placements.some((one) => one.path === path),
  )
  demand(!isTaken, 'restore.begin', 'conflict', taken)
  const report: RestoreReport = { files: 0, folders: 0, symlinks: 0, bytes: 0, unchanged: 0, leftovers }
  report.unchanged = same.filter(isFile).length
  if (parts.isDryRun === true) return { ...report, ...countAll(missing) }
  const folders = await makeFolders(parts, missing, report)
  const left = new Set(report.leftovers.map(({ path }) => path))
  const placeable = missing.filter(({ path }) => !isLeft(path, left))

  const files = placeable.filter(isFile)
  const progress: RestoreProgress = {
    phase: 'restore',
    files: 0,
    filesTotal: files.length,
    bytes: 0,
    bytesTotal: files.reduce(addSize, 0),
  }
  for (const slice of slicesOf(files, ({ node }) => sizeOf(node))) {
    await placeFiles(parts, slice, report, (files, bytes) => {
      progress.files += files
      progress.bytes += bytes
      parts.onProgress?.({ ...progress })
    })
  }
  for (const { path, node } of placeable.filter(({ node }) => node.kind === NodeKind.SYMLINK)) {
    await leaving(report, path, async () => {
      await disk.placeLink(node.linkTarget, path, null, node.mtimeNs)
      report.symlinks += 1
    })
  }
  // Innermost first: what is made in a folder moves its time, and a folder may end up read-only.
  for (const { path, node, stat } of folders.toReversed()) {
    await leaving(report, path, async () => void (await disk.setAttributes(path, stat, node)))
  }
  await disk.settle()
  if (parts.isVerifying === true) report.leftovers.push(...(await verifyFiles(parts, files, report)))
  return report
}

/** What is on the disk now, of the files that were not left over. */
const verifyFiles = async (parts: RestoreParts, files: Placement[], report: RestoreReport): Promise<Leftover[]> => {
  const left = new Set(report.leftovers.map(({ path }) => path))
  const restored = files.filter(({ path }) => !left.has(path))
  const progress: RestoreProgress = { phase: 'verify', files: 0, filesTotal: restored.length, bytes: 0, bytesTotal: 0 }
  progress.bytesTotal = restored.reduce(addSize, 0)
  return findDamaged(parts, restored, (bytes) => {
    progress.files += 1
    progress.bytes += bytes
    parts.onProgress?.({ ...progress })
  })
}

const countAll = (placements: Placement[]): Pick<RestoreReport, 'files' | 'folders' | 'symlinks' | 'bytes'> => {
  const count = (kind: NodeKind): number => placements.filter(({ node }) => node.kind === kind).length
  return {
    files: count(NodeKind.FILE),
    folders: count(NodeKind.FOLDER),
    symlinks: count(NodeKind.SYMLINK),
    bytes: placements.filter(isFile).reduce(addSize, 0),
  }
}

/** Whether it stayed behind, or something that it lies in. */
const isLeft = (path: string, left: ReadonlySet<string>): boolean => left.has(path) || isBelowAny(path, left)

const isFile = ({ node }: Placement): boolean => node.kind === NodeKind.FILE

const sizeOf = (node: Node): number => Number(node.content?.size ?? 0n)

const addSize = (sum: number, { node }: Placement): number => sum + sizeOf(node)

const contentOf = (node: Node): Content => {
  assert(node.content !== undefined, 'files and folders of a verified tree have a content')
  return node.content
}

type MadeFolder = Placement & { stat: DiskStat }

const makeFolders = async (
  { disk }: RestoreParts,
  plan: readonly Placement[],
  report: RestoreReport,
): Promise<MadeFolder[]> => {
  const made: MadeFolder[] = []
  const left = new Set<string>()
  for (const { path, node } of plan.filter(({ node }) => node.kind === NodeKind.FOLDER)) {
    if (isLeft(path, left)) continue
    const isMade = await leaving(report, path, async () => {
      made.push({ path, node, stat: await disk.makeFolder(path) })
      report.folders += 1
    })
    if (!isMade) left.add(path)
  }
  return made
}

const placeFiles = async (
  { vault, disk }: RestoreParts,
  slice: readonly Placement[],
  report: RestoreReport,
  tell: (files: number, bytes: number) => void,
): Promise<void> => {
  const temps: TempFile[] = []
  const ready: (Placement & { temp: TempFile })[] = []
  try {
    vault.expect(slice.map(({ node }) => contentOf(node)))
    await forEachLimited(slice, filesAtOnceMax, async ({ path, node }) => {
      await leaving(report, path, async () => {
        const temp = await disk.createTemp(folderOf(path))
        temps.push(temp)
        for await (const bytes of vault.stream(contentOf(node))) {
          await temp.write(bytes)
          tell(0, bytes.length)
        }
        await temp.finish(node)
        ready.push({ path, node, temp })
      })
      tell(1, 0)
    })
    await disk.settle()
    for (const { path, node, temp } of ready) {
      await leaving(report, path, async () => {
        await disk.place(temp, path, null)
        report.files += 1
        report.bytes += sizeOf(node)
      })
    }
  } finally {
    for (const temp of temps) await temp[Symbol.asyncDispose]()
  }
}

/** What one node's place on the disk refuses is left over, and false; anything else ends the restore. */
const leaving = async (report: RestoreReport, path: string, work: () => Promise<void>): Promise<boolean> => {
  try {
    await work()
    return true
  } catch (error) {
    if (!isOfDisk(error)) throw error
    report.leftovers.push({ path, message: error.message })
    return false
  }
}
