/**
 * Gets nodes of a snapshot back onto a disk, beside what is there and never over it. As in a pull, files are written
 * whole and verified under temporary names before they get their own. [Note: order of writes]
 */
import { assert, demand, SyncError } from '@anysync/protocol/errors.ts'
import { NodeKind, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { MiB, treeDepthMax } from '@anysync/protocol/limits.ts'
import { folderOf, nameOf } from '../path.ts'
import type { Disk, DiskStat, TempFile } from '../ports.ts'
import type { Vault } from '../vault/vault-types.ts'
import { forEachLimited } from './limited.ts'

/** Files that are settled together, and that are written at once. */
const sliceFilesMax = 2000
const sliceBytesMax = 256 * MiB
const filesAtOnceMax = 8

/** A node and where it shall lie, relative to the root of the disk. */
export type Placement = { path: string; node: Node }

/** What stayed behind, and why. */
export type Leftover = { path: string; message: string }

export type RestoreReport = {
  files: number
  folders: number
  symlinks: number
  bytes: number
  leftovers: Leftover[]
}

export type RestoreProgress = { files: number; filesTotal: number; bytes: number; bytesTotal: number }

export type RestoreParts = {
  vault: Pick<Vault, 'tree' | 'stream' | 'expect'>
  disk: Disk
  onProgress?: (progress: RestoreProgress) => void
}

/**
 * Restores each placement with all below it. Throws `conflict`, before anything is written, when something lies at one
 * of the paths. A node whose name this disk cannot store, or that the disk refuses, is left over with what is below it.
 * What does not verify is `corrupt` and ends the restore; what was restored before stays.
 */
export const restore = async (parts: RestoreParts, placements: readonly Placement[]): Promise<RestoreReport> => {
  const { disk } = parts
  for (const { path } of placements) {
    const isFree = (await disk.lstat(path)) === null
    demand(isFree, 'restore.begin', 'conflict', 'something is there already, and nothing is overwritten')
  }
  const report: RestoreReport = { files: 0, folders: 0, symlinks: 0, bytes: 0, leftovers: [] }
  const plan = await collect(parts, placements, report.leftovers)
  const folders = await makeFolders(parts, plan, report)
  const left = new Set(report.leftovers.map(({ path }) => path))
  const placeable = plan.filter(({ path }) => !isBelowAny(path, left))

  const files = placeable.filter(({ node }) => node.kind === NodeKind.FILE)
  const progress = { files: 0, filesTotal: files.length, bytes: 0, bytesTotal: files.reduce(addSize, 0) }
  for (const slice of slicesOf(files)) {
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
  return report
}

/** Whether the path is one of the set or lies below one. */
const isBelowAny = (path: string, set: ReadonlySet<string>): boolean => {
  for (let end = path.length; end !== -1; end = path.lastIndexOf('/', end - 1)) {
    if (set.has(path.slice(0, end))) return true
    if (end === 0) return false
  }
  return false
}

const sizeOf = (node: Node): number => Number(node.content?.size ?? 0n)

const addSize = (sum: number, { node }: Placement): number => sum + sizeOf(node)

/** Every node at and below the placements, folders before what they hold. */
const collect = async (
  { vault, disk }: RestoreParts,
  placements: readonly Placement[],
  leftovers: Leftover[],
): Promise<Placement[]> => {
  const all: Placement[] = []
  const visit = async (placement: Placement): Promise<void> => {
    const { path, node } = placement
    const refusal = disk.refuseName(nameOf(path))
    if (refusal !== null) {
      leftovers.push({ path, message: `this system cannot store it: ${refusal}` })
      return
    }
    const depth = path.split('/').length
    demand(depth <= treeDepthMax, 'restore.collect', 'corrupt', `the folders are more than ${treeDepthMax} levels deep`)
    all.push(placement)
    if (node.kind !== NodeKind.FOLDER) return
    for (const child of await vault.tree(contentOf(node))) await visit({ path: `${path}/${child.name}`, node: child })
  }
  for (const placement of placements) await visit(placement)
  return all
}

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
    if (isBelowAny(path, left)) continue
    const isMade = await leaving(report, path, async () => {
      made.push({ path, node, stat: await disk.makeFolder(path) })
      report.folders += 1
    })
    if (!isMade) left.add(path)
  }
  return made
}

function* slicesOf(files: readonly Placement[]): Generator<Placement[]> {
  let slice: Placement[] = []
  let bytes = 0
  for (const file of files) {
    slice.push(file)
    bytes += sizeOf(file.node)
    if (slice.length < sliceFilesMax && bytes < sliceBytesMax) continue
    yield slice
    slice = []
    bytes = 0
  }
  if (slice.length > 0) yield slice
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
    if (!(error instanceof SyncError) || !error.operation.startsWith('disk.') || error.kind === 'full') throw error
    report.leftovers.push({ path, message: error.message })
    return false
  }
}
