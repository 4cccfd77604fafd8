/**
 * Long work as a person watches it, on standard error: one live line on a terminal, a plain line every few seconds
 * elsewhere. It is driven by the work's own reports and needs no timer.
 */
import type { ProgressOf } from '@anysync/client/progress.ts'
import { meterFor, type Meter } from './meter.ts'
import { counted, formatBytes, formatCount, formatSeconds } from './words.ts'
import type { Writer } from './print.ts'

export type Step = ProgressOf<string>

export type ProgressLine = Disposable & {
  report(step: Step): void
}

export type ProgressOptions = {
  json?: boolean
  quiet?: boolean
  out?: Writer
  /** Whether lines can be rewritten in place. */
  isLive?: boolean
  nowMs?: () => number
}

const liveMs = 100
const plainMs = 5000
/** Disposing it wipes the live line. Silent with --quiet and --json. */
export const createProgress = (options: ProgressOptions = {}): ProgressLine => {
  const out = options.out ?? process.stderr
  const isLive = options.isLive ?? process.stderr.isTTY
  const nowMs = options.nowMs ?? (() => performance.now())
  const isSilent = options.quiet === true || options.json === true
  let lastMs = nowMs()
  let isShown = false
  let meter: Meter | null = null

  return {
    report: (step) => {
      if (isSilent) return
      const now = nowMs()
      meter = meterFor(meter, step, now)
      if (now - lastMs < (isLive ? liveMs : plainMs)) return
      meter.measure(step.bytes, now)
      lastMs = now
      const line = progressLine(step, meter.bytesPerSecond)
      out.write(isLive ? `\r\u001b[2K${line.slice(0, columns() - 1)}` : `${line}\n`)
      isShown = isLive
    },
    [Symbol.dispose]: () => {
      if (isShown) out.write('\r\u001b[2K')
      isShown = false
    },
  }
}

const columns = (): number => process.stderr.columns || 80

/** 'push: 1 of 4 files, 20 MiB of 40 MiB, 1.0 MiB/s, 20 s left' */
export const progressLine = ({ phase, files, filesTotal, bytes, bytesTotal }: Step, bytesPerSecond: number): string => {
  const parts: string[] = []
  if (filesTotal > 0) parts.push(`${formatCount(files)} of ${counted(filesTotal, 'file')}`)
  else if (files > 0) parts.push(counted(files, 'file'))
  if (bytesTotal > 0) parts.push(`${formatBytes(bytes)} of ${formatBytes(bytesTotal)}`)
  else if (bytes > 0) parts.push(formatBytes(bytes))
  if (bytesPerSecond >= 1) {
    parts.push(`${formatBytes(Math.round(bytesPerSecond))}/s`)
    if (bytesTotal > bytes) parts.push(`${formatSeconds((bytesTotal - bytes) / bytesPerSecond)} left`)
  }
  return `${phase}: ${parts.join(', ')}`
}
