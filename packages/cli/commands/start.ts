/**
 * `anysync start --foreground`: keeps every linked folder in step until it is told to stop.
 */
import { once } from 'node:events'
import { createFollower, type Follower } from '@anysync/client/sync/follow.ts'
import type { OnProgress, TurnReport } from '@anysync/client/sync/report.ts'
import { retryDelayMs } from '@anysync/client/sync/retry-delay.ts'
import { isTrouble, type SyncError } from '@anysync/protocol/errors.ts'
import { openLinkEngine } from '../engines.ts'
import { pickLinks } from '../folders.ts'
import { UsageError } from '../output/fail.ts'
import { createOutput } from '../output/print.ts'
import { createProgress } from '../output/progress.ts'
import { turnLines, unfinishedLine } from '../output/turn.ts'
import { counted, isoTime, localTime, shown } from '../output/words.ts'
import { nodeChance } from '../ports/chance.ts'
import { nodeClock } from '../ports/clock.ts'
import { createWatcher } from '../ports/watcher.ts'
import { openSession, vaultName, type CommonOptions } from '../session.ts'

export type StartOptions = CommonOptions & { foreground?: boolean }

export const start = async (options: StartOptions): Promise<void> => {
  if (options.foreground !== true) {
    throw new UsageError('say --foreground: it then runs until it is stopped, by Ctrl-C or by what started it')
  }
  const output = createOutput(options)
  // Heard from the beginning, so that a stop during the start is not lost.
  const stop = new AbortController()
  const { signal } = stop
  const stopped = Promise.race([once(process, 'SIGTERM', { signal }), once(process, 'SIGINT', { signal })])
  const whenStopped = stopped.then(
    () => stop.abort(),
    () => undefined,
  )

  await using session = await openSession(options, true)
  using watchers = new DisposableStack()
  using progress = watchers.use(createProgress(options))
  const links = pickLinks(session.state, undefined)
  try {
    const patience = (error: SyncError): void =>
      output.note(`${localTime(nodeClock.nowNs())} ${shown(error.message)}; it is tried again`)
    const followers = new Map<string, Follower>()
    const engines = await Promise.all(
      links.map((link) => {
        const onProgress: OnProgress = (step) => {
          followers.get(link.id)?.progress(step)
          progress.report(step)
        }
        return untilReached(() => openLinkEngine(session, link, onProgress), patience, signal)
      }),
    )
    output.tell({ event: 'ready', folders: links.map(({ root }) => root) })
    output.say(`ready: following ${counted(links.length, 'folder')}`)

    const loops = engines.map(({ link, vault, engine }) => {
      const folder = link.root
      const name = vaultName(session.state, link.vaultId)
      const onTurn = (report: TurnReport): void => {
        progress[Symbol.dispose]()
        const timeNs = nodeClock.nowNs()
        output.tell({ event: 'turn', time: isoTime(timeNs), folder, vault: name, ...report })
        const unfinished = unfinishedLine(report)
        const lines = [...turnLines(report), ...(unfinished === null ? [] : [unfinished])]
        if (hasNews(report)) output.say(`${localTime(timeNs)} ${shown(folder)}: ${lines.join('; ')}`)
      }
      const onTrouble = (error: SyncError): void => {
        // A line that was lost is taken up again by itself; what a person must see to is told at once.
        if (isTrouble(error, 'unavailable') && error.operation === 'vault.watch') return
        progress[Symbol.dispose]()
        output.tell({ event: 'trouble', folder, vault: name, kind: error.kind, message: error.message })
        output.note(`${localTime(nodeClock.nowNs())} ${shown(folder)}: ${shown(error.message)}`)
      }
      const follower = createFollower({
        engine,
        watcher: watchers.use(createWatcher(folder)),
        remote: session.remote,
        vaultId: link.vaultId,
        clock: nodeClock,
        chance: nodeChance,
        newestSequence: () => vault.newest()?.sequence ?? 0,
        onTurn,
        onTrouble,
      })
      followers.set(link.id, follower)
      return follower.run(signal)
    })
    await Promise.all(loops)
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stop.abort()
    await whenStopped
  }
  output.note('stopped')
}

/** A device that starts before its network, or before the server, waits for them. Rejects when aborted. */
const untilReached = async <Result>(
  open: () => Promise<Result>,
  onTrouble: (error: SyncError) => void,
  signal: AbortSignal,
): Promise<Result> => {
  for (let failures = 0; ; failures++) {
    try {
      return await open()
    } catch (error) {
      if (!isTrouble(error, 'unavailable')) throw error
      onTrouble(error)
      await nodeClock.wait(retryDelayMs(failures, nodeChance), signal)
    }
  }
}

const hasNews = ({ pulled, pushed, conflicts, troubles, waiting }: TurnReport): boolean => {
  const moved = [pulled, pushed].some((counts) => Object.values(counts).some((count) => count > 0))
  return moved || conflicts.length > 0 || troubles.length > 0 || waiting !== null
}
