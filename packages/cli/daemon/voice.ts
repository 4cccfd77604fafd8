/**
 * How a daemon tells what it does: on the screen of whoever started it in the foreground, or in its log. The log
 * holds no names and no paths: folders go by the ids of their links.
 */
import { pino, type Logger } from 'pino'
import type { Link } from '@anysync/client/ports.ts'
import type { Progress, TurnReport } from '@anysync/client/sync/report.ts'
import { isTrouble, type SyncError } from '@anysync/protocol/errors.ts'
import { createOutput } from '../output/print.ts'
import { createProgress } from '../output/progress.ts'
import { failedTroubles, turnLines, unfinishedLine } from '../output/turn.ts'
import { counted, isoTime, localTime, shown } from '../output/words.ts'
import { nodeClock } from '../ports/clock.ts'
import type { LogFile } from './log-file.ts'

export type Voice = Disposable & {
  ready(links: Link[]): void
  /** Something about the daemon itself. */
  note(text: string): void
  /** The same, for somebody to see to. */
  alarm(text: string): void
  progress(step: Progress): void
  turn(link: Link, vault: string, report: TurnReport): void
  trouble(link: Link, vault: string, error: SyncError): void
}

export type ScreenOptions = { json?: boolean; quiet?: boolean }

export const screenVoice = (options: ScreenOptions): Voice => {
  const output = createOutput(options)
  const progress = createProgress(options)
  const wipe = (): void => progress[Symbol.dispose]()
  const note = (text: string): void => {
    wipe()
    output.note(text)
  }
  return {
    ready(links) {
      output.tell({ event: 'ready', folders: links.map(({ root }) => root) })
      output.say(`ready: following ${counted(links.length, 'folder')}`)
    },
    note,
    alarm: note,
    progress: (step) => progress.report(step),
    turn(link, vault, report) {
      wipe()
      const timeNs = nodeClock.nowNs()
      output.tell({ event: 'turn', time: isoTime(timeNs), folder: link.root, vault, ...report })
      const unfinished = unfinishedLine(report)
      const lines = [...turnLines(report), ...(unfinished === null ? [] : [unfinished])]
      if (hasNews(report)) output.say(`${localTime(timeNs)} ${shown(link.root)}: ${lines.join('; ')}`)
    },
    trouble(link, vault, error) {
      // A line that was lost is taken up again by itself; what a person must see to is told at once.
      if (isLostLine(error)) return
      wipe()
      output.tell({ event: 'trouble', folder: link.root, vault, kind: error.kind, message: error.message })
      output.note(`${localTime(nodeClock.nowNs())} ${shown(link.root)}: ${shown(error.message)}`)
    },
    [Symbol.dispose]: wipe,
  }
}

export const logVoice = (file: LogFile): Voice => {
  const log: Logger = pino(
    { base: null, messageKey: 'message', timestamp: () => `,"time":"${isoTime(nodeClock.nowNs())}"` },
    { write: (line) => file.write(line) },
  )
  return {
    ready: (links) => log.info({ folders: links.length, process: process.pid }, 'started'),
    note: (text) => log.info(text),
    alarm: (text) => log.error(text),
    progress: () => undefined,
    turn(link, _vault, report) {
      const { pulled, pushed, conflicts, waiting, isSettled, sequence } = report
      const failed = failedTroubles(report).length
      const facts = { link: link.id, pulled, pushed, conflicts: conflicts.length, waiting, failed, isSettled, sequence }
      if (failed > 0 || waiting !== null) log.error(facts, 'a turn left something for a person to see to')
      else if (hasNews(report)) log.info(facts, 'a turn changed something')
      else log.debug(facts, 'a turn found nothing to do')
    },
    trouble(link, _vault, { operation, kind, message }) {
      const facts = { link: link.id, operation, kind }
      if (kind === 'unavailable') log.info(facts, message)
      else log.error(facts, message)
    },
    [Symbol.dispose]: () => undefined,
  }
}

const isLostLine = (error: SyncError): boolean => isTrouble(error, 'unavailable') && error.operation === 'vault.watch'

const hasNews = ({ pulled, pushed, conflicts, troubles, waiting }: TurnReport): boolean => {
  const moved = [pulled, pushed].some((counts) => Object.values(counts).some((count) => count > 0))
  return moved || conflicts.length > 0 || troubles.length > 0 || waiting !== null
}
