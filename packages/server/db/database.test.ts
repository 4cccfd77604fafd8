import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { sql } from 'kysely'
import { newFolder } from '../household.suite.ts'
import { openDatabase } from './database.ts'
import type { Database } from './tables.ts'

const first = 'create table thing (name text)'
const second = "alter table thing add column size integer; insert into thing values ('new', 1)"
const namesIn = async (database: Database): Promise<unknown[]> =>
  (await sql<{ name: string }>`select name from thing`.execute(database)).rows.map(({ name }) => name)

test('a database is opened with every commit on the disk, keys that refer, and a patience for other writers', async (t) => {
  const database = openDatabase(join(newFolder(t), 'a.db'), true)
  const pragma = async (name: string) =>
    Object.values((await sql.raw<object>(`pragma ${name}`).execute(database)).rows[0] ?? {})[0]
  assert.equal(await pragma('journal_mode'), 'wal')
  assert.equal(await pragma('synchronous'), 2)
  assert.equal(await pragma('foreign_keys'), 1)
  assert.equal(await pragma('busy_timeout'), 5000)
  await database.destroy()
})

test('an older file is copied, then brought up to date; a step that fails changes nothing', async (t) => {
  const file = join(newFolder(t), 'a.db')
  const old = openDatabase(file, true, [first])
  await sql`insert into thing values ('old')`.execute(old)
  await old.destroy()
  assert.throws(() => openDatabase(file, true, [first, 'create table other (a text); nonsense']), /syntax error/)
  assert.throws(() => openDatabase(file, false, [first, second]), { kind: 'conflict' })
  const same = openDatabase(file, false, [first])
  assert.deepEqual(await namesIn(same), ['old'])
  await same.destroy()

  const up = openDatabase(file, true, [first, second])
  assert.deepEqual(await namesIn(up), ['old', 'new'])
  await up.destroy()
  assert.ok(existsSync(`${file}.before-step-2`))
  const copy = openDatabase(`${file}.before-step-2`, false, [first])
  assert.deepEqual(await namesIn(copy), ['old'])
  await copy.destroy()
})

test('a file of a newer server and a file that is no database are left alone', (t) => {
  const file = join(newFolder(t), 'a.db')
  const newer = new DatabaseSync(file)
  newer.exec('pragma user_version = 99')
  newer.close()
  assert.throws(() => openDatabase(file, true), { kind: 'invalid', message: /newer AnySync/ })
  const garbage = join(newFolder(t), 'b.db')
  writeFileSync(garbage, 'not a database '.repeat(1000))
  assert.throws(() => openDatabase(garbage, true), { kind: 'corrupt' })
  assert.throws(() => openDatabase(join(file, 'c.db'), true), { kind: 'unavailable', message: /cannot be opened/ })
})

test('a transaction that fails leaves nothing, and two at once do not mix', async (t) => {
  const database = openDatabase(join(newFolder(t), 'a.db'), true, [first])
  const add = (name: string, fail: boolean) =>
    database.transaction().execute(async (transaction) => {
      await sql`insert into thing values (${name})`.execute(transaction)
      await new Promise((resolve) => setImmediate(resolve))
      if (fail) throw new Error('on purpose')
    })
  const results = await Promise.allSettled([add('a', true), add('b', false), add('c', true), add('d', false)])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(await namesIn(database), ['b', 'd'])
  await database.destroy()
})
