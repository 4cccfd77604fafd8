/**
 * What a turn would do, for people and for programs.
 */
import type { Plan, Step } from '@anysync/client/sync/plan.ts'
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { counted, shown } from './words.ts'

const namedMax = 100

type Deed = { does: string; path: string }

/** Each node that would change, here or in the vault, by the path that it has or shall have. */
export const planDocument = ({ steps, conflicts }: Plan): { steps: Deed[]; conflicts: number } => {
  const byId = new Map(steps.map((step) => [step.id, step]))
  return { steps: steps.flatMap((step) => deedsOf(step, byId)), conflicts: conflicts.length }
}

export const planLines = (plan: Plan): string[] => {
  const { steps, conflicts } = planDocument(plan)
  if (steps.length === 0) return ['nothing to do']
  const lines = steps.slice(0, namedMax).map(({ does, path }) => `would ${does} ${shown(path)}`)
  if (steps.length > namedMax) lines.push(`and ${counted(steps.length - namedMax, 'step')} more`)
  if (conflicts > 0) lines.push(`${counted(conflicts, 'edit')} on both sides: both versions would be kept`)
  return lines
}

const deedsOf = (step: Step, byId: ReadonlyMap<NodeId, Step>): Deed[] => {
  const path = pathOf(step, byId)
  const deeds: Deed[] = []
  if (step.toDisk !== 'none') deeds.push({ does: diskVerbs[step.toDisk], path })
  if (step.toLog !== 'none') deeds.push({ does: logVerbs[step.toLog], path })
  return deeds
}

const diskVerbs = { create: 'pull', change: 'pull', remove: 'remove here' } as const
const logVerbs = { put: 'push', remove: 'remove from the vault' } as const

/** As far up as the plan knows: a folder that does not change is not in it, and the path begins below that. */
const pathOf = (step: Step, byId: ReadonlyMap<NodeId, Step>): string => {
  if (step.local !== null && step.toDisk !== 'create') return step.local.path
  const state = step.merged ?? step.remote ?? step.base
  if (state === null) return ''
  const parent = byId.get(state.parent)
  if (parent === undefined || state.parent === rootNodeId) return state.name
  return `${pathOf(parent, byId)}/${state.name}`
}
