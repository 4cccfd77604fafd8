/**
 * `node:sqlite` in the shape that the query builder expects of a SQLite library. One connection; the builder lets one
 * transaction at a time use it.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { SqliteDatabase, SqliteStatement } from 'kysely'
import { SyncError } from '@anysync/protocol/errors.ts'

const statementsMax = 256

export const sqliteFor = (database: DatabaseSync): SqliteDatabase => {
  const statementsBySql = new Map<string, SqliteStatement>()
  const prepare = (sql: string): SqliteStatement => {
    const known = statementsBySql.get(sql)
    if (known !== undefined) return known
    // A transaction takes the write lock at once: one that upgrades later can find that another process wrote meanwhile.
    const statement = wrap(database.prepare(sql === 'begin' ? 'begin immediate' : sql))
    if (statementsBySql.size >= statementsMax) statementsBySql.clear()
    statementsBySql.set(sql, statement)
    return statement
  }
  return { prepare, close: () => database.close() }
}

const wrap = (statement: StatementSync): SqliteStatement => ({
  reader: statement.columns().length > 0,
  all: (parameters) => statement.all(...parameters.map(toInput)),
  run: (parameters) => statement.run(...parameters.map(toInput)),
  iterate: (parameters) => statement.iterate(...parameters.map(toInput)),
})

const toInput = (value: unknown): SQLInputValue => {
  if (value === null || typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array)
    return value
  throw new SyncError('database.query', 'invalid', `a ${typeof value} cannot be stored`)
}
