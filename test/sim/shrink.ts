/**
 * Makes a failing history short: leaves out steps, acts, faults and devices as long as it still fails in the same way.
 * Delta debugging (Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing Input"), greedy.
 */
import type { History, Step } from './history.ts'
import { play } from './play.ts'

/** What two failures have in common when only names and numbers differ. */
export const kindOfFailure = (failure: string): string => failure.replace(/'[^']*'|\d+|[0-9a-f]{8,}/g, '…')

/** The shortest history that is found in so many plays, and its failure. */
export const shrink = async (history: History, failure: string, playsMax = 2000): Promise<History> => {
  const kind = kindOfFailure(failure)
  let plays = 0
  let shortest = history
  for (let isShorter = true; isShorter;) {
    isShorter = false
    for (const candidate of shorterOnes(shortest)) {
      if ((plays += 1) > playsMax) return shortest
      const outcome = await play(candidate)
      if (outcome.failure === null || kindOfFailure(outcome.failure) !== kind) continue
      shortest = candidate
      isShorter = true
      break
    }
  }
  return shortest
}

/** Histories with something left out, the most first. */
function* shorterOnes(history: History): Generator<History> {
  const { steps } = history
  const withSteps = (steps: Step[]): History => ({ ...history, steps })
  for (let size = steps.length >> 1; size >= 1; size >>= 1)
    for (let start = 0; start < steps.length; start += size)
      yield withSteps([...steps.slice(0, start), ...steps.slice(start + size)])
  for (const [index, step] of steps.entries())
    for (const simpler of simplerSteps(step)) yield withSteps(steps.with(index, simpler))
  if (history.refusing !== null) yield { ...history, refusing: null }
  if (history.folding !== null) yield { ...history, folding: null }
  if (history.devices > 2) yield { ...history, devices: history.devices - 1 }
  if (history.tree > 0) yield { ...history, tree: history.tree - 1 }
}

function* simplerSteps(step: Step): Generator<Step> {
  if (step.kind === 'acts' && step.acts.length > 1)
    for (const index of step.acts.keys()) yield { ...step, acts: step.acts.toSpliced(index, 1) }
  if (step.kind !== 'turns') return
  for (const index of step.meanwhile.keys()) yield { ...step, meanwhile: step.meanwhile.toSpliced(index, 1) }
  if (step.turns.length > 1)
    for (const index of step.turns.keys()) yield { ...step, turns: step.turns.toSpliced(index, 1) }
  for (const [index, { device, fault }] of step.turns.entries()) {
    if (fault === null) continue
    yield { ...step, turns: step.turns.with(index, { device, fault: null }) }
    if (fault.kind === 'crash' && fault.isPowerCut)
      yield { ...step, turns: step.turns.with(index, { device, fault: { ...fault, isPowerCut: false } }) }
  }
  if (step.parkOneIn > 0) yield { ...step, parkOneIn: 0 }
}
