/**
 * What the rules of this device make of a plan. Pure. What is left out here is not touched here: what the head does to it
 * happens in the vault alone, and from then on it is not kept on this disk. What is only in the vault and would be left
 * out is not brought. A file that moves to a name that is left out moves all the same: it was synced until then.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import type { Absence, BaseNode } from '../ports.ts'
import type { Step } from './plan.ts'
import type { Rules } from './rules.ts'

export type RuledParts = {
  root: NodeId
  base: (id: NodeId) => BaseNode | null
  rules: Rules
  /** Nodes of the base that the scan met and left out. */
  leftOut: ReadonlySet<NodeId>
  nowNs: bigint
}

/** The steps, in the same order, so that nothing touches what is left out here. */
export const sparingLeftOut = (steps: Step[], { rules, leftOut, nowNs }: RuledParts): Step[] =>
  steps.map((step) => {
    const { id, local, merged, toDisk } = step
    if (toDisk === 'none' || local === null || local.path === '') return step
    const refusal = rules.refuse(local.path, local.kind, null, nowNs)
    if (refusal === null && !leftOut.has(id)) return step
    // Under another name it may come again; what lies here stays, and is nobody's.
    if (merged !== null && (merged.parent !== local.folder || merged.name !== local.name))
      return { ...step, local: null, toDisk: 'create' }
    const message = refusal?.message ?? 'a setting of this device leaves it out as it is now'
    return { ...step, toDisk: 'none', absence: merged === null ? null : { kind: 'rules', message } }
  })

/**
 * Folders that were left out where they lay and shall be made anew under another name, where they are not left out: nothing
 * of what is in them is there.
 */
export const leftBehind = (steps: Step[], { leftOut }: Pick<RuledParts, 'leftOut'>): NodeId[] =>
  steps
    .filter(({ id, local, merged, toDisk }) => {
      const isMade = toDisk === 'create' && local === null && merged?.kind === 'folder'
      return isMade && leftOut.has(id)
    })
    .map(({ id }) => id)

/**
 * Why nothing can come into a folder: something that is not synced, and that no rule names, has taken its name on this disk.
 * Null when it can.
 */
export const createFolderJudge = (steps: Step[], parts: RuledParts) => {
  const madeAnew = new Set(leftBehind(steps, parts))
  const pathOf = createPathOf(steps, parts)
  return (folder: NodeId): Absence | null => {
    if (!parts.leftOut.has(folder) || madeAnew.has(folder)) return null
    return parts.rules.refuse(pathOf(folder), 'folder', null, parts.nowNs) === null ? hiddenAbsence : null
  }
}

const hiddenAbsence: Absence = {
  kind: 'rules',
  message: 'what is not synced has the name of the folder that it lies in',
}

/** Why the rules do not let a node come to where it shall be; null when they do. Its age does not count: it is in the vault. */
export const createPlaceJudge = (steps: Step[], parts: RuledParts) => {
  const pathOf = createPathOf(steps, parts)
  return ({ id, merged }: Step): Absence | null => {
    if (merged === null) return null
    const refusal = parts.rules.refuse(pathOf(id), merged.kind, merged, parts.nowNs)
    const isOfPlace = refusal !== null && (refusal.kind === 'excluded' || refusal.kind === 'too-large')
    return isOfPlace ? { kind: 'rules', message: refusal.message } : null
  }
}

/** Where nodes shall lie. */
const createPathOf = (steps: Step[], { root, base }: RuledParts) => {
  const stepsById = new Map(steps.map((step) => [step.id, step]))
  return function pathOf(id: NodeId): string {
    const node = stepsById.get(id)?.merged ?? base(id)
    if (id === root || node === null) return ''
    const folder = pathOf(node.parent)
    return folder === '' ? node.name : `${folder}/${node.name}`
  }
}
