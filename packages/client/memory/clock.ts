/**
 * A clock that stands still until it is told to go. For tests and the simulator: nobody ever sleeps.
 */
import type { Clock } from '../ports.ts'

export type SteppedClock = Clock & {
  /** Lets so many milliseconds pass. What waits until then resolves in the order of its time. */
  advance(ms: number): void
  /** Milliseconds until the next wait ends, null when nobody waits. */
  nextWaitMs(): number | null
}

type Wait = { dueMs: number; resolve: () => void }

/** Starts at a time of the wall, by default 2026-01-01 00:00 UTC. */
export const steppedClock = (startNs = 1_767_225_600_000_000_000n): SteppedClock => {
  const waits = new Set<Wait>()
  let passedMs = 0

  // Equal times end in the order in which they were begun: a Set keeps it, and `reduce` takes the first of the least.
  const next = (): Wait | null =>
    [...waits].reduce<Wait | null>((least, wait) => (least && least.dueMs <= wait.dueMs ? least : wait), null)

  return {
    nowNs: () => startNs + BigInt(Math.floor(passedMs * 1_000_000)),
    monotonicMs: () => passedMs,

    wait: (ms, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      if (signal?.aborted) {
        reject(signal.reason)
        return promise
      }
      const abort = (): void => {
        waits.delete(wait)
        reject(signal?.reason)
      }
      const wait = {
        dueMs: passedMs + Math.max(0, ms),
        resolve: () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        },
      }
      waits.add(wait)
      signal?.addEventListener('abort', abort, { once: true })
      return promise
    },

    advance(ms) {
      const untilMs = passedMs + ms
      for (let wait = next(); wait && wait.dueMs <= untilMs; wait = next()) {
        passedMs = wait.dueMs
        waits.delete(wait)
        wait.resolve()
      }
      passedMs = untilMs
    },

    nextWaitMs: () => {
      const wait = next()
      return wait ? wait.dueMs - passedMs : null
    },
  }
}
