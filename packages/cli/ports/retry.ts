/**
 * Trying again: the one place where it happens. Only what is `unavailable`, only calls that may be repeated, only so
 * often, and after waits that grow and differ, so that many devices do not come back all at once.
 */
import { setTimeout } from 'node:timers/promises'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { retriesMax, retryDelayMsMax, retryDelayMsMin } from '@anysync/protocol/limits.ts'

/** Resolves when it is time to try again; rejects when the signal says that nobody wants it any more. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>

export const sleep: Pause = (ms, signal) => setTimeout(ms, undefined, { signal })

/** How long one is patient: until `closed` is aborted, and how the waits pass. */
export type Patience = { readonly closed: AbortSignal; readonly pause: Pause }

/** The wait before attempt number `attempt` (1: the first repetition): doubling, and between half and all of that. */
export const retryDelayMs = (attempt: number, random: number): number =>
  Math.min(retryDelayMsMin * 2 ** (attempt - 1), retryDelayMsMax) * (0.5 + random / 2)

/** Carries out work that may be repeated. Throws what the last attempt threw; once closed, nothing is repeated. */
export const retry = async <Result>(patience: Patience, work: () => Promise<Result>): Promise<Result> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(await mayRetry(patience, error, attempt))) throw error
    }
  }
}

/**
 * A stream that is taken up again where it broke: `open(count)` goes on after the first `count` items. Each item that
 * arrives makes the patience whole again.
 */
export async function* retryStream<Item>(
  patience: Patience,
  open: (count: number) => AsyncIterable<Item>,
): AsyncGenerator<Item, void, undefined> {
  let count = 0
  let failures = 0
  for (;;) {
    try {
      for await (const item of open(count)) {
        count++
        failures = 0
        yield item
      }
      return
    } catch (error) {
      failures++
      if (!(await mayRetry(patience, error, failures))) throw error
    }
  }
}

const mayRetry = async ({ closed, pause }: Patience, error: unknown, attempt: number): Promise<boolean> => {
  if (!isTrouble(error, 'unavailable') || attempt > retriesMax || closed.aborted) return false
  try {
    await pause(retryDelayMs(attempt, Math.random()), closed)
    return true
  } catch {
    // Closed while waiting: the error that made us wait is the answer.
    return false
  }
}
