/**
 * `anysync stop`: ends the daemon, and waits until it has ended.
 */
import { askDaemon } from '../daemon/ask.ts'
import { createOutput } from '../output/print.ts'
import { nodeClock } from '../ports/clock.ts'
import { signedIn, type CommonOptions } from '../local.ts'

/** Stopping what does not run is done already. */
export const stop = async (options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  const { account } = signedIn(options)
  const stopped = await askDaemon(account, { ask: 'stop' }, { isUntilEnd: true })
  if (stopped !== null) await untilGone(stopped.pid)
  output.tell({ stopped: stopped !== null })
  output.say(stopped === null ? 'it was not running' : 'stopped')
}

const lookMsEvery = 20
const looksMax = 250

/** It has let go of everything already; this is for the last moments of the process. */
const untilGone = async (pid: number): Promise<void> => {
  for (let looks = 0; looks < looksMax && isAlive(pid); looks++) await nodeClock.wait(lookMsEvery)
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}
