/**
 * One server per home: an exclusive lock on a file of its own, which the system takes back when the process dies however
 * it dies. `run.json` beside it says who holds it.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import * as v from 'valibot'
import { SyncError } from '@anysync/protocol/errors.ts'
import { sqliteCodeOf, sqliteCodes } from './db/sqlite-codes.ts'
import { writeFileDurably } from './files.ts'
import type { Home } from './home.ts'

export type RunInfo = { pid: number; port: number; address: string; url: string }

const schema = v.object({ pid: v.number(), port: v.number(), address: v.string(), url: v.string() })

/** A command that only asks holds the lock for an instant: whoever meets it there waits a little. */
const waitMsToStart = 1000
const waitMsToAsk = 100

/** Null when another process holds it. Disposing gives it back. `unavailable` where this user may not write. */
export const takeRunLock = (home: Home, purpose: 'to-start' | 'to-ask'): Disposable | null => {
  const timeout = purpose === 'to-start' ? waitMsToStart : waitMsToAsk
  let database: DatabaseSync | null = null
  try {
    mkdirSync(home.server, { recursive: true, mode: 0o700 })
    const lock = new DatabaseSync(home.lockFile, { timeout })
    database = lock
    lock.exec('begin exclusive')
    return { [Symbol.dispose]: () => lock.close() }
  } catch (error) {
    database?.close()
    if (sqliteCodeOf(error) === sqliteCodes.busy) return null
    throw isNotOurs(error) ? notOurs(home, error) : error
  }
}

const isNotOurs = (error: unknown): boolean => {
  const code = sqliteCodeOf(error)
  if (code === sqliteCodes.cannotOpen || code === sqliteCodes.readOnly) return true
  return error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'EROFS'].includes(String(error.code))
}

/** As after a first start by another user, root for one. */
const notOurs = (home: Home, cause: unknown): SyncError =>
  new SyncError(
    'server.lock',
    'unavailable',
    `${home.server} cannot be written by this user: run it as the user who made it, or give that folder to this one`,
    cause,
  )

export const isRunning = (home: Home): boolean => {
  using lock = takeRunLock(home, 'to-ask')
  return lock === null
}

export const writeRunInfo = (home: Home, info: RunInfo): Disposable => {
  writeFileDurably(home.runFile, `${JSON.stringify(info)}\n`, 0o600)
  return { [Symbol.dispose]: () => rmSync(home.runFile, { force: true }) }
}

/** Who runs, when somebody does; null in the moments before it serves. */
export const readRunInfo = (home: Home): RunInfo | null => {
  try {
    const parsed = v.safeParse(schema, JSON.parse(readFileSync(home.runFile, 'utf8')))
    return parsed.success ? parsed.output : null
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      return null
    throw error
  }
}
