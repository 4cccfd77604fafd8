/**
 * Stories of modes and times: what a person changes during a turn is neither taken back nor overlooked, and an edit in
 * the same tick of the clock as the one before is seen.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { assertBaseIsHead } from './settled.suite.ts'
import { assertAlike, household } from './household.suite.ts'
import { filesOf, settle } from './world.suite.ts'

test("a folder's mode that a person changes during a turn is not taken back, and arrives", async () => {
  for (const moment of ['disk.createTemp', 'disk.place', 'disk.settle']) {
    const world = await household({ 'f/x': 'x', 'f/y': 'y' })
    const { a, b } = world
    b.user.writeFile('f/x', 'edited')
    b.user.setMtime('f', 5n)
    await b.engine.turn()
    a.user.writeFile('f/y', 'edited too')
    a.faults.disk = ({ operation }) => {
      if (operation === moment) a.user.chmod('f', 0o711)
    }
    await a.engine.turn()
    a.faults.disk = null
    await settle(world)
    for (const { disk } of [a, b]) {
      assert.deepEqual(await filesOf(disk), { 'f/x': 'edited', 'f/y': 'edited too' })
      assert.equal((await disk.lstat('f'))?.mode, 0o711, moment)
    }
  }
})

test("a folder's mode that a person changes while its files are read arrives", async () => {
  const world = await household({ 'f/x': 'x' })
  const { a, b } = world
  a.user.writeFile('f/y', 'y')
  a.faults.disk = ({ operation }) => {
    if (operation === 'disk.read') a.user.chmod('f', 0o711)
  }
  await a.engine.turn()
  a.faults.disk = null
  await settle(world)
  await assertAlike(world)
  assert.equal((await b.disk.lstat('f'))?.mode, 0o711)
})

test("a file's mode that a person changes before it is compared arrives", async () => {
  const world = await household({ f: 'old' })
  const { a, b } = world
  b.user.writeFile('f', 'new')
  await b.engine.turn()
  world.clock.advance(1000)
  a.user.writeFile('f', 'new')
  a.faults.disk = ({ operation }) => {
    if (operation !== 'disk.openFile') return
    a.user.chmod('f', 0o600)
    a.faults.disk = null
  }
  await a.engine.turn()
  a.faults.disk = null
  await settle(world)
  await assertAlike(world)
  assert.equal((await b.disk.lstat('f'))?.mode, 0o600)
})

test('a folder whose time cannot be put back does not stop a turn', async () => {
  const world = await household({ 'f/x': 'x' })
  const { a, b } = world
  b.user.writeFile('f/new', 'n')
  await b.engine.turn()
  a.faults.disk = ({ operation, path }) => {
    if (operation === 'disk.setAttributes' && path === 'f') throw new SyncError(operation, 'unavailable', 'not yours')
  }
  const { isSettled } = await a.engine.turn()
  assert.equal(isSettled, true)
  assert.deepEqual(await filesOf(a.disk), { 'f/new': 'n', 'f/x': 'x' })
})

test('a second edit in the moment of the first is seen, however long the push takes', async () => {
  for (const moment of ['disk.read', 'vault.append']) {
    const world = await household({ keep: 'k' })
    const { a, b } = world
    a.user.writeFile('f', 'one')
    const first = await a.disk.lstat('f')
    assert.ok(first)
    const pass = ({ operation }: { operation: string }): void => {
      if (operation === moment) world.clock.advance(1000)
    }
    a.faults.disk = pass
    world.server.setFault(pass)
    await a.engine.turn()
    a.faults.disk = null
    world.server.setFault(null)
    a.user.rewriteUnseen('f', 'two')
    assert.deepEqual(await a.disk.lstat('f'), first)
    await settle(world)
    await assertAlike(world)
    assert.equal((await filesOf(b.disk))['f'], 'two', moment)
  }
})

test('a second edit in the moment of the first is seen when both devices made the first', async () => {
  const world = await household({ f: 'old', keep: 'k' })
  const { a, b } = world
  b.user.writeFile('f', 'one')
  b.user.writeFile('other', 'o')
  await b.engine.turn()
  world.clock.advance(1000)
  a.user.writeFile('f', 'one')
  a.faults.disk = ({ operation }) => {
    if (operation === 'disk.write') world.clock.advance(1000)
  }
  await a.engine.turn()
  a.faults.disk = null
  a.user.rewriteUnseen('f', 'two')
  await settle(world)
  await assertAlike(world)
  assert.equal((await filesOf(b.disk))['f'], 'two')
})

test("the base keeps the head's time of a folder whose own time is another", async () => {
  const world = await household({ 'f/x': 'x' })
  const { a, b } = world
  b.user.writeFile('f/made', 'and unmade')
  b.user.rm('f/made')
  for (const { user } of [a, b]) user.chmod('f', 0o700)
  await a.engine.turn()
  await b.engine.turn()
  await assertBaseIsHead(b)
})
