/**
 * How a linked folder stands, and why: one word and one sentence from all that is known of it. Pure, and careful with
 * the word *up to date*: it is said only when the last look saw everything, the watcher works, the server is reached,
 * and base and head have the same root.
 */
import type { Alarm } from '@anysync/client/sync/facts.ts'
import type { Trouble, Waiting } from '@anysync/client/sync/report.ts'
import type { LiveFolder } from './daemon/wire.ts'
import type { LastTrouble } from './last-trouble.ts'
import { failedTroubles } from './output/turn.ts'
import { waitingWords, whatToDo } from './output/waiting.ts'
import { counted, localTime } from './output/words.ts'

export type LastReport = { timeNs: bigint; isSettled: boolean; sequence: number; troubles: Trouble[] }

/** `silent`: it was asked and does not answer. */
export type DaemonSeen = 'none' | 'silent' | 'running' | 'paused'

export type Unproven = { timeNs: bigint; packs: number; message: string }

export type FolderKnowledge = {
  daemon: DaemonSeen
  /** As the daemon sees it now; null without a daemon, and when it does not follow this folder. */
  live: LiveFolder | null
  alarm: Alarm | null
  /** Why the folder cannot be looked at; null when it can. */
  rootTrouble: string | null
  /** What waits for a person, and whether it was let go through. */
  waiting: Waiting | null
  isConfirmed: boolean
  report: LastReport | null
  /** The failure since the last turn that worked. */
  lastTrouble: LastTrouble | null
  /** What the daily proof found and nobody has mended since. */
  unproven: Unproven | null
  /** Of the head as this device knows it, 0 for an empty vault. */
  headSequence: number
}

export type FolderWord =
  | 'up-to-date'
  /** As of the last turn; nobody watches since. */
  | 'in-step'
  | 'syncing'
  /** A person must decide. */
  | 'waiting'
  /** Nothing is synced until a person sees to it. */
  | 'stopped'
  | 'paused'
  /** The server is not reached. */
  | 'offline'
  /** The server has lost or damaged some of what the vault holds. */
  | 'damaged'
  /** All but for some paths, each with its trouble. */
  | 'troubled'
  /** As of the last look: the system does not tell of changes. */
  | 'unwatched'
  | 'not-in-step'
  | 'never-synced'

/** `reason`: a sentence, '' where the word says all. */
export type FolderState = { state: FolderWord; reason: string }

export const folderState = (known: FolderKnowledge): FolderState =>
  stopped(known) ?? decision(known) ?? work(known) ?? damaged(known) ?? standing(known) ?? inStep(known)

const state = (state: FolderWord, reason = ''): FolderState => ({ state, reason })

const stopped = ({ alarm, rootTrouble, live, lastTrouble }: FolderKnowledge): FolderState | null => {
  if (alarm !== null) {
    return state(
      'stopped',
      `ALARM of ${localTime(alarm.timeNs)}: ${alarm.message} (\`anysync confirm\` when you have seen to it)`,
    )
  }
  if (rootTrouble !== null) return state('stopped', rootTrouble)
  const trouble = live === null ? lastTrouble : live.lastTrouble
  if (trouble === null || trouble.kind === 'unavailable') return null
  return state('stopped', trouble.kind === 'unauthorized' ? signIn(trouble.message) : trouble.message)
}

const signIn = (message: string): string =>
  message.includes('anysync login') ? message : `${message}: sign in again with \`anysync login\``

const decision = ({ waiting, isConfirmed, report }: FolderKnowledge): FolderState | null => {
  if (waiting === null || isConfirmed || report === null) return null
  return state('waiting', `${waitingWords(waiting)}: ${whatToDo(waiting)}`)
}

const work = ({ daemon, live, lastTrouble }: FolderKnowledge): FolderState | null => {
  if (live?.activity === 'turning') return state('syncing')
  if (daemon === 'paused') return state('paused', '`anysync resume` goes on')
  if (live?.activity === 'starting') return state('syncing', 'everything is looked at first')
  const trouble = live === null ? lastTrouble : live.lastTrouble
  if (live !== null && !live.server.isReached) return state('offline', again(live.server.message))
  if (trouble !== null) return state(live === null ? 'not-in-step' : 'offline', again(trouble.message, live === null))
  return null
}

const again = (message: string, isByHand = false): string =>
  isByHand ? `the last turn failed: ${message}` : `${message}; it is tried again by itself`

const damaged = ({ unproven }: FolderKnowledge): FolderState | null =>
  unproven === null ? null : state('damaged', unprovenSentence(unproven))

export const unprovenSentence = ({ timeNs, packs, message }: Unproven): string =>
  `ALARM of ${localTime(timeNs)}: the daily proof found ${counted(packs, 'pack')} lost or damaged on the server ` +
  `(${message}): store again what this device still has with \`anysync verify --repair\`, and ask who runs the server to ` +
  'look at its disks'

const standing = ({ report, headSequence, live, daemon }: FolderKnowledge): FolderState | null => {
  const advice = live === null ? 'run `anysync sync`' : 'a turn follows'
  if (report === null) return state('never-synced', advice)
  const failed = failedTroubles(report).length
  if (failed > 0) return state('troubled', `${counted(failed, 'path')} could not be synced`)
  if (!report.isSettled || headSequence !== report.sequence || live?.areRootsSame === false) {
    return state('not-in-step', `the last turn did not finish, or the vault moved on: ${advice}`)
  }
  if (daemon === 'running' && live === null) {
    return state('not-in-step', 'the daemon does not follow this folder: `anysync stop` and `anysync start`')
  }
  return null
}

const inStep = ({ daemon, live }: FolderKnowledge): FolderState => {
  if (daemon === 'silent') return state('in-step', 'as of the last turn; the daemon does not answer')
  if (live === null) return state('in-step', 'as of the last turn; no daemon runs (`anysync start`)')
  if (!live.watcher.isHealthy) return state('unwatched', live.watcher.message)
  return live.isUpToDate ? state('up-to-date') : state('syncing', 'something was seen; a turn follows')
}
