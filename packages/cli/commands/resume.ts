/**
 * `anysync resume`: the daemon goes on after a pause.
 */
import { askRunningDaemon } from '../daemon/ask.ts'
import { createOutput } from '../output/print.ts'
import { signedIn, type CommonOptions } from '../local.ts'

export const resume = async (options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  await askRunningDaemon(signedIn(options).account, { ask: 'resume' })
  output.tell({ isPaused: false })
  output.say('resumed')
}
