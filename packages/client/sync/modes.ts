/**
 * The modes of a link: which way changes travel. Pure. `sync` is the plan as it stands. `mirror` takes and never
 * sends, `backup` sends and never takes, `new-only` sends new files and nothing else. What a mode keeps from
 * travelling is held: it stays as it is on its side, and the base goes on saying what both last agreed on, so that
 * another mode can still tell who changed what.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import type { Absence, LinkMode, NodeState } from '../ports.ts'
import { isSameContent, isSamePlace, isUnchanged, mergeNode, placeKey, type Merged, type Sighting } from './merge.ts'
import type { Step } from './plan.ts'
import { stepsById } from './steps-by-id.ts'

/** `isHeld`: nothing travels; `state` is what the disk has. */
export type MergedByMode = Merged & { isHeld: boolean }

/** What a node shall be. `isAbsent`: it was in the vault and not on this disk when both last agreed. */
export type MergeByMode = (sighting: Sighting<NodeState>, isAbsent: boolean) => MergedByMode

export type ModePolicy = {
  merge: MergeByMode
  /** Who keeps a name that two want: the node at the head, or the one on the disk. */
  namesAre: 'of the head' | 'of the disk'
  /** The steps that the mode lets through. */
  limit: (steps: Step[]) => Step[]
  /** Why what is only at the head is not brought here; null when it is. */
  absence: ((step: Step) => Absence) | null
}

const take = (state: NodeState | null): MergedByMode => ({ state, isKeptTwice: false, isHeld: false })
const hold = (state: NodeState | null): MergedByMode => ({ state, isKeptTwice: false, isHeld: true })

// ---------------------------------------------------------------------------------------------------
// Mirror: the head is pulled; a change made here stays until the head changes the same node

/** What is not as at the head when the plan is carried out is held; `limitMirror` sees to that. */
export const mergeMirror: MergeByMode = ({ base, local, remote }) => {
  if (remote === null) return take(base !== null && local !== null && isUnchanged(base, local) ? null : local)
  // A folder's time follows what is in it, so the head has changed a folder only when it says something else of it.
  if (base !== null && isUnchanged(base, remote) && (remote.kind === 'folder' || base.mtimeNs === remote.mtimeNs)) {
    const isTimeNew = local !== null && remote.kind === 'folder' && base.mtimeNs !== remote.mtimeNs
    return take(isTimeNew ? { ...local, mtimeNs: remote.mtimeNs } : local)
  }
  const isEditedHere = local !== null && (base === null || !isSameContent(base, local))
  return { state: remote, isKeptTwice: isEditedHere && !isSameContent(local, remote), isHeld: false }
}

/** Nothing is sent. The base forgets what is gone at the head and lives on here: from now on it is only here. */
const limitMirror = (steps: Step[]): Step[] =>
  steps.map((step) =>
    step.toLog === 'none'
      ? step
      : { ...step, toLog: 'none', toBase: step.remote === null && step.base !== null ? 'remove' : 'none' },
  )

// ---------------------------------------------------------------------------------------------------
// Backup: what is on the disk is the truth; nothing at the head touches it

export const mergeBackup: MergeByMode = ({ base, local, remote }, isAbsent) => {
  if (isAbsent) return take(remote)
  if (local === null) return take(base === null ? remote : null)
  if (remote === null) return take(local)
  if (base === null)
    return isSameContent(local, remote) ? take(withTimeOf(local, remote)) : { ...take(remote), isKeptTwice: true }
  return isChangeOfHeadOnly(base, local, remote) ? hold(local) : take(withTimeOf(local, remote))
}

/** An edit of what was not edited here stays in the vault, and is not undone, as a move or deletion is. A touch is no edit. */
const isChangeOfHeadOnly = (base: NodeState, local: NodeState, remote: NodeState): boolean => {
  if (!isSamePlace(base, remote)) return false
  if (isUnchanged(base, local)) return !isUnchanged(base, remote)
  return isSamePlace(base, local) && isSameContent(base, local) && !isSameContent(base, remote)
}

// ---------------------------------------------------------------------------------------------------
// New only: new files are sent, and the folders that they need; nothing else travels

export const mergeNewOnly: MergeByMode = ({ base, local, remote }, isAbsent) => {
  if (isAbsent || local === null) return take(remote)
  if (remote === null) return base === null ? take(local) : hold(local)
  if (base === null) return isSameContent(local, remote) ? take(remote) : hold(local)
  return isUnchanged(base, local) && isUnchanged(base, remote) ? take(withTimeOf(local, remote)) : hold(local)
}

/** A folder's time is no change by itself. */
const withTimeOf = (local: NodeState, remote: NodeState): NodeState =>
  local.kind === 'folder' ? { ...local, mtimeNs: remote.mtimeNs } : local

/** Of new files, those that keep their name; of folders, those above them that the head does not have. */
const limitNewOnly = (steps: Step[]): Step[] => {
  const stepById = stepsById(steps)
  // What moved away here has its name in the vault still.
  const taken = new Set(steps.flatMap(({ remote }) => (remote === null ? [] : [placeKey(remote)])))
  const isFree = ({ local, merged }: Step): boolean =>
    local !== null && merged !== null && isSamePlace(local, merged) && !taken.has(placeKey(merged))
  const wanted = new Set<NodeId>()
  for (const step of steps) {
    const { base, remote, merged } = step
    if (base !== null || remote !== null || merged === null || merged.kind === 'folder') continue
    const needed: Step[] = []
    for (let at: Step | undefined = step; at?.merged && at.remote === null; at = stepById(at.merged.parent))
      needed.push(at)
    // Under a name that the vault has for something else, nothing is sent.
    if (needed.every(isFree)) for (const { id } of needed) wanted.add(id)
  }
  return steps.map((step) => {
    if (wanted.has(step.id)) return { ...untouched(step), toLog: 'put', toBase: 'put' }
    const isSent = step.toLog !== 'none'
    return { ...untouched(step), toLog: 'none', toBase: isSent ? 'none' : step.toBase }
  })
}

// ---------------------------------------------------------------------------------------------------

/** The disk is left alone, but for what an earlier turn in another mode set aside and a crash left there. */
const untouched = (step: Step): Step => ({ ...step, toDisk: step.local?.isAside === true ? step.toDisk : 'none' })

const backupAbsence: Absence = {
  kind: 'mode',
  message: 'this folder is only backed up: what others add to the vault does not come here',
}
const newOnlyAbsence: Absence = {
  kind: 'mode',
  message: 'this folder only sends new files: what is in the vault does not come here',
}
const deletedAbsence: Absence = { kind: 'mode', message: 'it was deleted here; the vault keeps it' }

export const modePolicies: Record<LinkMode, ModePolicy> = {
  sync: {
    merge: (sighting) => ({ ...mergeNode(sighting), isHeld: false }),
    namesAre: 'of the head',
    limit: (steps) => steps,
    absence: null,
  },
  mirror: { merge: mergeMirror, namesAre: 'of the head', limit: limitMirror, absence: null },
  backup: {
    merge: mergeBackup,
    namesAre: 'of the disk',
    limit: (steps) => steps.map(untouched),
    absence: () => backupAbsence,
  },
  'new-only': {
    merge: mergeNewOnly,
    namesAre: 'of the head',
    limit: limitNewOnly,
    absence: ({ base }) => (base !== null && base.disk !== null ? deletedAbsence : newOnlyAbsence),
  },
}
