/**
 * The files of a pull. They are written whole and verified under temporary names, a slice at a time; the disk is settled;
 * then they get their names, while the next slice is written. [Note: order of writes]
 */
import { assert, SyncError } from '@anysync/protocol/errors.ts'
import type { Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { filesTogetherMax } from '@anysync/protocol/limits.ts'
import { parseContent } from '../content/content.ts'
import { folderOf, nameOf } from '../path.ts'
import type { DiskStat, FileTotals, NodeState, TempFile } from '../ports.ts'
import { attempt, countNode, type Agreement, type ApplyParts, type Ledger } from './apply.ts'
import { reachableTarget } from './arrange.ts'
import { CurrentFiles } from './current-files.ts'
import { groupSmall } from './group-small.ts'
import { forEachLimited } from './limited.ts'
import { isSameContent } from './merge.ts'
import { baseNodeOf, forgottenDisk, isRacy } from './node.ts'
import type { Step } from './plan.ts'
import type { Counts } from './report.ts'
import { slicesOf } from './slices.ts'

const filesAtOnceMax = 8
/** While one group gets its names, what became of the one before is noted. */
const placingMax = 2

export const isDiskStep = (step: Step): boolean => step.toDisk === 'create' || step.toDisk === 'change'

/** Whether bytes (or a target) must be written, not only names and attributes. */
const needsContent = ({ merged, local, toDisk }: Step): boolean =>
  merged !== null &&
  (toDisk === 'create' ||
    (local !== null && (merged.kind === 'symlink' || merged.content !== null) && !isSameContent(local, merged)))

/** A file, and the bytes that it shall have. */
type FileToCome = { path: string; merged: NodeState; content: Content }
type Small = FileToCome & { step: Step }

/** Of the files that are to be written. */
const contentsOf = (steps: Step[]): Map<Step, Content> => {
  const contents = new Map<Step, Content>()
  for (const step of steps) {
    if (step.merged?.kind !== 'file' || !needsContent(step)) continue
    contents.set(step, parseContent(step.merged.content ?? new Uint8Array()))
  }
  return contents
}

/** What is written to the disk for a step. */
const writtenBytes = (step: Step): number => (needsContent(step) && step.merged?.kind === 'file' ? step.merged.size : 0)

function* groupsOf<Thing>(things: Thing[], most: number): Generator<Thing[]> {
  for (let first = 0; first < things.length; first += most) yield things.slice(first, first + most)
}

/** Small files, verified, in temporary files, in their order; null when not all of them could be made. */
const writeTogether = async ({ vault, disk }: ApplyParts, files: Small[]): Promise<TempFile[] | null> => {
  try {
    const all = await Promise.all(files.map(({ content }) => vault.readSmallFile(content)))
    return await disk.writeTemps(
      files.map(({ path, merged: { mode, mtimeNs } }, i) => ({
        folder: folderOf(path),
        bytes: all[i] ?? new Uint8Array(),
        mode,
        mtimeNs,
      })),
    )
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    return null
  }
}

/** Written, but not under its name yet. */
type Ready = { step: Step; path: string; temp: TempFile; isPlaced: boolean }

/** What is on the disk of a slice, and what waits for its name. */
type Slice = { placed: Agreement[]; ready: Ready[] }

/** Tells how far the files are. */
type Report = {
  /** More bytes of a file that travels by itself, which is `size` bytes large. */
  part(path: string, bytes: number, size: number): void
  /** That file is through, or given up. */
  end(path: string): void
  /** So many are through; the bytes are those that were not told of in parts. */
  through(done: FileTotals): void
}

/**
 * Carries out the steps of files and symlinks. `agree` is given what may be agreed on, since it is settled, slice by
 * slice; what is not settled yet is returned. Whatever stops one slice, the one before it comes to its end first.
 */
export const pullFiles = async (
  parts: ApplyParts,
  ledger: Ledger,
  files: Step[],
  counts: Counts,
  agree: (agreements: Agreement[]) => Promise<void>,
): Promise<Agreement[]> => {
  const bytesTotal = files.reduce((sum, step) => sum + writtenBytes(step), 0)
  parts.vault.prepare(bytesTotal)
  parts.pulling.begin({ files: files.length, bytes: bytesTotal }, parts.head.rest.size === 0)
  const current = new CurrentFiles()
  const through = (done: FileTotals): void => {
    parts.pulling.note(done)
    parts.onProgress({ ...parts.pulling.step(), current: current.list() })
  }
  const report: Report = {
    part(path, bytes, size) {
      current.add(path, bytes, size)
      through({ files: 0, bytes })
    },
    end: (path) => current.end(path),
    through,
  }
  let written: Agreement[] = []
  const finish = async (slice: Slice): Promise<void> => {
    await placeSlice(parts, ledger, slice, counts)
    await agree(written)
    written = slice.placed
  }
  let finishing = Promise.resolve()
  for (const steps of slicesOf(files, (step) => step.merged?.size ?? 0, parts.sliceFilesMax)) {
    const [made, before] = await Promise.allSettled([writeSlice(parts, ledger, steps, counts, report), finishing])
    if (before.status === 'rejected') {
      if (made.status === 'fulfilled') await dispose(made.value.ready)
      throw before.reason
    }
    if (made.status === 'rejected') throw made.reason
    finishing = finish(made.value)
  }
  await finishing
  return written
}

const dispose = async (ready: readonly Ready[]): Promise<void> => {
  for (const { temp, isPlaced } of ready) if (!isPlaced) await temp[Symbol.asyncDispose]()
}

/** Notes that a step's node is at its place, and what the base shall say of it. */
const notePlaced = (
  parts: ApplyParts,
  step: Step,
  path: string,
  stat: DiskStat,
  counts: Counts,
  placed: Agreement[],
): void => {
  if (step.merged === null) return
  parts.where.moved(step.id, step.merged.parent, nameOf(path), stat)
  if (needsContent(step)) countNode(counts, step.merged)
  if (step.toLog !== 'none' || step.toBase !== 'put') return
  // What is renamed or gets another time covers up an edit in the moment of the look.
  const isCovered = !needsContent(step) && step.local !== null && isRacy(step.local.disk, parts.lookedNs)
  placed.push({ id: step.id, row: baseNodeOf(step.merged, isCovered ? forgottenDisk(stat) : stat, null) })
}

/** Writes the files of a slice under temporary names; links and attributes are at their place already. */
const writeSlice = async (
  parts: ApplyParts,
  ledger: Ledger,
  steps: Step[],
  counts: Counts,
  report: Report,
): Promise<Slice> => {
  const { disk, vault } = parts
  const ready: Ready[] = []
  const placed: Agreement[] = []
  const done = (step: Step, path: string, stat: DiskStat): void => notePlaced(parts, step, path, stat, counts, placed)
  try {
    const contents = contentsOf(steps)
    vault.expect([...contents.values()])
    await forEachLimited(groupSmall(steps, writtenBytes), filesAtOnceMax, async (group) => {
      const together: Small[] = []
      for (const step of group) {
        const { merged } = step
        if (merged === null || ledger.unsettled.has(step.id)) continue
        const path = reachableTarget(parts, ledger, step)
        if (path === null) continue
        const content = contents.get(step)
        if (group.length > 1 && content !== undefined) {
          together.push({ step, path, merged, content })
          continue
        }
        await attempt(parts, ledger, step.id, path, async () => {
          const seen = parts.where.stat(step.id)
          if (!needsContent(step)) {
            if (seen !== null) done(step, path, await disk.setAttributes(path, seen, merged))
          } else if (content === undefined) {
            done(step, path, await disk.placeLink(merged.linkTarget, path, seen, merged.mtimeNs))
          } else {
            const onBytes = (bytes: number): void => report.part(path, bytes, merged.size)
            const temp = await writeTemp(parts, { path, merged, content }, onBytes)
            ready.push({ step, path, temp, isPlaced: false })
          }
        })
        report.end(path)
      }
      const temps = await writeTogether(parts, together)
      temps?.forEach((temp, i) => {
        const small = together[i]
        assert(small !== undefined, 'a temporary file comes for each')
        ready.push({ step: small.step, path: small.path, temp, isPlaced: false })
      })
      // One by one, so that trouble with one holds up no other.
      for (const small of temps === null ? together : []) {
        const { step, path } = small
        await attempt(parts, ledger, step.id, path, async () => {
          const temp = await writeTemp(parts, small, () => undefined)
          ready.push({ step, path, temp, isPlaced: false })
        })
      }
      report.through({ files: group.length, bytes: together.reduce((sum, { merged }) => sum + merged.size, 0) })
    })
    return { placed, ready }
  } catch (error) {
    await dispose(ready)
    throw error
  }
}

/** Gives what a slice wrote its names, when it is settled. */
const placeSlice = async (
  parts: ApplyParts,
  ledger: Ledger,
  { placed, ready }: Slice,
  counts: Counts,
): Promise<void> => {
  const { disk } = parts
  try {
    await disk.settle()
    await forEachLimited(groupsOf(ready, filesTogetherMax), placingMax, async (some) => {
      const answers = await disk.placeFiles(
        some.map(({ step, path, temp }) => ({ temp, path, expected: parts.where.stat(step.id) })),
      )
      let next = 0
      for (const file of some) {
        const { step, path } = file
        const answer = answers[next++]
        assert(answer !== undefined, 'an answer comes for each file')
        if ('trouble' in answer) await attempt(parts, ledger, step.id, path, () => Promise.reject(answer.trouble))
        else {
          file.isPlaced = true
          notePlaced(parts, step, path, answer.stat, counts, placed)
        }
      }
    })
  } finally {
    await dispose(ready)
  }
}

/** A file's bytes, verified chunk by chunk, in a temporary file with its final mode and time. */
const writeTemp = async (
  parts: ApplyParts,
  { path, merged, content }: FileToCome,
  report: (bytes: number) => void,
): Promise<TempFile> => {
  const temp = await parts.disk.createTemp(folderOf(path))
  try {
    for await (const bytes of parts.vault.stream(content)) {
      await temp.write(bytes)
      report(bytes.length)
    }
    await temp.finish(merged)
    return temp
  } catch (error) {
    await temp[Symbol.asyncDispose]()
    throw error
  }
}
