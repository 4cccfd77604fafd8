/**
 * The first half of coming down: folders are made, nodes are moved to where the plan wants them, what the head
 * removed is removed. Parents first, so that every target folder is there. What stands in the way and will move
 * itself is set aside under a name that the scan understands, so that a crash in between loses nothing.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { folderOf, joinPath } from '../path.ts'
import type { DiskStat } from '../ports.ts'
import type { ApplyParts, Ledger } from './apply.ts'
import { attempt } from './apply.ts'
import type { Step } from './plan.ts'
import { asideName } from './identify-node.ts'
import { stepsById, type StepsById } from './steps-by-id.ts'

/** Where a step's node shall lie; null when its folder is not on this disk. */
export const targetPath = (parts: ApplyParts, step: Step): string | null => {
  if (step.merged === null) return null
  const folder = parts.where.path(step.merged.parent)
  return folder === null ? null : joinPath(folder, step.merged.name)
}

/** Where a step's node shall lie; null when it is not to be here, or, which the ledger then holds, cannot be yet. */
export const reachableTarget = (parts: ApplyParts, ledger: Ledger, step: Step): string | null => {
  if (step.merged === null || ledger.unsettled.has(step.id) || ledger.absences.has(step.id)) return null
  const target = targetPath(parts, step)
  if (target === null) ledger.unsettled.add(step.id)
  return target
}

/** Notes what is held, and tells what cannot be on this disk. What is here all the same stays where it is, and its step waits. */
export const noteExceptions = (parts: ApplyParts, ledger: Ledger, steps: Step[]): void => {
  for (const step of steps) {
    const { id, base, merged, absence, toDisk, toBase } = step
    if (toBase === 'none') ledger.held.add(id)
    if (absence === null || merged === null) continue
    const isWaiting = toDisk === 'change'
    if (isWaiting) ledger.unsettled.add(id)
    else ledger.absences.set(id, absence)
    // A folder's line speaks for all in it, and a mode is no surprise.
    const isOwn = absence.kind !== 'folder' && absence.kind !== 'mode'
    if (isWaiting || (isOwn && base?.absence?.kind !== absence.kind))
      parts.troubles.push({ path: targetPath(parts, step) ?? merged.name, kind: 'not-here', message: absence.message })
  }
}

/** Makes folders and moves nodes. Steps come parents first. */
export const arrange = async (parts: ApplyParts, ledger: Ledger, steps: Step[]): Promise<void> => {
  const stepById = stepsById(steps)
  for (const step of steps) {
    const { merged, local, toDisk } = step
    if (merged === null || (toDisk !== 'create' && toDisk !== 'change')) continue
    const isMoved =
      local !== null &&
      local.path !== '' &&
      (local.isAside || local.folder !== merged.parent || local.name !== merged.name)
    const isNewFolder = toDisk === 'create' && merged.kind === 'folder'
    if (!isMoved && !isNewFolder) continue
    const target = reachableTarget(parts, ledger, step)
    if (target === null) continue
    await attempt(parts, ledger, step.id, target, async () => {
      const done = (stat: DiskStat): void => parts.where.moved(step.id, merged.parent, merged.name, stat)
      const made = isMoved ? null : await makeWhereNothingIs(parts, target)
      if (made !== null) return done(made)
      const there = await clearTheWay(parts, ledger, stepById, step, target)
      const from = isMoved ? parts.where.path(step.id) : null
      if (from === target) return
      done(
        from === null
          ? await makeFolder(parts, step, target, there)
          : await moveHere(parts, from, target, seenStat(parts, step)),
      )
    })
  }
}

const moveHere = async (parts: ApplyParts, from: string, to: string, expected: DiskStat): Promise<DiskStat> => {
  const stat = await parts.disk.move(from, to, expected)
  if (stat.kind === 'folder') parts.onMoved({ from, to })
  return stat
}

/** Folders that hold what is not synced, and those above them that the plan removes: they cannot be removed, nor stay aside. */
export const heldWithAbove = (heldFolders: ReadonlySet<NodeId>, steps: Step[]): Set<NodeId> => {
  const held = new Set(heldFolders)
  // Of what is removed, children come before parents.
  for (const { id, local, toDisk } of steps)
    if (toDisk === 'remove' && local !== null && held.has(id)) held.add(local.folder)
  return held
}

/** Makes a folder without a look, as nearly all can be made; null when something lies there. */
const makeWhereNothingIs = async ({ disk }: ApplyParts, target: string): Promise<DiskStat | null> => {
  try {
    return await disk.makeFolder(target)
  } catch (error) {
    if (isTrouble(error, 'conflict')) return null
    throw error
  }
}

/**
 * Makes a folder. One that is there and is nobody's node, for the scan found only what is not synced in it, is taken. One
 * that the scan did not come to is a `conflict`: nobody knows what is in it.
 */
const makeFolder = async (
  parts: ApplyParts,
  { merged }: Step,
  target: string,
  there: DiskStat | null,
): Promise<DiskStat> => {
  const { disk, state, linkId, where, listed } = parts
  const isNobodys =
    there?.kind === 'folder' &&
    merged !== null &&
    listed.has(target) &&
    where.at(merged.parent, merged.name) === null &&
    state.nodeByInode(linkId, there.device, there.inode) === null
  return isNobodys ? there : disk.makeFolder(target)
}

/**
 * Sets aside what lies at a target and will itself be moved or removed by this plan. Anything else there is a `conflict`,
 * but for the node itself and a folder where one shall be made: that is returned.
 */
const clearTheWay = async (
  parts: ApplyParts,
  ledger: Ledger,
  stepById: StepsById,
  step: Step,
  target: string,
): Promise<DiskStat | null> => {
  const { disk, where } = parts
  const { merged } = step
  const there = merged === null ? null : await disk.lstat(target)
  if (merged === null || there === null) return null
  const occupant = where.at(merged.parent, merged.name)
  if (occupant === step.id) return there
  if (occupant === null && there.kind === 'folder' && merged.kind === 'folder' && step.toDisk === 'create') return there
  const other = occupant === null ? undefined : stepById(occupant)
  const isLeaving =
    other !== undefined &&
    !staysHere(parts, ledger, stepById, other) &&
    (other.merged === null ||
      other.toDisk === 'remove' ||
      other.merged.parent !== merged.parent ||
      other.merged.name !== merged.name)
  if (other === undefined || !isLeaving) {
    throw new SyncError('disk.arrange', 'conflict', 'something new lies where a node shall go')
  }
  if (other.merged === null && parts.heldFolders.has(other.id)) {
    const message = 'a folder that was removed elsewhere lies in the way, with what is not synced in it: move it away'
    throw new SyncError('disk.arrange', 'unavailable', message)
  }
  // The scan knows nodes of the base by their aside name. Another is a conflict copy: its new name is nobody else's.
  const aside = other.base === null && other.merged !== null ? other.merged.name : asideName(other.id)
  const beside = joinPath(folderOf(target), aside)
  // Where Readme and README are one, its own name may be the other.
  const stat = await moveHere(parts, where.path(other.id) ?? target, beside, seenStat(parts, other))
  where.moved(other.id, merged.parent, aside, stat)
  return null
}

/** Whether a node that the plan moves cannot be moved: its step failed or waits, or that of its new folder. */
const staysHere = (parts: ApplyParts, ledger: Ledger, stepById: StepsById, step: Step): boolean => {
  if (ledger.unsettled.has(step.id)) return true
  if (step.merged === null || ledger.absences.has(step.id)) return false
  const { parent } = step.merged
  const folder = parts.where.path(parent) === null ? stepById(parent) : undefined
  return folder !== undefined && staysHere(parts, ledger, stepById, folder)
}

export const seenStat = (parts: ApplyParts, step: Step) => {
  const stat = parts.where.stat(step.id)
  if (stat === null) throw new SyncError('disk.arrange', 'conflict', 'a node is not where the scan found it')
  return stat
}

/**
 * Removes what the head removed: children before parents, and only what is still as the scan saw it. A folder that holds
 * what is not synced stays, with the folders above it; it is nobody's node any more.
 */
export const removeGone = async (parts: ApplyParts, ledger: Ledger, steps: Step[]): Promise<number> => {
  let removed = 0
  for (const step of steps) {
    if (step.toDisk !== 'remove' || step.local === null) continue
    const path = parts.where.path(step.id)
    if (path === null) continue
    if (parts.heldFolders.has(step.id)) continue
    await attempt(parts, ledger, step.id, path, async () => {
      await parts.disk.remove(path, seenStat(parts, step))
      parts.where.removed(step.id)
      removed += 1
    })
  }
  return removed
}
