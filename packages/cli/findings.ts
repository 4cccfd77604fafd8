/**
 * What is right and what is wrong, as facts become findings. Pure.
 */
import type { LogHead } from '@anysync/client/ports.ts'
import { counted, formatSeconds } from './output/words.ts'

/** `advice`: what to do, where the message does not say it. */
export type Finding = { what: string; isWell: boolean; message: string; advice: string | null }

export const wellFinding = (what: string, message: string): Finding => ({ what, isWell: true, message, advice: null })

export const wrongFinding = (what: string, message: string, advice: string | null = null): Finding => ({
  what,
  isWell: false,
  message,
  advice,
})

/** What this device has seen of a log against what the server shows. */
export const headFinding = (what: string, seen: LogHead | null, shown: LogHead | null): Finding => {
  const seenAt = seen?.sequence ?? 0
  const shownAt = shown?.sequence ?? 0
  const well = (message: string): Finding => wellFinding(what, message)
  const wrong = (message: string): Finding => wrongFinding(what, message, otherLogAdvice)
  if (shownAt < seenAt)
    return wrong(`the server shows record ${shownAt} as the newest, and this device has seen ${seenAt}`)
  if (shownAt > seenAt)
    return well(
      `at record ${seenAt}; the server has ${counted(shownAt - seenAt, 'newer record')}, which the next turn takes over`,
    )
  if (shown?.hash !== seen?.hash) return wrong(`the server shows another record ${seenAt} than this device has seen`)
  return well(seenAt === 0 ? 'empty' : `at record ${seenAt}, like the server`)
}

const otherLogAdvice =
  'ask who runs the server what happened to its data; the next turn goes back with it, deletes nothing, and uploads what it lost'

export type ClockSight = {
  /** This computer's clock before the server was asked and when it had answered. */
  beforeNs: bigint
  afterNs: bigint
  /** Null from a server that does not say. */
  serverNs: bigint | null
  skewMsMax: number
}

/** The server read its clock at some moment between the two: only what lies outside of them is a difference. */
export const clockFinding = ({ beforeNs, afterNs, serverNs, skewMsMax }: ClockSight): Finding => {
  const what = 'clock'
  if (serverNs === null) return wellFinding(what, 'the server does not tell its time')
  const aheadNs = serverNs > afterNs ? serverNs - afterNs : serverNs < beforeNs ? serverNs - beforeNs : 0n
  const seconds = Math.abs(Number(aheadNs)) / 1e9
  const isWell = seconds * 1000 <= skewMsMax
  if (seconds < 1) return { what, isWell, message: "the same time as the server's, to the second", advice: null }
  const side = aheadNs > 0n ? 'behind' : 'ahead of'
  const message = `${formatSeconds(seconds)} ${side} the server's`
  const advice = 'set the clock that is wrong: times of snapshots and names of conflict copies come from it'
  return isWell ? wellFinding(what, message) : wrongFinding(what, message, advice)
}
