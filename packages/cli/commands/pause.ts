/**
 * `anysync pause`: until told otherwise the daemon takes no turns.
 */
import { askRunningDaemon } from '../daemon/ask.ts'
import { createOutput } from '../output/print.ts'
import { signedIn, type CommonOptions } from '../local.ts'

export const pause = async (options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  await askRunningDaemon(signedIn(options).account, { ask: 'pause' })
  output.tell({ isPaused: true })
  output.say('paused: nothing is synced until `anysync resume`')
}
