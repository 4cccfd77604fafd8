/**
 * Plays many seeds on all cores: threads that take small orders, and an eye on those that never come back.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Mutant } from './mutate.ts'

/** Seeds to play, in order. */
export type Order = { from: number; count: number }

/** How they ended. The first failure ends an order. */
export type Result = { seeds: number; failures: Failure[] }

export type Failure = { seed: number; failure: string }

const orderSeeds = 25
const seedMsMax = 60_000

export type CampaignOptions = {
  from: number
  count: number
  mutant?: Mutant
  threads?: number
  onProgress?: (seedsDone: number) => void
}

/** Plays seeds until one fails or all have passed. The failure with the least seed, null when all passed. */
export const playMany = async (options: CampaignOptions): Promise<{ seeds: number; failure: Failure | null }> => {
  const { from, count, mutant, onProgress } = options
  const failures: Failure[] = []
  let next = from
  let seeds = 0

  const hire = async (): Promise<void> => {
    const current = new Int32Array(new SharedArrayBuffer(4))
    const worker = new Worker(new URL('worker.ts', import.meta.url), {
      workerData: { current, mutant },
      // Most of what a history makes is garbage when it ends: a large nursery lets it die there.
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    })
    try {
      while (failures.length === 0 && next < from + count) {
        const order: Order = { from: next, count: Math.min(orderSeeds, from + count - next) }
        next += order.count
        const result = await carryOut(worker, order, current)
        seeds += result.seeds
        failures.push(...result.failures)
        onProgress?.(seeds)
      }
    } finally {
      await worker.terminate()
    }
  }
  await Promise.all(Array.from({ length: options.threads ?? availableParallelism() }, hire))
  failures.sort((a, b) => a.seed - b.seed)
  return { seeds, failure: failures[0] ?? null }
}

const carryOut = (worker: Worker, order: Order, current: Int32Array): Promise<Result> =>
  new Promise((resolve, reject) => {
    let [watched, sinceMs] = [-1, performance.now()]
    const eye = setInterval(() => {
      const [seed = -1] = current
      if (seed !== watched) [watched, sinceMs] = [seed, performance.now()]
      else if (performance.now() - sinceMs > seedMsMax)
        end(() => resolve({ seeds: 0, failures: [{ seed, failure: 'it does not end' }] }))
    }, 1000)
    const end = (how: () => void): void => {
      clearInterval(eye)
      for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event)
      how()
    }
    worker.once('message', (result: Result) => end(() => resolve(result)))
    worker.once('error', (error) => end(() => reject(error)))
    worker.once('exit', (code) => end(() => reject(new Error(`a thread ended with ${code}`))))
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage(order)
  })
