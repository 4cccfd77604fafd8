/**
 * Which life of the server this device speaks with. A server that was put back from a backup says so by a new incarnation; what
 * it lost comes back by the log, see [Note: a server that went back], and a person hears of it here.
 */
import type { State } from '@anysync/client/ports.ts'
import { nodeClock } from './ports/clock.ts'

const scope = 'server'
const incarnationFact = 'incarnation'
const changedFact = 'incarnation-changed-ns'

/** Remembers the incarnation that the server told; another one than before is remembered as a change. */
export const noteIncarnation = (state: State, incarnation: Uint8Array, nowNs = nodeClock.nowNs()): void => {
  const known = state.fact(scope, incarnationFact)
  if (known === incarnation.toHex()) return
  state.transact(() => {
    state.putFact(scope, incarnationFact, incarnation.toHex())
    if (known !== null) state.putFact(scope, changedFact, nowNs.toString())
  })
}

/** When a change was seen that nobody has acknowledged; null when there is none. */
export const incarnationChangedNs = (state: State): bigint | null => {
  const fact = state.fact(scope, changedFact)
  return fact === null ? null : BigInt(fact)
}

/** A person knows. Returns whether there was a change. */
export const acknowledgeIncarnation = (state: State): boolean => {
  const isOver = incarnationChangedNs(state) !== null
  if (isOver) state.putFact(scope, changedFact, null)
  return isOver
}
