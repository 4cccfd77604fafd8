/**
 * The Clock of Node.
 */
import { setTimeout } from 'node:timers/promises'
import type { Clock } from '@anysync/client/ports.ts'

// A longer timer would fire at once (Node's timers count in 31 bits), so long waits are made of these.
const timerMsMax = 2 ** 31 - 1

export const nodeClock: Clock = {
  nowNs: () => BigInt(Date.now()) * 1_000_000n,
  monotonicMs: () => performance.now(),
  wait: async (ms, signal) => {
    signal?.throwIfAborted()
    try {
      let left = ms
      do {
        await setTimeout(Math.min(left, timerMsMax), undefined, signal ? { signal } : {})
        left -= timerMsMax
      } while (left > 0)
    } catch (error) {
      // The timer rejects with an AbortError of its own; the promise is the signal's reason.
      signal?.throwIfAborted()
      throw error
    }
  },
}
