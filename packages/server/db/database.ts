/**
 * Opens the metadata database: one SQLite file, every commit on disk before it is answered. Brings an older file up to
 * date first, after copying it, so that a step that went wrong can be undone by hand.
 */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { migrations } from './migrations.ts'
import { sqliteFor } from './sqlite.ts'
import type { Database, Tables } from './tables.ts'

/**
 * `mayMigrate`: only the process that holds the run lock may. Throws `conflict` when the file needs steps and this
 * process may not take them, `invalid` when a newer server wrote it, `corrupt` when it is no database.
 */
export const openDatabase = (file: string, mayMigrate: boolean): Database => {
  const sqlite = openFile(file)
  try {
    migrate(sqlite, file, mayMigrate)
  } catch (error) {
    sqlite.close()
    throw error
  }
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqliteFor(sqlite) }) })
}

const openFile = (file: string): DatabaseSync => {
  const sqlite = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: 5000 })
  try {
    sqlite.exec('pragma journal_mode = wal; pragma synchronous = full;')
  } catch (error) {
    sqlite.close()
    throw new SyncError(
      'database.open',
      'corrupt',
      `${file} cannot be read as a database: restore it from a backup`,
      error,
    )
  }
  return sqlite
}

const migrate = (sqlite: DatabaseSync, file: string, mayMigrate: boolean): void => {
  const steps = stepsTaken(sqlite)
  if (steps === migrations.length) return
  demand(
    steps < migrations.length,
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
  if (steps > 0) copyBeforeSteps(sqlite, file, steps)
  for (let step = steps; step < migrations.length; step++) {
    sqlite.exec(`begin immediate; ${migrations[step] ?? ''}; pragma user_version = ${step + 1}; commit;`)
  }
}

const stepsTaken = (sqlite: DatabaseSync): number => {
  const value = sqlite.prepare('pragma user_version').get()?.['user_version']
  return typeof value === 'number' ? value : 0
}

const copyBeforeSteps = (sqlite: DatabaseSync, file: string, steps: number): void => {
  const copy = `${file}.before-step-${steps + 1}`
  // An earlier attempt that failed has left the same bytes, or older ones that are worth more.
  if (!existsSync(copy)) sqlite.prepare('vacuum into ?').run(copy)
}
