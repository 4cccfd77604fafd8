/**
 * Stories in which something fails, or a person does something, in the middle of a turn. What was done stands, what
 * was not is done later, and nothing that a person did goes unseen.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { assertBaseIsHead } from './settled.suite.ts'
import { assertAlike, household, refuseAppends } from './household.suite.ts'
import { createWorld, filesOf, settle, type Device, type World } from './world.suite.ts'

/** The process dies when its record is accepted and the base says so, but before its turn is over. */
const dieAfterAppend = ({ server }: World, { faults }: Device): void => {
  let commits = -1
  server.setFault(({ operation, moment }) => {
    if (operation === 'vault.append' && moment === 'after') commits = 0
  })
  faults.commit = (moment) => {
    // First the log, then the base.
    if (commits < 0 || moment !== 'before' || ++commits < 3) return
    server.setFault(null)
    faults.commit = null
    throw new Error('the process died')
  }
}

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
  assert.equal(b.state.totals('link of device1').files, 3)
  a.user.chmod('p', 0o755)
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(b.disk), { f: 'x', keep: 'k' })
})

test('a new file that must give way keeps a name that a person can see, even when the process dies in between', async () => {
  const world = await household({ keep: 'k' })
  const { a, b } = world
  b.user.mkdir('x')
  await b.engine.turn()
  a.user.writeFile('x', 'file')
  a.faults.disk = ({ operation }) => {
    if (operation === 'disk.makeFolder') throw new Error('the process died')
  }
  await assert.rejects(a.engine.turn(), /died/)
  a.faults.disk = null
  a.restart()
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(Object.keys(await filesOf(b.disk)), ['keep', 'x (conflict device0 2026-01-01 000002)'])
})

test('a file whose new name cannot be stored here keeps the old one, also when another shall have that', async () => {
  const world = await createWorld(1, 2, { device1: ['con'] })
  const [a, b] = world.devices
  assert.ok(a && b)
  a.user.writeFile('f/x', 'x')
  a.user.writeFile('g/y', 'y')
  await settle(world)
  a.user.rename('f', 'con')
  a.user.rename('g', 'f')
  await a.engine.turn()
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { 'f/x': 'x', 'g/y': 'y' })
})

test('a new folder that cannot have its name yet keeps only what is in it waiting', async () => {
  const world = await household({ 'p/k': 'k' })
  const { a, b } = world
  b.user.writeFile('p/x', 'file')
  await b.engine.turn()
  a.user.writeFile('p/x/inside', 'i')
  a.user.writeFile('other', 'o')
  a.user.chmod('p', 0o500)
  assert.equal((await a.engine.turn()).isSettled, false)
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { 'p/x': 'file', 'p/k': 'k', other: 'o' })
  a.user.chmod('p', 0o755)
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(Object.values(await filesOf(b.disk)).sort(), ['file', 'i', 'k', 'o'])
})

test('a folder is not deleted in the vault while the file that was moved out of it cannot follow', async () => {
  const world = await household({ 'F/a': 'x', 'p/k': 'k' })
  const { a, b } = world
  b.user.writeFile('p/a', 'other')
  await b.engine.turn()
  a.user.rename('F/a', 'p/a')
  a.user.rm('F')
  a.user.chmod('p', 0o500)
  await a.engine.turn()
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { 'F/a': 'x', 'p/a': 'other', 'p/k': 'k' })
  a.user.chmod('p', 0o755)
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(Object.values(await filesOf(b.disk)).sort(), ['k', 'other', 'x'])
})

test('what a folder is at is known again after the process died between a push and the end of its turn', async () => {
  const world = await household({ keep: 'k', 'f/x': 'x' })
  const { a, b } = world
  b.user.writeFile('f/y', 'y')
  await b.engine.turn()
  a.user.writeFile('new', 'n')
  dieAfterAppend(world, a)
  await assert.rejects(a.engine.turn(), /died/)
  a.restart()
  await settle(world)
  await assertAlike(world)
  await assertBaseIsHead(a)
})

test('a vault that returns to an older tree is seen, though the process died on the way to the newer one', async () => {
  const world = await household({ x: 'x', y: 'y' })
  const { a, b } = world
  const older = a.vault.newest()
  assert.ok(older)
  a.user.rm('x')
  await a.engine.turn()
  let commits = -1
  b.faults.disk = ({ operation }) => {
    if (operation === 'disk.remove') commits = 0
  }
  b.faults.commit = (moment) => {
    if (commits >= 0 && moment === 'before' && ++commits === 2) throw new Error('the process died')
  }
  await assert.rejects(b.engine.turn(), /died/)
  Object.assign(b.faults, { disk: null, commit: null })
  b.restart()
  const { sequence, hash } = a.vault.newest() ?? assert.fail()
  const { root, statistics } = older
  await a.vault.commit({ expected: { sequence, hash }, root, touched: null, isPartial: false, statistics })
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(b.disk), { x: 'x', y: 'y' })
})

test('a vault that returns to the tree before a push is seen, though the process died after that push', async () => {
  const world = await household({ 'g/y': 'y' })
  const { a, b } = world
  const { root, statistics } = a.vault.newest() ?? assert.fail()
  a.user.writeFile('g/x', 'x')
  world.clock.advance(1000)
  dieAfterAppend(world, a)
  await assert.rejects(a.engine.turn(), /died/)
  a.restart()
  const { sequence, hash } = (await b.vault.refresh()) ?? assert.fail()
  await b.vault.commit({ expected: { sequence, hash }, root, touched: null, isPartial: false, statistics })
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(a.disk), { 'g/y': 'y' })
})

test('a new file that cannot be written yet, in a folder that this turn moves elsewhere, comes later all the same', async () => {
  const world = await household({ 'c/x': 'x', 'a/y': 'y' })
  const { a, b } = world
  a.user.writeFile('c/new', 'n')
  await a.engine.turn()
  b.user.rename('c', 'a/c')
  b.faults.disk = ({ operation }) => {
    if (operation === 'disk.createTemp') throw new SyncError(operation, 'unavailable', 'it is busy')
  }
  assert.equal((await b.engine.turn()).isSettled, false)
  b.faults.disk = null
  b.restart()
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(b.disk), { 'a/c/x': 'x', 'a/c/new': 'n', 'a/y': 'y' })
})
