/**
 * A thread that plays seeds, each twice, and says how they ended. What it plays now stands in memory that the main
 * thread sees, so that a seed without end is found.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { isMutant, mutate } from './mutate.ts'
import type { Order, Result } from './crew.ts'

const { current, mutant } = workerData as { current: Int32Array; mutant: unknown }
if (isMutant(mutant)) mutate(mutant)

// The mutant must be in place before the engine is loaded.
const { historyOf } = await import('./history.ts')
const { play } = await import('./play.ts')

const playTwice = async (seed: number): Promise<string | null> => {
  current[0] = seed
  const history = historyOf(seed)
  const first = await play(history)
  if (first.failure !== null) return first.failure
  const second = await play(history)
  return second.hash === first.hash ? null : 'two runs of the same seed differ'
}

const carryOut = async ({ from, count }: Order): Promise<void> => {
  const result: Result = { seeds: 0, failures: [] }
  for (let seed = from; seed < from + count; seed++) {
    const failure = await playTwice(seed)
    result.seeds += 1
    if (failure === null) continue
    result.failures.push({ seed, failure })
    break
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(result)
}

parentPort?.on('message', (order: Order) => void carryOut(order))
