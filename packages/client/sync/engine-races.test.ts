/**
 * Stories in which something fails, or a person does something, in the middle of a turn. What was done stands, what
 * was not is done later, and nothing that a person did goes unseen.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { assertAlike, household } from './household.suite.ts'
import { filesOf, settle, type World } from './world.suite.ts'

/** Until undone, the server takes no record. */
const refuseAppends = ({ server }: World): void =>
  server.setFault(({ operation }) => {
    if (operation === 'vault.append') throw new SyncError('remote.test', 'unavailable', 'the line is cut')
  })

test('a file moved out of a folder that another device deleted arrives, whenever its turn is cut', async () => {
  const world = await household({ 'F/G/a': 'x', keep: 'k' })
  const { a, b } = world
  b.user.rm('F')
  await b.engine.turn()
  a.user.rename('F/G/a', 'moved')
  refuseAppends(world)
  await assert.rejects(a.engine.turn())
  world.server.setFault(null)
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(b.disk), { keep: 'k', moved: 'x' })
})

test('a file moved out of a folder that another device deleted arrives when it can be read again', async () => {
  const world = await household({ 'F/a': 'x', keep: 'k' })
  const { a, b } = world
  b.user.rm('F')
  await b.engine.turn()
  a.user.rename('F/a', 'moved')
  a.user.chmod('moved', 0)
  assert.equal((await a.engine.turn()).isSettled, false)
  a.user.chmod('moved', 0o644)
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(b.disk), { keep: 'k', moved: 'x' })
})

test('a link whose target cannot be read is told, and holds nothing else up', async () => {
  const world = await household({ keep: 'k' })
  const { a, b } = world
  a.user.symlink('x', 'l')
  a.user.writeFile('new', 'n')
  a.faults.disk = ({ operation }) => {
    if (operation === 'disk.readLink') throw new SyncError(operation, 'unavailable', 'its target is not UTF-8')
  }
  const { troubles } = await a.engine.turn()
  assert.deepEqual(troubles, [{ path: 'l', kind: 'unreadable', message: 'its target is not UTF-8' }])
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { keep: 'k', new: 'n' })
})

test('a file that left a folder which was then closed arrives, and is nowhere said to be gone before it can be seen', async () => {
  const world = await household({ keep: 'k', 'p/f': 'x' })
  const { a, b } = world
  a.user.rename('p/f', 'f')
  a.user.chmod('p', 0)
  await a.engine.turn()
  await b.engine.turn()
  assert.equal(b.state.countFiles('link of device1'), 3)
  a.user.chmod('p', 0o755)
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(b.disk), { f: 'x', keep: 'k' })
})
