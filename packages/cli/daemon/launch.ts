/**
 * Starts a daemon that outlives this command, and waits until it is ready or says why it is not.
 */
import { spawn } from 'node:child_process'
import * as v from 'valibot'
import { SyncError } from '@anysync/protocol/errors.ts'
import { daemonStartMsMax } from '@anysync/protocol/limits.ts'
import type { AccountHome } from '../homes.ts'
import { programFile } from '../ports/program-file.ts'
import { kindSchema } from '../schemas.ts'
import { LogFile } from './log-file.ts'
import { logFile } from './place.ts'

const newsSchema = v.variant('is', [
  v.object({ is: v.literal('ready'), folders: v.number() }),
  v.object({
    is: v.literal('trouble'),
    operation: v.string(),
    kind: kindSchema,
    message: v.string(),
  }),
])

/** What the new process tells the one that started it. */
export type News = v.InferOutput<typeof newsSchema>

export type Launched = { pid: number; folders: number; log: string }

/** Throws what keeps the daemon from starting. */
export const launchDaemon = async (home: string, email: string, account: AccountHome): Promise<Launched> => {
  const log = logFile(account)
  using file = new LogFile(log)
  const child = spawn(
    process.execPath,
    [...process.execArgv, programFile('daemon'), '--home', home, '--account', email],
    // What it cannot put in words, such as the trace of a bug, goes where its words go.
    { cwd: account.folder, detached: true, stdio: ['ignore', 'ignore', file.descriptor, 'ipc'], windowsHide: true },
  )
  const { promise, resolve, reject } = Promise.withResolvers<News>()
  const fail = (why: string, cause?: unknown): void =>
    reject(new SyncError('daemon.start', 'unavailable', `the daemon ${why}: its log, ${log}, says more`, cause))
  child.once('error', (error) => fail('cannot be started', error))
  child.once('exit', (code, signal) => fail(`ended at once (${signal ?? `exit code ${code ?? 'unknown'}`})`))
  child.once('message', (message) => {
    const parsed = v.safeParse(newsSchema, message)
    if (parsed.success) resolve(parsed.output)
    else fail('said something that is not understood')
  })
  const timer = setTimeout(() => {
    child.kill('SIGKILL')
    fail('was not ready in time')
  }, daemonStartMsMax)
  try {
    const news = await promise
    if (news.is === 'trouble') throw new SyncError(news.operation, news.kind, news.message)
    return { pid: child.pid ?? 0, folders: news.folders, log }
  } finally {
    clearTimeout(timer)
    if (child.connected) child.disconnect()
    child.unref()
  }
}
