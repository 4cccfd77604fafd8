/**
 * Stories of rounds and turns that end between what they did on the disk or sent and what the base says of it: nothing
 * of it is taken for the deed of a person, here or elsewhere, that would delete what is there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { household } from './household.suite.ts'
import { filesOf } from './world.suite.ts'

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
  world.server.setFault(({ operation }) => {
    if (operation === 'vault.append') throw new SyncError('remote.test', 'unavailable', 'the line is cut')
  })
  await assert.rejects(b.engine.turn(new Set(['a'])))
  world.server.setFault(null)
  a.user.rename('b/x', 'a/x')
  await a.engine.turn()
  assert.equal((await b.engine.turn(new Set(['a']))).isSettled, true)
  await a.engine.turn()
  assert.deepEqual(await filesOf(a.disk), { 'b/x': 'edited', 'b/y': 'y' })
  assert.deepEqual(await filesOf(b.disk), { 'b/x': 'edited', 'b/y': 'y' })
})
