/**
 * Coming down: makes the disk what the plan wants. Folders are arranged, files get their bytes and names, folders their
 * times; then the disk is settled once more, and the base says so.
 */
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode, DiskStat, NodeState } from '../ports.ts'
import type { Agreement, ApplyParts, Ledger } from './apply.ts'
import { arrange, noteExceptions, removeGone } from './arrange.ts'
import { FolderTimes } from './folder-times.ts'
import { checkMarker } from './guards.ts'
import { baseNodeOf, forgottenDisk, rememberedDisk } from './node.ts'
import type { Step } from './plan.ts'
import { isDiskStep, pullFiles } from './pull-files.ts'
import { noCounts, type Counts } from './report.ts'

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

  const written = await pullFiles(parts, ledger, steps.filter(isFileStep), counts, async (agreements) => {
    await checkDisk()
    // The slice before this one was settled together with the temporary files of this one, and so were new folders.
    standNew()
    ledger.agree(agreements)
  })
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

const isFileStep = (step: Step): boolean => step.merged !== null && step.merged.kind !== 'folder' && isDiskStep(step)

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
