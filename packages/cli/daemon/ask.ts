/**
 * Asks the daemon of an account. That none runs is an answer (null); that one does not answer is trouble with its
 * number in it, for a person to end it.
 */
import { connect, type Socket } from 'node:net'
import type { Progress } from '@anysync/client/sync/report.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { daemonAnswerBytesMax, daemonSilenceMsMax } from '@anysync/protocol/limits.ts'
import type { AccountHome } from '../homes.ts'
import { errorCode } from '../ports/disk-errors.ts'
import { lineReader } from './lines.ts'
import { readPlace, socketPath, type DaemonPlace } from './place.ts'
import { parseAnswer, parseDaemonLine, questionLine, type Answer, type Question } from './wire.ts'

export type AskOptions = {
  onProgress?: (progress: Progress) => void
  /** Waits, after the answer, until the daemon hangs up. */
  isUntilEnd?: boolean
}

type AnswerTo<Asked extends Question> = Answer<Asked['ask']>

/** Null when no daemon runs. Throws what the daemon throws; `unavailable` when it is silent or goes away. */
export const askDaemon = async <Asked extends Question>(
  account: AccountHome,
  question: Asked,
  options: AskOptions = {},
): Promise<AnswerTo<Asked> | null> => {
  const place = readPlace(account) ?? { pid: null, socket: socketPath(account, process.env) }
  // One that is silent must not find the question when it wakes, and do long after what was given up: greet it first.
  if (question.ask !== 'status') {
    if (!(await isDaemonThere(account))) return null
  }
  const socket = await reach(place.socket)
  if (socket === null) return null
  try {
    return await converse(socket, place, question, options)
  } finally {
    socket.destroy()
  }
}

/** Whether a daemon runs and answers. Throws as `askDaemon` does. */
export const isDaemonThere = async (account: AccountHome): Promise<boolean> =>
  (await askDaemon(account, { ask: 'status' })) !== null

/** Null when nobody listens there. */
const reach = async (path: string): Promise<Socket | null> => {
  const socket = connect(path)
  const { promise, resolve, reject } = Promise.withResolvers<Socket | null>()
  socket.once('connect', () => resolve(socket))
  socket.once('error', (error) => {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK') resolve(null)
    else reject(new SyncError('daemon.ask', 'unavailable', unreachable(path, code), error))
  })
  return await promise
}

const unreachable = (path: string, code: string | null): string =>
  `the daemon cannot be asked at ${path} (${code ?? 'unknown'}): run this as the user who started it`

const converse = <Asked extends Question>(
  socket: Socket,
  { pid }: { pid: DaemonPlace['pid'] | null },
  question: Asked,
  { onProgress, isUntilEnd = false }: AskOptions,
): Promise<AnswerTo<Asked>> => {
  const who = pid === null ? 'the daemon' : `the daemon (process ${pid})`
  const { promise, resolve, reject } = Promise.withResolvers<AnswerTo<Asked>>()
  let answer: AnswerTo<Asked> | null = null
  const fail = (message: string): void => reject(new SyncError('daemon.ask', 'unavailable', `${who} ${message}`))
  const read = lineReader(daemonAnswerBytesMax, (text) => {
    const line = parseDaemonLine(text)
    if (line.is === 'progress') onProgress?.(line.progress)
    else if (line.is === 'trouble') reject(new SyncError(line.operation, line.kind, line.message))
    else if (line.is === 'answer') {
      answer = parseAnswer<Asked['ask']>(question.ask, line.answer)
      if (!isUntilEnd) resolve(answer)
    }
  })
  socket.on('data', (bytes) => {
    try {
      read(bytes)
    } catch (error) {
      reject(error)
    }
  })
  socket.on('error', () => fail('broke off: try again'))
  socket.on('close', () => {
    if (answer === null) fail('ended before it answered: try again')
    else resolve(answer)
  })
  const silence = isUntilEnd ? daemonSilenceMsMax * 2 : daemonSilenceMsMax
  socket.setTimeout(silence, () =>
    fail('does not answer: if it does not go on by itself, end that process and start it again with `anysync start`'),
  )
  socket.write(questionLine(question))
  return promise
}

/** The same, where there must be a daemon. */
export const askRunningDaemon = async <Asked extends Question>(
  account: AccountHome,
  question: Asked,
  options: AskOptions = {},
): Promise<AnswerTo<Asked>> => {
  const answer = await askDaemon(account, question, options)
  if (answer !== null) return answer
  throw new SyncError('daemon.ask', 'missing', 'no daemon runs: start it with `anysync start`')
}
