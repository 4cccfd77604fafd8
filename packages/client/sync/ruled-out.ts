/**
 * What the rules of this device make of a plan. Pure. What is left out here is not touched here: what the head does to it
 * happens in the vault alone, and from then on it is not kept on this disk. What is only in the vault and would be left
 * out is not brought. A file that moves to a name that is left out moves all the same: it was synced until then.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import { joinPath } from '../path.ts'
import type { Absence, BaseNode } from '../ports.ts'
import type { Step } from './plan.ts'
import type { Refusal, Rules } from './rules.ts'
import { stepsById } from './steps-by-id.ts'

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

/** Why something cannot come to its place on this disk; null when it can. */
export type PlaceJudges = {
  /**
   * Of whatever shall lie in this folder: something that is not synced, and that no rule names, has taken the folder's
   * name on this disk.
   */
  refuseFolder: (folder: NodeId) => Absence | null
  /** Of this step: the rules. Its age does not count: it is in the vault. */
  refusePlace: (step: Step) => Absence | null
}

export const createPlaceJudges = (steps: Step[], parts: RuledParts): PlaceJudges => {
  const { root, base, rules, leftOut, nowNs } = parts
  const stepById = stepsById(steps)
  const madeAnew = new Set(leftBehind(steps, parts))
  const folderPaths = new Map<NodeId, string>()
  const pathOf = (id: NodeId): string => {
    const node = id === root ? null : (stepById(id)?.merged ?? base(id))
    return node === null ? '' : joinPath(pathOfFolder(node.parent), node.name)
  }
  const pathOfFolder = (id: NodeId): string => {
    const path = folderPaths.get(id) ?? pathOf(id)
    folderPaths.set(id, path)
    return path
  }
  return {
    refuseFolder: (folder) => {
      if (!leftOut.has(folder) || madeAnew.has(folder)) return null
      return rules.refuse(pathOf(folder), 'folder', null, nowNs) === null ? hiddenAbsence : null
    },
    refusePlace: ({ id, merged }) => {
      if (merged === null) return null
      const refusal = rules.refuse(pathOf(id), merged.kind, merged, nowNs)
      return isOfPlace(refusal) ? { kind: 'rules', message: refusal.message } : null
    },
  }
}

/** Whether a refusal speaks of what is in the vault as much as of what is here. */
export const isOfPlace = (refusal: Refusal | null): refusal is Refusal =>
  refusal !== null && (refusal.kind === 'excluded' || refusal.kind === 'too-large')

const hiddenAbsence: Absence = {
  kind: 'rules',
  message: 'what is not synced has the name of the folder that it lies in',
}
