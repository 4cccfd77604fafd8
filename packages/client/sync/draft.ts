/**
 * One node of a plan in the making: its three sides, and what they make of it. What the tree as a whole then makes of
 * all drafts together is the plan's.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode, NodeState } from '../ports.ts'
import type { PlanInput, Step } from './plan.ts'
import type { LocalNode } from './scan.ts'

export type Draft = {
  readonly id: NodeId
  base: BaseNode | null
  local: LocalNode | null
  remote: NodeState | null
  merged: NodeState | null
  isHeld: boolean
}

/** Whether it is on this disk now. */
export const isHere = ({ local }: Draft): boolean => local !== null && local.path !== ''

/** What is known of a node before anything is decided. */
export const draftOf = (input: PlanInput, id: NodeId): Draft => {
  const row = input.base(id)
  const localChange = input.local.get(id)
  const remoteChange = input.remote.get(id)
  const local = localChange === undefined ? localOfBase(input, row) : localChange.local
  const remote = remoteChange === undefined ? row : remoteChange.remote
  // What is found at the place of a node that was not on this disk was never compared with it.
  const base = row !== null && row.disk === null && localChange?.local ? null : row
  return { id, base, local, remote, merged: null, isHeld: false }
}

/** An unchanged node is on the disk as the base says. One that is only in the vault counts as unchanged too. */
const localOfBase = (input: PlanInput, base: BaseNode | null): LocalNode | null => {
  if (base === null) return null
  const disk = base.disk ?? { kind: base.kind, size: 0, mode: 0, mtimeNs: 0n, ctimeNs: 0n, device: 0n, inode: 0n }
  return { ...base, path: base.disk === null ? '' : input.pathOf(base), folder: base.parent, disk, isAside: false }
}

/** What a decided draft asks of disk, log and base. */
export const stepOf = (input: PlanInput, draft: Draft): Step => {
  const { id, base, local, remote, merged, isHeld } = draft
  const sides = { id, base, local, remote, merged, absence: null }
  if (isHeld) return { ...sides, toDisk: 'none', toLog: 'none', toBase: 'none' }
  return { ...sides, toDisk: toDisk(input.policy, draft), toLog: toLog(input.policy, draft), toBase: 'put' }
}

const toDisk = (policy: PlanInput['policy'], draft: Draft): Step['toDisk'] => {
  const { base, local, merged } = draft
  const isOnDisk = isHere(draft)
  if (merged === null) return isOnDisk ? 'remove' : 'none'
  // What could not be on this disk is tried again when it changes.
  if (local === null || !isOnDisk)
    return base !== null && base.disk === null && local !== null && policy.isUnchanged(base, merged) ? 'none' : 'create'
  const isUnread = merged.kind === 'file' && merged.content === null
  const isContentSame = isUnread || policy.isSameContent(local, merged)
  const isSame =
    policy.isSamePlace(local, merged) && isContentSame && local.mode === merged.mode && local.mtimeNs === merged.mtimeNs
  return isSame && !local.isAside ? 'none' : 'change'
}

const toLog = (policy: PlanInput['policy'], { remote, merged }: Draft): Step['toLog'] => {
  if (merged === null) return remote === null ? 'none' : 'remove'
  if (remote === null) return 'put'
  return policy.isUnchanged(merged, remote) ? 'none' : 'put'
}
