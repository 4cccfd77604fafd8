/**
 * Sweeps once a day while the server runs. The first sweep comes an hour after the start, so that a server which was put
 * back to an older copy can be looked at first.
 */
import type { Log } from './log.ts'
import type { Sweep } from './sweep.ts'

const firstMs = 3_600_000
const everyMs = 24 * 3_600_000

export const sweepDaily = (sweep: Sweep, log: Log): AsyncDisposable => {
  let running: Promise<void> = Promise.resolve()
  const run = async (): Promise<void> => {
    try {
      log.info(await sweep(), 'swept')
    } catch (err) {
      log.error({ err }, 'the sweep failed; it is tried again tomorrow')
    }
    timer = later(everyMs)
  }
  const later = (ms: number): NodeJS.Timeout => setTimeout(() => void (running = run()), ms).unref()
  let timer = later(firstMs)
  return {
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      await running
      clearTimeout(timer)
    },
  }
}
