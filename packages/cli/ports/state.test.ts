import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { nodeIdFromBytes, rootNodeId, vaultIdFromBytes, type NodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { stateSuite } from '@anysync/client/memory/state.suite.ts'
import { RowCache } from './row-cache.ts'
import { openStateDatabase } from './state-database.ts'
import { openState } from './state.ts'

const home = mkdtempSync(join(tmpdir(), 'anysync-state-'))
after(() => rmSync(home, { recursive: true }))
let count = 0
const freshPath = () => join(home, `${++count}.db`)

stateSuite('the local state over SQLite', (options) => {
  const path = freshPath()
  let state = openState(path, options?.cacheBytesMax)
  return {
    state,
    reopen() {
      state[Symbol.dispose]()
      state = openState(path, options?.cacheBytesMax)
      return state
    },
    close: () => state[Symbol.dispose](),
  }
})

const isTroubleLike = (kind: string, words: RegExp) => (error: unknown) =>
  error instanceof SyncError && error.kind === kind && words.test(error.message)

test('the state database is readable by its owner only', { skip: process.platform === 'win32' }, () => {
  const path = freshPath()
  openState(path)[Symbol.dispose]()
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a file that is no database is corrupt, with what to do', () => {
  const path = freshPath()
  writeFileSync(path, 'this is a letter to my aunt, '.repeat(200))
  assert.throws(() => openState(path), isTroubleLike('corrupt', /`anysync doctor --rebuild`/))
})

test('a database that was overwritten in the middle is corrupt when it is read', () => {
  const path = freshPath()
  const state = openState(path)
  for (let i = 0; i < 2000; i++) state.putFact('scope', `name ${i}`, 'value')
  state[Symbol.dispose]()
  // All but the first page, so that the file still opens.
  const file = openSync(path, 'r+')
  const garbage = new Uint8Array(statSync(path).size - 4096).fill(0xa5)
  writeSync(file, garbage, 0, garbage.length, 4096)
  closeSync(file)
  assert.throws(
    () => {
      using damaged = openState(path)
      for (let i = 0; i < 2000; i++) damaged.fact('scope', `name ${i}`)
    },
    isTroubleLike('corrupt', /damaged/),
  )
})

test('a database that another program writes to is unavailable, not forever waited for', () => {
  const path = freshPath()
  using state = openState(path)
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const busy = openStateDatabase(path, 10)
  try {
    assert.throws(() => busy.transact(() => null), isTroubleLike('unavailable', /in use by another program/))
    other.exec('ROLLBACK')
    assert.equal(
      busy.transact(() => 1),
      1,
    )
  } finally {
    other.close()
    busy[Symbol.dispose]()
  }
  assert.deepEqual(state.links(), [])
})

/** SQL that puts a node; one without an inode is not on the disk. */
const rowOfVersionOne = (id: number, absence: string, inode: number | null) =>
  `INSERT INTO nodes VALUES (1, x'${id.toString(16).padStart(32, '0')}', x'${'00'.repeat(16)}', 'n${id}', 'file', 384, 1, 1,
      x'01', '', '${absence}', ${inode === null ? 'NULL, NULL, NULL, NULL, NULL, NULL, NULL' : `'file', 1, 384, 1, 1, 1, ${inode}`})`

test('rows of the first version, which had a text for an absence, get its kind', () => {
  const path = freshPath()
  openState(path)[Symbol.dispose]()
  const database = new DatabaseSync(path)
  database.exec(`DROP TABLE listings; DROP TABLE snapshots; DROP TABLE actions; DROP INDEX nodes_absent; DROP INDEX nodes_by_place; ALTER TABLE nodes DROP COLUMN absence_kind;
    CREATE INDEX nodes_by_parent ON nodes (link, parent); PRAGMA user_version = 1;
    INSERT INTO links VALUES (1, 'link', x'${'ab'.repeat(16)}', '/folder', 'sync');
    ${rowOfVersionOne(1, '', 7)};
    ${rowOfVersionOne(2, 'the folder that holds it is not on this device', null)};
    ${rowOfVersionOne(3, 'this system cannot store the name', null)}`)
  database.close()
  using state = openState(path)
  assert.deepEqual(
    state.children('link', rootNodeId).map(({ disk, absence }) => [disk !== null, absence?.kind]),
    [
      [true, undefined],
      [false, 'folder'],
      [false, 'name'],
    ],
  )
  assert.deepEqual(
    state.absentNodes('link', 'name', 9).map(({ absence }) => absence?.message),
    ['this system cannot store the name'],
  )
})

test('a database of a newer AnySync is not touched', () => {
  const path = freshPath()
  openState(path)[Symbol.dispose]()
  const database = new DatabaseSync(path)
  database.exec('PRAGMA user_version = 99')
  database.close()
  assert.throws(() => openState(path), isTroubleLike('invalid', /newer AnySync/))
})

test('a folder that is not there is unavailable, with what to do', () => {
  assert.throws(() => openState(join(home, 'no', 'such.db')), isTroubleLike('unavailable', /folder exists/))
})

const id = nodeIdFromBytes(new Uint8Array(16).fill(2))
const row: BaseNode = {
  id,
  parent: rootNodeId,
  name: 'first',
  kind: 'folder',
  mode: 0o755,
  mtimeNs: 1n,
  size: 0,
  content: null,
  linkTarget: '',
  disk: null,
  absence: { kind: 'mode', message: 'not here' },
}

/** One state as two processes have it, with a link. */
const openTwice = () => {
  const path = freshPath()
  const [ours, theirs] = [openState(path), openState(path)]
  const vaultId = vaultIdFromBytes(new Uint8Array(16).fill(1))
  ours.putLink({ id: 'link', vaultId, root: '/home/someone/Documents', mode: 'sync' })
  return {
    ours,
    theirs,
    [Symbol.dispose]: () => {
      for (const state of [ours, theirs]) state[Symbol.dispose]()
    },
  }
}

test('a row that another process changed is read anew by the next turn, and by the next transaction', () => {
  using both = openTwice()
  const { ours, theirs } = both
  ours.putNode('link', row)
  assert.equal(ours.node('link', id)?.name, 'first')
  theirs.putNode('link', { ...row, name: 'second' })
  ours.links()
  assert.equal(ours.node('link', id)?.name, 'second')
  theirs.removeNode('link', id)
  assert.equal(
    ours.transact(() => ours.node('link', id)),
    null,
  )
})

test('rows are remembered up to a number, each as it was written last', () => {
  const cache = new RowCache(4, () => nodeIdFromBytes(new Uint8Array(16).fill(6)))
  const ids = [1, 2, 3, 4, 5, 6].map((n) => nodeIdFromBytes(new Uint8Array(16).fill(n)))
  const read: NodeId[] = []
  const get = (id: NodeId) =>
    cache.get('link', id, () => {
      read.push(id)
      return null
    })
  for (const id of ids) get(id)
  const [first, , , , , last] = ids
  assert.ok(first && last)
  get(last)
  assert.deepEqual(read, ids)
  get(first)
  assert.deepEqual(read, [...ids, first])
  cache.get('other link', last, () => {
    read.push(last)
    return null
  })
  assert.equal(read.length, 8)
})

test('no node is looked for above the highest id that a row of its link has', () => {
  const [low, middle, high] = [1, 2, 3].map((n) => nodeIdFromBytes(new Uint8Array(16).fill(n)))
  assert.ok(low && middle && high)
  let highest: NodeId | null = low
  const cache = new RowCache(100, () => highest)
  const read: NodeId[] = []
  const get = (node: NodeId) => cache.get('link', node, () => (read.push(node), null))
  for (const node of [low, middle, high]) assert.equal(get(node), null)
  assert.deepEqual(read, [low])
  cache.put('link', { ...row, id: high })
  assert.equal(get(middle), null)
  assert.equal(get(high)?.name, row.name)
  assert.deepEqual(read, [low, middle])
  cache.remove('link', high)
  assert.equal(get(high), null)
  highest = null
  cache.forget()
  for (const node of [low, middle, high]) assert.equal(get(node), null)
  assert.deepEqual(read, [low, middle])
})

test('of a link without a row no node is looked for, until one is written here or by another process', () => {
  using both = openTwice()
  const { ours, theirs } = both
  const nameNow = () => ours.transact(() => ours.node('link', id)?.name)
  assert.equal(ours.node('link', id), null)
  theirs.putNode('link', row)
  assert.equal(nameNow(), 'first')
  theirs.removeNode('link', id)
  assert.equal(nameNow(), undefined)
  ours.putNode('link', { ...row, name: 'ours' })
  assert.equal(ours.node('link', id)?.name, 'ours')
})
