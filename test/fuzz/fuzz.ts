/**
 * Gives parsers what nobody would write. From a seed, so that what was found is found again.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { diceOf } from '../sim/dice.ts'
import { mutateBytes } from './mutate-bytes.ts'
import type { Target } from './target.ts'

export type Outcome = {
  refused: number
  accepted: number
  /** What must not be, with the bytes that did it. */
  failure: { why: string; hex: string } | null
}

/** No input of these sizes takes a parser so long, whatever else the computer does. */
const msMax = 5000

/** Inputs made from the target's valid ones, which must be accepted themselves. Stops at the first failure. */
export const fuzz = async (target: Target, count: number, seed: number): Promise<Outcome> => {
  const { name, valid, read, isAuthenticated } = target
  const outcome: Outcome = { refused: 0, accepted: 0, failure: null }
  const dice = diceOf(seed)
  const own = valid[0] ?? new Uint8Array()
  await read(own)
  for (let i = 0; i < count; i++) {
    const from = dice.pick(valid)
    const bytes = mutateBytes(dice, from, dice.pick(valid))
    const isAltered = valid.every((one) => Buffer.compare(one, bytes) !== 0)
    const startedMs = performance.now()
    let why: string | null = null
    try {
      const written = await read(bytes)
      outcome.accepted += 1
      if (isAuthenticated && isAltered) why = 'altered bytes were accepted'
      if (written !== null && Buffer.compare(written, bytes) !== 0) why = 'what was read has another form'
    } catch (error) {
      outcome.refused += 1
      if (!(error instanceof SyncError)) why = `it threw ${String(error)}`
    }
    if (performance.now() - startedMs > msMax) why = `it took ${Math.round(performance.now() - startedMs)} ms`
    if (why !== null) return { ...outcome, failure: { why: `${name}: ${why}`, hex: bytes.toHex() } }
  }
  return outcome
}
