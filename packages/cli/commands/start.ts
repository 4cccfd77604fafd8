/**
 * `anysync start`: a daemon that keeps every linked folder in step until it is told to stop; in the background, or with
 * --foreground in this terminal.
 */
import { isTrouble } from '@anysync/protocol/errors.ts'
import { askDaemon } from '../daemon/ask.ts'
import { launchDaemon } from '../daemon/launch.ts'
import { screenVoice } from '../daemon/voice.ts'
import type { DaemonStatus } from '../daemon/wire.ts'
import type { AccountHome } from '../homes.ts'
import { createOutput, type Output } from '../output/print.ts'
import { counted } from '../output/words.ts'
import { nodeClock } from '../ports/clock.ts'
import { homeOf, signedIn, type CommonOptions } from '../local.ts'

export type StartOptions = CommonOptions & { foreground?: boolean }

export const start = async (options: StartOptions): Promise<void> => {
  const output = createOutput(options)
  const { account, keys } = signedIn(options)
  const running = await askDaemon(account, { ask: 'status' })
  if (running !== null) {
    tellRunning(running, output)
    return
  }
  try {
    if (options.foreground === true) {
      // Who starts it in the background needs none of what it is made of.
      const { runDaemon } = await import('../daemon/run.ts')
      using voice = screenVoice(options)
      await runDaemon(options, voice)
      return
    }
    const { pid, folders, log } = await launchDaemon(homeOf(options), keys.email, account)
    output.tell({ event: 'started', pid, folders, log })
    output.say(`started, process ${pid}: following ${counted(folders, 'folder')}; \`anysync status\` says how they are`)
    if (folders === 0) output.note('no folder is linked yet: link one with `anysync add FOLDER --vault NAME`')
  } catch (error) {
    // Two may have been started at the same moment: then one of them runs.
    const other = isTrouble(error, 'unavailable') && error.operation === 'home' ? await soonRunning(account) : null
    if (other === null) throw error
    tellRunning(other, output)
  }
}

const tellRunning = ({ pid, folders }: DaemonStatus, output: Output): void => {
  output.tell({ event: 'running', pid, folders: folders.length })
  output.say(`anysync runs already, process ${pid}: following ${counted(folders.length, 'folder')}`)
}

const lookMsEvery = 100
const looksMax = 20

/** The daemon that has the account, as soon as it answers; null when it is another command that has it. */
const soonRunning = async (account: AccountHome): Promise<DaemonStatus | null> => {
  for (let looks = 0; looks < looksMax; looks++) {
    const running = await askDaemon(account, { ask: 'status' })
    if (running !== null) return running
    await nodeClock.wait(lookMsEvery)
  }
  return null
}
