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
    const prepared = wrap(database.prepare(sql === 'begin' ? 'begin immediate' : sql))
    // SQLite itself rolls back when the disk is full; a second time would be an error that hides the first.
    const statement = sql === 'rollback' ? { ...prepared, run: rollback(database, prepared) } : prepared
    if (statementsBySql.size >= statementsMax) statementsBySql.clear()
    statementsBySql.set(sql, statement)
    return statement
  }
  return { prepare, close: () => database.close() }
}

const rollback =
  (database: DatabaseSync, prepared: SqliteStatement): SqliteStatement['run'] =>
  (parameters) =>
    database.isTransaction ? prepared.run(parameters) : { changes: 0, lastInsertRowid: 0 }

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
