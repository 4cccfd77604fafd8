/**
 * Opens the metadata database: one SQLite file, every commit on disk before it is answered. Brings an older file up to
 * date first, after copying it, so that a step that went wrong can be undone by hand.
 */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { migrations } from './migrations.ts'
import { sqliteCodeOf, sqliteCodes } from './sqlite-codes.ts'
import { sqliteFor } from './sqlite.ts'
import type { Database, Tables } from './tables.ts'

const busyMsMax = 5000

/**
 * `mayMigrate`: only the process that holds the run lock may. Throws `conflict` when the file needs steps and this
 * process may not take them, `invalid` when a newer server wrote it, `corrupt` when it is no database.
 */
export const openDatabase = (file: string, mayMigrate: boolean, steps = migrations): Database => {
  const sqlite = openFile(file)
  try {
    migrate(sqlite, file, mayMigrate, steps)
  } catch (error) {
    sqlite.close()
    throw error
  }
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqliteFor(sqlite) }) })
}

const openFile = (file: string): DatabaseSync => {
  let sqlite: DatabaseSync | null = null
  try {
    sqlite = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: busyMsMax })
    sqlite.exec('pragma journal_mode = wal; pragma synchronous = full;')
    return sqlite
  } catch (error) {
    sqlite?.close()
    throw openTrouble(file, error)
  }
}

const openTrouble = (file: string, error: unknown): SyncError => {
  const operation = 'database.open'
  switch (sqliteCodeOf(error)) {
    case sqliteCodes.busy:
      return new SyncError(
        operation,
        'unavailable',
        `${file} is locked by another program: close it and try again`,
        error,
      )
    case sqliteCodes.cannotOpen:
    case sqliteCodes.readOnly:
      return new SyncError(
        operation,
        'unavailable',
        `${file} cannot be opened or not be written: check that it is there and yours`,
        error,
      )
    case sqliteCodes.full:
      return new SyncError(operation, 'full', `the disk of ${file} is full: free space and try again`, error)
    case null:
    default:
      return new SyncError(
        operation,
        'corrupt',
        `${file} cannot be read as a database: restore it from a backup`,
        error,
      )
  }
}

const migrate = (sqlite: DatabaseSync, file: string, mayMigrate: boolean, steps: readonly string[]): void => {
  const taken = stepsTaken(sqlite)
  if (taken === steps.length) return
  demand(
    taken < steps.length,
    'database.open',
    'invalid',
    `${file} was written by a newer AnySync: update this server before starting it`,
  )
  demand(
    mayMigrate,
    'database.open',
    'conflict',
    'the running server is older than this command: stop it, start it again, and repeat the command',
  )
  if (taken > 0) copyBeforeStep(sqlite, file, taken + 1)
  for (const [index, step] of steps.entries()) {
    if (index >= taken) sqlite.exec(`begin immediate; ${step}; pragma user_version = ${index + 1}; commit;`)
  }
}

const stepsTaken = (sqlite: DatabaseSync): number => {
  const value = sqlite.prepare('pragma user_version').get()?.['user_version']
  return typeof value === 'number' ? value : 0
}

const copyBeforeStep = (sqlite: DatabaseSync, file: string, step: number): void => {
  const copy = `${file}.before-step-${step}`
  // An earlier attempt that failed has left the same bytes, or older ones that are worth more.
  if (!existsSync(copy)) sqlite.prepare('vacuum into ?').run(copy)
}
