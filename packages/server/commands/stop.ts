/**
 * `anysync-server stop`: asks the running server to finish, and waits until it has.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { drainMsMax } from '@anysync/protocol/limits.ts'
import { hasHome } from '../create-home.ts'
import { isRunning, readRunInfo } from '../run-lock.ts'
import { homeOf, tell, type CommonOptions } from './options.ts'

const lookMsEvery = 50
const patienceMs = drainMsMax + 10_000

/** Stopping what does not run is done already. */
export const stop = async (options: CommonOptions): Promise<void> => {
  const home = homeOf(options)
  demand(hasHome(home), 'server.stop', 'missing', `there is no server at ${home.root}: name another with --home`)
  if (!isRunning(home)) {
    tell(options, { stopped: false }, ['it was not running'])
    return
  }
  const run = readRunInfo(home)
  demand(run !== null, 'server.stop', 'unavailable', 'the server is just starting: try again in a moment')
  askToStop(run.pid)
  for (let waitedMs = 0; isRunning(home); waitedMs += lookMsEvery) {
    demand(
      waitedMs < patienceMs,
      'server.stop',
      'unavailable',
      `the server, process ${run.pid}, does not stop: end it by hand`,
    )
    await wait(lookMsEvery)
  }
  tell(options, { stopped: true }, ['stopped'])
}

const askToStop = (pid: number): void => {
  try {
    process.kill(pid, 'SIGTERM')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (code === 'ESRCH') return // It has just stopped by itself.
    if (code !== 'EPERM') throw cause
    const sentence = `the server, process ${pid}, is another user's: stop it as that user`
    throw new SyncError('server.stop', 'unavailable', sentence, cause)
  }
}
