/**
 * What a running process has cost so far, as Linux tells it. Elsewhere nothing is known, and that is said.
 */
import { readFileSync } from 'node:fs'

export type Cost = {
  /** User and system time. */
  cpuMs: number
  /** The most memory that it ever had at once. */
  rssPeakBytes: number
}

/** Linux counts time in hundredths of a second for programs that ask, whatever it does inside. */
const tickMs = 10

/** Null when the process has ended, or the system does not tell. */
export const costOf = (pid: number): Cost | null => {
  try {
    // The name in brackets may hold spaces; what follows the last bracket are numbers.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
    if (kilobytes === undefined) return null
    return { cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs, rssPeakBytes: Number(kilobytes) * 1024 }
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null
    throw error
  }
}

const lookMs = 50

/** The last that could be seen of a process before it ended. */
export const watchCost = (pid: number): Disposable & { last(): Cost } => {
  let last: Cost = { cpuMs: 0, rssPeakBytes: 0 }
  const look = () => {
    last = costOf(pid) ?? last
  }
  const timer = setInterval(look, lookMs)
  return {
    last: () => {
      look()
      return last
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
