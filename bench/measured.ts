/**
 * A program run to its end, and what that took.
 */
import type { Running } from '../test/support/programs.ts'
import { watchCost, type Cost } from './process-cost.ts'

export type Measured = Cost & { ms: number }

export const measured = async (running: Running): Promise<Measured> => {
  using watch = watchCost(running.pid)
  const { ms } = await running.result
  return { ...watch.last(), ms }
}

/** For a line that says how it goes. */
export const costSeconds = ({ ms, cpuMs, rssPeakBytes }: Measured): string =>
  `${(ms / 1000).toFixed(1)} s, ${(cpuMs / 1000).toFixed(1)} s of CPU, ${Math.round(rssPeakBytes / 1e6)} MB at most`
