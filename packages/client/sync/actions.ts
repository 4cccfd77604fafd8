/**
 * From the steps of a round to what was done, and why in plain words: what `anysync log` tells. Pure but for the call
 * that keeps it. Whether a step was carried out is read from the base, which is written last and only then.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import type { Action } from '../action.ts'
import type { BaseNode, NodeState, State } from '../ports.ts'
import { isSameContent, isSamePlace } from './merge.ts'
import type { Ledger } from './apply.ts'
import type { Plan, Step } from './plan.ts'
import { stepsById, type StepsById } from './steps-by-id.ts'
import type { Whereabouts } from './whereabouts.ts'

export type Round = {
  plan: Plan
  /** Nodes whose steps were not carried out, or not all of them. */
  unsettled: ReadonlySet<NodeId>
  /** What the base says of a node now. */
  rowOf: (id: NodeId) => BaseNode | null
  /** Where a living node is on this disk now; null when it is not there. */
  pathOf: (id: NodeId) => string | null
  timeNs: bigint
}

export type FinishedRound = {
  plan: Plan
  ledger: Pick<Ledger, 'unsettled'>
  where: Whereabouts
  timeNs: bigint
}

/** Keeps what a round did; called when its ledger is finished. */
export const keepActions = (state: State, linkId: string, { plan, ledger, where, timeNs }: FinishedRound): void => {
  const actions = actionsOf({
    plan,
    unsettled: ledger.unsettled,
    rowOf: (id) => state.node(linkId, id),
    pathOf: (id) => where.path(id),
    timeNs,
  })
  if (actions.length > 0) state.addActions(linkId, actions)
}

/** In the order of the plan. */
export const actionsOf = ({ plan, unsettled, rowOf, pathOf, timeNs }: Round): Action[] => {
  const copies = new Set(plan.conflicts)
  const placeOf = placesIn(stepsById(plan.steps), pathOf)
  return plan.steps.flatMap((step): Action[] => {
    const row = rowOf(step.id)
    const told = copies.has(step.id)
      ? keptBoth(step, row)
      : [...doneHere(step, row, unsettled.has(step.id)), ...doneThere(step, row)]
    return told.map((done) => ({ timeNs, path: placeOf(step), ...done }))
  })
}

type Told = Pick<Action, 'what' | 'why'>

const keptBoth = ({ id, base, local }: Step, row: BaseNode | null): Told[] => {
  if (row === null || (base !== null && isSamePlace(base, row))) return []
  // A copy that is made of an edit is a new node: what is on the disk was another.
  const isEdit = local !== null && local.id !== id
  const why = isEdit
    ? 'both sides edited it: the other version keeps the name'
    : 'something else has that name: the other one keeps it'
  return [{ what: 'kept-both', why }]
}

const doneHere = (
  { base, local, remote, merged, toDisk }: Step,
  row: BaseNode | null,
  isUnsettled: boolean,
): Told[] => {
  if (toDisk === 'none' || isUnsettled) return []
  if (merged === null) return [{ what: 'removed-here', why: 'deleted on another device' }]
  // In the vault only: this disk cannot hold it.
  if (row !== null && row.disk === null) return []
  const isOnDisk = local !== null && local.path !== ''
  if (!isOnDisk) {
    const why = whyCreated(base, local, remote, merged)
    return [{ what: merged.kind === 'folder' ? 'made-here' : 'pulled', why }]
  }
  const done: Told[] = []
  if (!isSamePlace(local, merged)) {
    const isTheirs = base !== null && remote !== null && !isSamePlace(base, remote)
    done.push({ what: 'moved-here', why: isTheirs ? 'moved on another device' : 'its place was taken' })
  }
  const isUnread = merged.kind === 'file' && merged.content === null
  if (!isUnread && !isSameContent(local, merged)) done.push({ what: 'pulled', why: 'changed on another device' })
  else if (done.length === 0 && isOtherwise(local, merged))
    done.push({ what: 'changed-here', why: 'permissions or time changed on another device' })
  return done
}

const whyCreated = (
  base: BaseNode | null,
  local: NodeState | null,
  remote: NodeState | null,
  merged: NodeState,
): string => {
  if (base === null) return 'new on another device'
  if (local !== null) return 'it can be on this disk now'
  if (merged.kind === 'folder') return 'deleted here, but something in it lives on'
  return remote !== null && isSamePlace(base, remote) && isSameContent(base, remote)
    ? 'deleted here, but it lives on another device'
    : 'changed on another device and deleted here: the change stays'
}

const doneThere = ({ base, remote, toLog }: Step, row: BaseNode | null): Told[] => {
  if (toLog === 'none') return []
  if (row === null) return remote === null || base === null ? [] : [{ what: 'removed-there', why: 'deleted here' }]
  // The base did not move: what was planned was not carried out.
  if (base !== null && isSamePlace(base, row) && isSameContent(base, row) && !isOtherwise(base, row)) return []
  if (remote === null) {
    const isFolder = row.kind === 'folder'
    const whyStays = isFolder
      ? 'deleted on another device, but something in it lives on'
      : 'changed here and deleted on another device: the change stays'
    return [{ what: isFolder ? 'made-there' : 'pushed', why: base === null ? 'new here' : whyStays }]
  }
  const done: Told[] = []
  if (!isSamePlace(remote, row)) done.push({ what: 'moved-there', why: 'moved here' })
  if (!isSameContent(remote, row)) done.push({ what: 'pushed', why: 'changed here' })
  else if (done.length === 0 && isOtherwise(remote, row))
    done.push({ what: 'changed-there', why: 'permissions or time changed here' })
  return done
}

/** A folder's time follows what is in it and tells nothing. */
const isOtherwise = (a: NodeState, b: NodeState): boolean =>
  a.mode !== b.mode || (b.kind !== 'folder' && a.mtimeNs !== b.mtimeNs)

/** Where a node is or, of one that is gone, was: as far up as its folders are gone too, by what the plan saw. */
const placesIn = (stepById: StepsById, pathOf: Round['pathOf']): ((step: Step) => string) => {
  const placeOf = (step: Step): string => {
    if (step.merged !== null) return pathOf(step.id) ?? step.merged.name
    if (step.local !== null && step.local.path !== '') return step.local.path
    const was = step.base ?? step.remote
    if (was === null) return ''
    const above = stepById(was.parent)
    const folder = above !== undefined && above.merged === null ? placeOf(above) : pathOf(was.parent)
    return folder === null || folder === '' ? was.name : `${folder}/${was.name}`
  }
  return placeOf
}
