/**
 * Which nodes of a plan this disk can hold, and why not the others: their name, a twin, the folder above. Pure. What
 * cannot be here stays in the vault. A file that is here and whose new place cannot be is taken from this disk when
 * nothing of it is only here; anything else stays where it is, and waits.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import type { Absence, BaseNode } from '../ports.ts'
import { isSameContent } from './merge.ts'
import type { ModePolicy } from './modes.ts'
import type { Step } from './plan.ts'
import type { PlaceJudges } from './ruled-out.ts'
import { stepsById } from './steps-by-id.ts'
import { foldsNames, twinAbsence, twinsAmong, type Named } from './twins.ts'

export type PresenceParts = PlaceJudges & {
  root: NodeId
  base: (id: NodeId) => BaseNode | null
  baseChildren: (folder: NodeId) => BaseNode[]
  refuseName: (name: string) => string | null
  foldName: (name: string) => string
  /** Why the mode brings nothing here that is only in the vault; null when it brings it. */
  absence: ModePolicy['absence']
}

/** Of what is in a folder that is not on this disk. */
export const folderAbsence: Absence = { kind: 'folder', message: 'the folder that holds it is not on this device' }

/** The steps, in the same order (parents before children), with the reasons of those that this disk cannot hold. */
export const withPresence = (steps: Step[], parts: PresenceParts): Step[] => {
  const absences = new Map<NodeId, Absence>()
  const twins = foldsNames(parts.foldName) ? allTwins(steps, parts) : new Set<NodeId>()
  const stepById = stepsById(steps)
  const isAbsent = (folder: NodeId): boolean =>
    absences.has(folder) ||
    (folder !== parts.root && parts.base(folder)?.disk === null && stepById(folder) === undefined)
  return steps.map((given) => {
    const step = isFreed(given, isAbsent) ? { ...given, toDisk: 'create' as const } : given
    const absence = absenceOf(step, twins, isAbsent, parts)
    if (absence === null) return step
    if (!isHere(step)) {
      absences.set(step.id, absence)
      return { ...step, absence, toDisk: 'none' }
    }
    if (!canBeTaken(step)) return { ...step, absence }
    absences.set(step.id, absence)
    return { ...step, absence, toDisk: 'remove' }
  })
}

/** Whether only the folder above kept it from this disk, and keeps it no more. */
const isFreed = (step: Step, isAbsent: (folder: NodeId) => boolean): boolean =>
  step.toDisk === 'none' &&
  !isHere(step) &&
  step.merged !== null &&
  step.base?.absence?.kind === 'folder' &&
  !isAbsent(step.merged.parent)

const isHere = ({ local }: Step): boolean => local !== null && local.path !== ''

/** Whether it shall come to a place on this disk: be made, or moved there. */
const isComing = ({ local, merged, toDisk }: Step): boolean =>
  merged !== null &&
  (toDisk === 'create' ||
    (toDisk === 'change' && (local === null || local.folder !== merged.parent || local.name !== merged.name)))

/** Whether the vault has all of it: a file or link that was not changed here. What is in a folder is another matter. */
const canBeTaken = ({ base, local, merged, toLog }: Step): boolean =>
  toLog === 'none' && merged?.kind !== 'folder' && base !== null && local !== null && isSameContent(base, local)

const absenceOf = (
  step: Step,
  twins: ReadonlySet<NodeId>,
  isAbsent: (folder: NodeId) => boolean,
  parts: PresenceParts,
): Absence | null => {
  const { id, base, merged } = step
  if (merged === null) return null
  if (isAbsent(merged.parent)) return folderAbsence
  const hidden = step.toDisk === 'none' ? null : parts.refuseFolder(merged.parent)
  if (hidden !== null) return hidden
  if (parts.absence !== null && !isHere(step)) return ownAbsence(base) ?? parts.absence(step)
  if (!isComing(step)) return isHere(step) ? null : (base?.absence ?? null)
  const refusal = parts.refuseName(merged.name)
  if (refusal !== null) return { kind: 'name', message: refusal }
  return twins.has(id) ? twinAbsence : isHere(step) ? null : parts.refusePlace(step)
}

/** A reason of its own, that holds in any folder. */
const ownAbsence = (base: BaseNode | null): Absence | null =>
  base === null || base.absence === null || base.absence.kind === 'folder' ? null : base.absence

const allTwins = (steps: Step[], { baseChildren, refuseName, foldName }: PresenceParts): Set<NodeId> => {
  const stepIds = new Set(steps.map(({ id }) => id))
  const there = new Map<NodeId, Named[]>()
  const coming = new Map<NodeId, Named[]>()
  for (const step of steps) {
    const { merged } = step
    if (merged === null || refuseName(merged.name) !== null) continue
    // Another spelling of its own name is no new place.
    const isRespelled =
      isHere(step) && step.local?.folder === merged.parent && foldName(step.local.name) === foldName(merged.name)
    const map = isComing(step) && !isRespelled ? coming : there
    const named: Named = { id: step.id, name: merged.name }
    const nodes = map.get(merged.parent)
    if (nodes === undefined) map.set(merged.parent, [named])
    else nodes.push(named)
  }
  const twins = new Set<NodeId>()
  for (const [folder, nodes] of coming) {
    const unchanged = baseChildren(folder).filter(({ id, disk }) => disk !== null && !stepIds.has(id))
    for (const id of twinsAmong([...unchanged, ...(there.get(folder) ?? [])], nodes, foldName)) twins.add(id)
  }
  return twins
}
