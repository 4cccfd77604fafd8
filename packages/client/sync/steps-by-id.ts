/**
 * Steps of a plan by their nodes. Laid out only when one is asked for: in most rounds nothing is in anybody's way, and
 * there are thousands of steps.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import type { Step } from './plan.ts'

export type StepsById = (id: NodeId) => Step | undefined

export const stepsById = (steps: readonly Step[]): StepsById => {
  let byId: Map<NodeId, Step> | null = null
  return (id) => (byId ??= new Map(steps.map((step) => [step.id, step]))).get(id)
}
