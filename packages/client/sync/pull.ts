/**
 * Coming down: makes the disk what the plan wants. Files are written whole and verified under temporary names, a
 * slice at a time; the disk is settled; then they get their names; then it is settled again, and the base says so.
 */
import { assert, SyncError } from '@anysync/protocol/errors.ts'
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { filesTogetherMax } from '@anysync/protocol/limits.ts'
import { parseContent } from '../content/content.ts'
import { folderOf, nameOf } from '../path.ts'
import type { BaseNode, DiskStat, NodeState, TempFile } from '../ports.ts'
import type { ApplyParts } from './apply.ts'
import { attempt, countNode, type Agreement, type Ledger } from './apply.ts'
import { arrange, noteExceptions, reachableTarget, removeGone } from './arrange.ts'
import { CurrentFiles } from './current-files.ts'
import { groupSmall } from './group-small.ts'
import { checkMarker } from './guards.ts'
import { FolderTimes } from './folder-times.ts'
import { forEachLimited } from './limited.ts'
import { isSameContent } from './merge.ts'
import { baseNodeOf, forgottenDisk, isRacy, rememberedDisk } from './node.ts'
import type { Step } from './plan.ts'
import { noCounts, type Counts } from './report.ts'

const sliceFilesMax = 2000
const sliceBytesMax = 256 * 1024 * 1024
const filesAtOnceMax = 8

/** Carries out every step of a plan that concerns the disk, and writes the base for those that concern only it. */
export const pull = async (parts: ApplyParts, ledger: Ledger, steps: Step[]): Promise<Counts> => {
  const counts = noCounts()
  const times = new FolderTimes(parts)
  // A disk that was taken out meanwhile took nothing of this: the base must not say that it is there.
  const checkDisk = (): Promise<void> => checkMarker(parts.disk, { id: parts.linkId })
  noteExceptions(parts, ledger, steps)
  await times.remember(steps)
  await arrange(parts, ledger, steps)
  counts.removed = await removeGone(parts, ledger, steps)
  /** Written to the base once, when the disk is settled for the first time. */
  let found = newFolders(parts, steps)
  const standNew = (): void => {
    ledger.stand(found)
    found = []
  }

  const files = steps.filter((step) => step.merged !== null && step.merged.kind !== 'folder' && isDiskStep(step))
  const bytesTotal = files.reduce((sum, step) => sum + (needsContent(step) ? (step.merged?.size ?? 0) : 0), 0)
  const progress = { phase: 'pull' as const, files: 0, filesTotal: files.length, bytes: 0, bytesTotal }
  const current = new CurrentFiles()
  let written: Agreement[] = []
  for (const slice of slicesOf(files)) {
    const placed = await pullSlice(parts, ledger, slice, counts, (path, files, bytes, size) => {
      progress.files += files
      progress.bytes += bytes
      if (files > 0) current.end(path)
      else current.add(path, bytes, size)
      parts.onProgress({ ...progress, current: current.list() })
    })
    await checkDisk()
    // The slice before this one was settled together with the temporary files of this one, and so were new folders.
    standNew()
    ledger.agree(written)
    written = placed
  }
  await times.restore(steps, ledger)
  await parts.disk.settle()
  await checkDisk()
  standNew()
  ledger.agree([...written, ...agreements(parts, ledger, steps)])
  for (const step of steps)
    if (step.toDisk === 'create' && step.merged?.kind === 'folder' && !ledger.unsettled.has(step.id))
      counts.folders += 1
  return counts
}

const isDiskStep = (step: Step): boolean => step.toDisk === 'create' || step.toDisk === 'change'

/** Whether bytes (or a target) must be written, not only names and attributes. */
const needsContent = ({ merged, local, toDisk }: Step): boolean =>
  merged !== null &&
  (toDisk === 'create' ||
    (local !== null && (merged.kind === 'symlink' || merged.content !== null) && !isSameContent(local, merged)))

function* slicesOf(steps: Step[]): Generator<Step[]> {
  let slice: Step[] = []
  let bytes = 0
  for (const step of steps) {
    slice.push(step)
    bytes += step.merged?.size ?? 0
    if (slice.length < sliceFilesMax && bytes < sliceBytesMax) continue
    yield slice
    slice = []
    bytes = 0
  }
  if (slice.length > 0) yield slice
}

type Small = { step: Step; path: string; merged: NodeState }

/** What is written to the disk for a step. */
const writtenBytes = (step: Step): number => (needsContent(step) && step.merged?.kind === 'file' ? step.merged.size : 0)

function* groupsOf<Thing>(things: Thing[], most: number): Generator<Thing[]> {
  for (let first = 0; first < things.length; first += most) yield things.slice(first, first + most)
}

/** Small files, verified, in temporary files, in their order; null when not all of them could be made. */
const writeTogether = async ({ vault, disk }: ApplyParts, files: Small[]): Promise<TempFile[] | null> => {
  try {
    const all = await Promise.all(
      files.map(({ merged }) => vault.readSmallFile(parseContent(merged.content ?? new Uint8Array()))),
    )
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

type Ready = { step: Step; path: string; temp: TempFile }

const pullSlice = async (
  parts: ApplyParts,
  ledger: Ledger,
  slice: Step[],
  counts: Counts,
  report: (path: string, files: number, bytes: number, size: number) => void,
): Promise<Agreement[]> => {
  const { disk, vault } = parts
  const ready: Ready[] = []
  const placed: Agreement[] = []
  const done = (step: Step, path: string, stat: DiskStat): void => {
    if (step.merged === null) return
    parts.where.moved(step.id, step.merged.parent, nameOf(path), stat)
    if (needsContent(step)) countNode(counts, step.merged)
    if (step.toLog !== 'none' || step.toBase !== 'put') return
    // What is renamed or gets another time covers up an edit in the moment of the look.
    const isCovered = !needsContent(step) && step.local !== null && isRacy(step.local.disk, parts.lookedNs)
    placed.push({ id: step.id, row: baseNodeOf(step.merged, isCovered ? forgottenDisk(stat) : stat, null) })
  }
  try {
    vault.expect(
      slice.flatMap((step) => (needsContent(step) && step.merged?.content ? [parseContent(step.merged.content)] : [])),
    )
    await forEachLimited(groupSmall(slice, writtenBytes), filesAtOnceMax, async (group) => {
      const together: Small[] = []
      for (const step of group) {
        const { merged } = step
        if (merged === null || ledger.unsettled.has(step.id)) continue
        const path = reachableTarget(parts, ledger, step)
        if (path === null) continue
        await attempt(parts, ledger, step.id, path, async () => {
          const seen = parts.where.stat(step.id)
          if (!needsContent(step)) {
            if (seen !== null) done(step, path, await disk.setAttributes(path, seen, merged))
          } else if (merged.kind === 'symlink') {
            done(step, path, await disk.placeLink(merged.linkTarget, path, seen, merged.mtimeNs))
          } else if (group.length > 1) together.push({ step, path, merged })
          else
            ready.push({
              step,
              path,
              temp: await writeTemp(parts, step, folderOf(path), (bytes) => report(path, 0, bytes, merged.size)),
            })
        })
        if (group.length === 1) report(path, 1, 0, 0)
      }
      const temps = await writeTogether(parts, together)
      for (const [i, { step, path, merged }] of together.entries()) {
        const temp = temps?.[i]
        if (temp) ready.push({ step, path, temp })
        // One by one, so that trouble with one holds up no other.
        else
          await attempt(parts, ledger, step.id, path, async () => {
            ready.push({ step, path, temp: await writeTemp(parts, step, folderOf(path), () => undefined) })
          })
        report(path, 0, merged.size, merged.size)
        report(path, 1, 0, 0)
      }
    })
    await disk.settle()
    for (const some of groupsOf(ready, filesTogetherMax)) {
      const answers = await disk.placeFiles(
        some.map(({ step, path, temp }) => ({ temp, path, expected: parts.where.stat(step.id) })),
      )
      for (const [i, { step, path }] of some.entries()) {
        await attempt(parts, ledger, step.id, path, async () => {
          const placed = answers[i]
          assert(placed !== undefined, 'an answer comes for each file')
          if ('trouble' in placed) throw placed.trouble
          done(step, path, placed.stat)
        })
      }
    }
  } finally {
    for (const { temp } of ready) await temp[Symbol.asyncDispose]()
  }
  return placed
}

/** A file's bytes, verified chunk by chunk, in a temporary file with its final mode and time. */
const writeTemp = async (
  parts: ApplyParts,
  step: Step,
  folder: string,
  report: (bytes: number) => void,
): Promise<TempFile> => {
  const temp = await parts.disk.createTemp(folder)
  try {
    const { merged } = step
    if (merged !== null) {
      for await (const bytes of parts.vault.stream(parseContent(merged.content ?? new Uint8Array()))) {
        await temp.write(bytes)
        report(bytes.length)
      }
      await temp.finish(merged)
    }
    return temp
  } catch (error) {
    await temp[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * Folders of the head that are at their place on this disk and that the base does not know, as they are here: what is in
 * them is agreed on before they are, and must not lie below nothing.
 */
const newFolders = ({ state, linkId, where, lookedNs }: ApplyParts, steps: Step[]): BaseNode[] =>
  steps.flatMap(({ id, merged, remote, toLog }) => {
    const stat = where.stat(id)
    if (merged?.kind !== 'folder' || remote === null || toLog !== 'none' || stat === null) return []
    if (where.at(merged.parent, merged.name) !== id || state.node(linkId, id) !== null) return []
    const asItIs = { ...merged, mode: stat.mode, mtimeNs: stat.mtimeNs, content: null }
    return [baseNodeOf(asItIs, rememberedDisk(stat, lookedNs), null)]
  })

/** What the base shall say of all steps that need no push, but for the files, which are agreed on slice by slice. */
const agreements = (parts: ApplyParts, ledger: Ledger, steps: Step[]): Agreement[] => {
  const { state, linkId, where, lookedNs } = parts
  /** Folders whose row comes with the push, or waits as well. */
  const later = new Set<NodeId>()
  const told = new Set<NodeId>()
  const isKnown = (folder: NodeId): boolean =>
    folder === rootNodeId || told.has(folder) || state.node(linkId, folder) !== null
  return steps.flatMap((step): Agreement[] => {
    const { id, merged, toLog, toBase } = step
    const isLater = toLog !== 'none' || ledger.unsettled.has(id)
    if (isLater) later.add(id)
    if (isLater || toBase === 'none') return []
    if (toBase === 'remove' || merged === null) return [{ id, row: null }]
    const absence = ledger.absences.get(id)
    // The base must not say that the folder is not here before it says so of the folder itself, and have nothing in none.
    if ((absence?.kind === 'folder' && later.has(merged.parent)) || !isKnown(merged.parent)) {
      ledger.unsettled.add(id)
      later.add(id)
      return []
    }
    told.add(id)
    // What a folder is at is known only when nothing below it is owed any more: the ledger says so.
    const content = merged.kind === 'folder' ? (state.node(linkId, id)?.content ?? null) : merged.content
    if (absence !== undefined) return [{ id, row: baseNodeOf({ ...merged, content }, null, absence) }]
    if (isDiskStep(step) && merged.kind !== 'folder') return []
    const stat = where.stat(id)
    if (stat === null) return [{ id, row: baseNodeOf({ ...merged, content }, null, step.absence) }]
    const remembered = asMerged(rememberedDisk(stat, lookedNs), merged)
    if (merged.kind !== 'folder') return [{ id, row: baseNodeOf(merged, remembered, null) }]
    // Its time on this disk is no change, so the head's is what both agree on.
    const mtimeNs = step.remote?.mtimeNs ?? merged.mtimeNs
    return [{ id, row: baseNodeOf({ ...merged, mtimeNs, content }, remembered, null) }]
  })
}

/** Where a mode leaves the disk as it is, its attributes may be others than those agreed on: the next scan shall see that. */
const asMerged = (stat: DiskStat, merged: NodeState): DiskStat => {
  if (merged.kind === 'folder') return { ...stat, mode: merged.mode }
  const isSame = stat.mtimeNs === merged.mtimeNs && (merged.kind === 'symlink' || stat.mode === merged.mode)
  return isSame ? stat : forgottenDisk(stat)
}
