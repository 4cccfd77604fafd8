/**
 * One device's daemon as something that is killed, stopped and started again. Reads what it tells: since when it is up,
 * what it complains of, and whether it ended by itself, which it never should.
 */
import type { TestDevice } from '../support/device.ts'
import { described, type Running } from '../support/programs.ts'
import type { Uptime } from './oracle.ts'

const daemonMsMax = 24 * 3600_000
const linesKept = 15
const lineLengthMax = 600

export type Daemon = {
  device: TestDevice
  start(): void
  /** Kills it, stopped or not. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  freeze(): void
  thaw(): void
  isRunning(): boolean
  /** Whatever it, or the server, goes through: what is up is so from its next turn on. */
  interrupted(): void
  uptimes(): Uptime[]
  turns(): number
  /** How often a turn failed, by what was said of it. */
  troubles: () => ReadonlyMap<string, number>
  lastLines(): string[]
  /** What should never have happened. */
  faults(): string[]
}

type Told = { event: 'turn'; waiting: object | null } | { event: 'trouble'; message: string } | { event: 'ready' }

/** `onWaiting`: deletions wait for a person. */
export const createDaemon = (device: TestDevice, onWaiting: () => void): Daemon => {
  let running: Running | null = null
  let isOurDoing = false
  let upSinceMs: number | null = null
  let turns = 0
  const troubles = new Map<string, number>()
  const uptimes: Uptime[] = []
  const lines: string[] = []
  const faults: string[] = []

  const interrupted = () => {
    if (upSinceMs !== null) uptimes.push({ fromMs: upSinceMs, toMs: performance.now() })
    upSinceMs = null
  }

  const take = (line: string): void => {
    lines.push(`${new Date().toISOString()} ${line.slice(0, lineLengthMax)}`)
    if (lines.length > linesKept) lines.shift()
    if (!line.startsWith('{')) return
    const told = JSON.parse(line) as Told
    if (told.event === 'trouble') troubles.set(told.message, (troubles.get(told.message) ?? 0) + 1)
    if (told.event !== 'turn') return
    turns += 1
    if (told.waiting === null) {
      upSinceMs ??= performance.now()
      return
    }
    interrupted()
    onWaiting()
  }

  /** Reads every line once, as it comes, until the program ends. */
  const follow = async (started: Running): Promise<void> => {
    let offset = 0
    const takeNew = (): null => {
      const { stdout } = started.written()
      const end = stdout.lastIndexOf('\n') + 1
      for (const line of stdout.slice(offset, end).split('\n')) if (line !== '') take(line)
      offset = Math.max(offset, end)
      return null
    }
    await started.until(takeNew).catch(() => undefined)
    const ended = await started.result
    takeNew()
    for (const line of ended.stderr.split('\n')) if (line !== '') lines.push(`standard error: ${line}`)
    lines.splice(0, lines.length - linesKept)
    const isClean = ended.signal === 'SIGKILL' || ended.exitCode === 0
    if (!isOurDoing || !isClean) faults.push(`the daemon of the ${device.name} ended by itself: ${described(ended)}`)
    if (/\n\s+at |\bbug\b/.test(ended.stderr)) faults.push(`the ${device.name} tells of a bug: ${described(ended)}`)
  }

  return {
    device,
    start: () => {
      isOurDoing = false
      running = device.start(['start', '--foreground', '--json'], { timeoutMs: daemonMsMax })
      void follow(running)
    },
    kill: async (signal) => {
      interrupted()
      isOurDoing = true
      running?.kill(signal)
      await running?.result
      running = null
    },
    freeze: () => {
      interrupted()
      running?.kill('SIGSTOP')
    },
    thaw: () => running?.kill('SIGCONT'),
    isRunning: () => running !== null,
    interrupted,
    uptimes: () => (upSinceMs === null ? uptimes : [...uptimes, { fromMs: upSinceMs, toMs: performance.now() }]),
    turns: () => turns,
    troubles: () => troubles,
    lastLines: () => lines.slice(),
    faults: () => faults,
  }
}
