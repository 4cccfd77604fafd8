/**
 * `anysync sync`: one whole turn of every linked folder, or of one.
 */
import type { Link } from '@anysync/client/ports.ts'
import type { TurnReport } from '@anysync/client/sync/report.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { openLinkEngine } from '../engines.ts'
import { pickLinks } from '../folders.ts'
import { exitCodes, explain, type ExitCode } from '../output/fail.ts'
import { createOutput, type Output } from '../output/print.ts'
import { planDocument, planLines } from '../output/plan.ts'
import { createProgress } from '../output/progress.ts'
import { failedTroubles, turnLines, unfinishedLine } from '../output/turn.ts'
import { shown } from '../output/words.ts'
import { openSession, vaultName, type CommonOptions, type Session } from '../session.ts'

export type SyncOptions = CommonOptions & { dryRun?: boolean }

export const sync = async (folder: string | undefined, options: SyncOptions): Promise<ExitCode> => {
  const output = createOutput(options)
  await using session = await openSession(options, true)
  const endings: ExitCode[] = []
  const documents: object[] = []
  for (const link of pickLinks(session.state, folder)) {
    // One folder's trouble does not keep the others from their turn.
    try {
      const { ending, document } = await syncLink(session, link, options, output)
      endings.push(ending)
      documents.push(document)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      const { lines, exitCode } = explain(error)
      complain(link, lines.join(' '))
      endings.push(exitCode)
      documents.push({ ...headOf(session, link), error: { kind: error.kind, message: error.message } })
    }
  }
  output.tell({ folders: documents })
  if (endings.includes(exitCodes.failed)) return exitCodes.failed
  return endings.includes(exitCodes.undecided) ? exitCodes.undecided : exitCodes.done
}

type Outcome = { ending: ExitCode; document: object }

const syncLink = async (session: Session, link: Link, options: SyncOptions, output: Output): Promise<Outcome> => {
  using progress = createProgress(options)
  const { engine } = await openLinkEngine(session, link, (step) => progress.report(step))
  const heading = `${shown(link.root)} — ${shown(vaultName(session.state, link.vaultId))}`
  if (options.dryRun === true) {
    const plan = await engine.preview()
    progress[Symbol.dispose]()
    output.say(heading)
    for (const line of planLines(plan)) output.say(`  ${line}`)
    return { ending: exitCodes.done, document: { ...headOf(session, link), plan: planDocument(plan) } }
  }
  const report = await engine.turn()
  progress[Symbol.dispose]()
  output.say(heading)
  for (const line of turnLines(report)) output.say(`  ${line}`)
  const unfinished = unfinishedLine(report)
  if (unfinished !== null) complain(link, unfinished)
  return { ending: endingOf(report), document: { ...headOf(session, link), ...report } }
}

/** Why this folder is not in step, whatever the options say. */
const complain = (link: Link, line: string): void =>
  void process.stderr.write(`anysync: ${shown(link.root)}: ${line}\n`)

const headOf = ({ state }: Session, { root, vaultId }: Link) => ({
  folder: root,
  vaultId,
  vault: vaultName(state, vaultId),
})

const endingOf = (report: TurnReport): ExitCode => {
  if (report.waiting !== null) return exitCodes.undecided
  return failedTroubles(report).length > 0 ? exitCodes.failed : exitCodes.done
}
