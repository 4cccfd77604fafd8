/**
 * `anysync doctor`: looks at what a person cannot, and says of each thing whether it is right and what to do.
 */
import {
  examineDaemon,
  examineFiles,
  examineFolders,
  examineProofs,
  examineServer,
  failed,
  stateFinding,
} from '../examine.ts'
import type { Finding } from '../findings.ts'
import { exitCodes, UsageError, type ExitCode } from '../output/fail.ts'
import { createOutput, table, type Output } from '../output/print.ts'
import { counted } from '../output/words.ts'
import { examineState } from '../ports/state-health.ts'
import { openLocal, signedIn, type CommonOptions } from '../local.ts'
import type { SignedIn } from '../homes.ts'

export const doctor = async (folders: string[], options: CommonOptions): Promise<ExitCode> => {
  if (folders.length > 0) throw new UsageError('folders go with --rebuild: without it every linked folder is looked at')
  const output = createOutput(options)
  return tell(output, await findingsOf(options))
}

const findingsOf = async (options: CommonOptions): Promise<Finding[]> => {
  let who: SignedIn
  try {
    who = signedIn(options)
  } catch (error) {
    return [failed('account', error)]
  }
  const { account } = who
  const health = examineState(account.stateFile)
  const files = [...(await examineFiles(who)), stateFinding(health, account.stateFile)]
  const daemon = await examineDaemon(who)
  if (health.found !== 'well') return [...files, daemon, ...(await examineServer(who, null))]
  await using local = await openLocal(options, false)
  const { state } = local
  const folders = await examineFolders(state)
  return [...files, ...folders, daemon, ...(await examineServer(who, state)), ...examineProofs(state)]
}

const tell = (output: Output, findings: Finding[]): ExitCode => {
  const wrong = findings.filter(({ isWell }) => !isWell)
  output.tell({ isWell: wrong.length === 0, findings })
  const rows = findings.map(({ what, isWell, message, advice }) => [
    isWell ? 'right' : 'WRONG',
    what,
    advice === null ? message : `${message}: ${advice}`,
  ])
  for (const line of table(rows)) output.say(line)
  output.say(wrong.length === 0 ? 'all is well' : `${counted(wrong.length, 'thing')} to see to`)
  return wrong.length === 0 ? exitCodes.done : exitCodes.failed
}
