/**
 * `anysync sync`: one whole turn of every linked folder, or of one; by the daemon, when one runs.
 */
import type { Link, State } from '@anysync/client/ports.ts'
import type { OnProgress, TurnReport } from '@anysync/client/sync/report.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { pickLinks } from '../folders.ts'
import { exitCodes, explain, type ExitCode } from '../output/fail.ts'
import { createOutput, type Output } from '../output/print.ts'
import { createProgress } from '../output/progress.ts'
import { failedTroubles, turnLines, unfinishedLine } from '../output/turn.ts'
import { shown } from '../output/words.ts'
import { vaultName, type CommonOptions } from '../local.ts'
import { openTurns, type Turns } from '../turns.ts'

export type SyncOptions = CommonOptions & { dryRun?: boolean }

export const sync = async (folder: string | undefined, options: SyncOptions): Promise<ExitCode> => {
  const output = createOutput(options)
  await using turns = await openTurns(options)
  const { state } = turns.local
  const endings: ExitCode[] = []
  const documents: object[] = []
  for (const link of pickLinks(state, folder)) {
    // One folder's trouble does not keep the others from their turn.
    try {
      const { ending, document } = await syncLink(turns, link, options, output)
      endings.push(ending)
      documents.push(document)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      const { lines, exitCode } = explain(error)
      complain(link, lines.join(' '))
      endings.push(exitCode)
      documents.push({ ...headOf(state, link), error: { kind: error.kind, message: error.message } })
    }
  }
  output.tell({ folders: documents })
  if (endings.includes(exitCodes.failed)) return exitCodes.failed
  return endings.includes(exitCodes.undecided) ? exitCodes.undecided : exitCodes.done
}

type Outcome = { ending: ExitCode; document: object }

const syncLink = async (turns: Turns, link: Link, options: SyncOptions, output: Output): Promise<Outcome> => {
  using progress = createProgress(options)
  const onProgress: OnProgress = (step) => progress.report(step)
  const { state } = turns.local
  const heading = `${shown(link.root)} — ${shown(vaultName(state, link.vaultId))}`
  if (options.dryRun === true) {
    const plan = await turns.preview(link, onProgress)
    progress[Symbol.dispose]()
    output.say(heading)
    for (const line of plan.lines) output.say(`  ${line}`)
    return { ending: exitCodes.done, document: { ...headOf(state, link), plan: plan.document } }
  }
  const report = await turns.turn(link, onProgress)
  progress[Symbol.dispose]()
  output.say(heading)
  for (const line of turnLines(report)) output.say(`  ${line}`)
  const unfinished = unfinishedLine(report)
  if (unfinished !== null) complain(link, unfinished)
  return { ending: endingOf(report), document: { ...headOf(state, link), ...report } }
}

/** Why this folder is not in step, whatever the options say. */
const complain = (link: Link, line: string): void =>
  void process.stderr.write(`anysync: ${shown(link.root)}: ${line}\n`)

const headOf = (state: State, { root, vaultId }: Link) => ({
  folder: root,
  vaultId,
  vault: vaultName(state, vaultId),
})

const endingOf = (report: TurnReport): ExitCode => {
  if (report.waiting !== null) return exitCodes.undecided
  return failedTroubles(report).length > 0 ? exitCodes.failed : exitCodes.done
}
