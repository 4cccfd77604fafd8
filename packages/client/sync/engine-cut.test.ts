/**
 * Stories of rounds and turns that end between what they did on the disk or sent and what the base says of it: nothing
 * of it is taken for the deed of a person, here or elsewhere, that would delete what is there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { tag } from '../vault/forget.ts'
import { assertAlike, household, refuseAppends } from './household.suite.ts'
import { assertBaseIsHead } from './settled.suite.ts'
import { filesOf, settle, type World } from './world.suite.ts'

/** Until undone, the process dies as soon as the server has taken a record. */
const dieAfterRecord = ({ server }: World): void =>
  server.setFault(({ operation, moment }) => {
    if (operation === 'vault.append' && moment === 'after') throw new Error('the process died')
  })

test('an edit is sent though its turn moved the file out of the folders that it looks at, and another push came first', async () => {
  const world = await household({ 'a/x': 'x', 'b/y': 'y' })
  const { a, b } = world
  a.user.rename('a/x', 'b/x')
  await a.engine.turn()
  await b.engine.turn(new Set())
  a.user.rename('b/x', 'a/x')
  await a.engine.turn()
  b.user.writeFile('b/x', 'edited')
  b.faults.disk = async ({ operation, path }) => {
    if (operation !== 'disk.openFile' || path !== 'a/x') return
    b.faults.disk = null
    a.user.rename('a/x', 'b/x')
    await a.engine.turn()
  }
  assert.equal((await b.engine.turn(new Set(['b']))).isSettled, true)
  assert.deepEqual(await filesOf(b.disk), { 'a/x': 'edited', 'b/y': 'y' })
  await a.engine.turn()
  assert.deepEqual(await filesOf(a.disk), { 'a/x': 'edited', 'b/y': 'y' })
})

test('an edit is sent by the next turn though the last one moved the file elsewhere and could not send it', async () => {
  const world = await household({ 'a/x': 'x', 'b/y': 'y' })
  const { a, b } = world
  a.user.rename('a/x', 'b/x')
  await a.engine.turn()
  b.user.writeFile('a/x', 'edited')
  refuseAppends(world)
  await assert.rejects(b.engine.turn(new Set(['a'])))
  world.server.setFault(null)
  a.user.rename('b/x', 'a/x')
  await a.engine.turn()
  assert.equal((await b.engine.turn(new Set(['a']))).isSettled, true)
  await a.engine.turn()
  assert.deepEqual(await filesOf(a.disk), { 'b/x': 'edited', 'b/y': 'y' })
  assert.deepEqual(await filesOf(b.disk), { 'b/x': 'edited', 'b/y': 'y' })
})

for (const [after, isTagged] of [
  ['a snapshot', false],
  ['a record that is no snapshot', true],
] as const)
  test(`what was sent as deleted, after ${after}, is not deleted here when it turns up elsewhere, though the process died as it was sent`, async () => {
    const world = await household({ 'b/y': 'y', 'c/d/x': 'x' })
    const { a, b } = world
    await a.engine.turn()
    if (isTagged) await tag(a.vault, a.vault.newest()?.sequence ?? 0, { label: 'summer' })
    a.user.rename('c', 'b/c')
    dieAfterRecord(world)
    await assert.rejects(a.engine.turn(new Set([''])), /died/)
    world.server.setFault(null)
    a.restart()
    await settle(world)
    await assertAlike(world)
    assert.deepEqual(await filesOf(a.disk), { 'b/y': 'y', 'b/c/d/x': 'x' })
    await assertBaseIsHead(a)
    await assertBaseIsHead(b)
  })

test('what others deleted before is deleted here, though the process died as it sent deletions of its own', async () => {
  const world = await household({ 'b/y': 'y', 'c/x': 'x', 'd/z': 'z' })
  const { a, b } = world
  await a.engine.turn()
  b.user.rm('d/z')
  await b.engine.turn()
  a.user.rename('c/x', 'b/x')
  a.faults.disk = ({ operation }) => {
    if (operation === 'disk.remove') throw new SyncError(operation, 'unavailable', 'it is busy')
  }
  dieAfterRecord(world)
  await assert.rejects(a.engine.turn(new Set(['c'])), /died/)
  world.server.setFault(null)
  a.faults.disk = null
  a.restart()
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(a.disk), { 'b/y': 'y', 'b/x': 'x' })
})

test('what was sent as deleted is not deleted here when it turns up elsewhere, though the line was cut', async () => {
  const world = await household({ 'b/y': 'y', 'c/d/x': 'x', 'c/l': 'l' })
  const { a } = world
  await a.engine.turn()
  a.user.rename('c', 'b/c')
  let isCut = false
  world.server.setFault(({ operation, moment }) => {
    isCut ||= operation === 'vault.append' && moment === 'after'
    if (isCut) throw new SyncError('remote.test', 'unavailable', 'the line is cut')
  })
  await assert.rejects(a.engine.turn(new Set([''])), /the line is cut/)
  world.server.setFault(null)
  a.user.writeFile('b/c/l', 'edited')
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(a.disk), { 'b/y': 'y', 'b/c/d/x': 'x', 'b/c/l': 'edited' })
  await assertBaseIsHead(a)
})

test('a folder that was deleted there, and whose files are deleted here when the process dies, comes whole with an older server', async () => {
  const world = await household({ 'f/g/x': 'x', keep: 'k' })
  const { a, b } = world
  const copy = world.server.snapshot()
  a.user.rm('f')
  await a.engine.turn()
  b.user.writeFile('f/g/new', 'new')
  world.server.setFault(({ operation, moment }) => {
    if (operation === 'vault.append' && moment === 'before') throw new Error('the process died')
  })
  await assert.rejects(b.engine.turn(), /died/)
  world.server.setFault(null)
  assert.deepEqual(await filesOf(b.disk), { 'f/g/new': 'new', keep: 'k' })
  b.restart()
  world.server.restore(copy, { isAnnounced: true })
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(b.disk), { 'f/g/new': 'new', 'f/g/x': 'x', keep: 'k' })
  await assertBaseIsHead(b)
})
