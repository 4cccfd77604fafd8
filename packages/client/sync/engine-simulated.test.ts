/**
 * Stories that the simulator found, each with the fault that it needs and nothing else.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { assertAlike, household } from './household.suite.ts'
import { assertBaseIsHead } from './settled.suite.ts'
import { filesOf, linesOf, settle } from './world.suite.ts'

test('a file that waits for its name arrives though its folder was moved meanwhile', async () => {
  const world = await household({ 'F/x': 'x', 'H/y': 'y' })
  const { a, b } = world
  b.user.makeOther('F/new')
  a.user.writeFile('F/new', 'n')
  world.clock.advance(1000)
  await a.engine.turn()
  b.user.rename('F', 'H/F')
  assert.equal((await b.engine.turn()).isSettled, false)
  b.user.rm('H/F/new')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'H/F/new': 'n', 'H/F/x': 'x', 'H/y': 'y' })
  assert.deepEqual(await filesOf(a.disk), await filesOf(b.disk))
  await assertBaseIsHead(b)
})

test('a deletion is not undone by a device that only has to look at its file once more', async () => {
  const world = await household()
  const { a, b } = world
  // So fresh that its stat is not trusted, and the next turn reads it again.
  a.user.writeFile('x', 'x')
  await a.engine.turn()
  await b.engine.turn()
  b.user.rm('x')
  await b.engine.turn()
  await settle(world)
  assert.deepEqual([await filesOf(a.disk), await filesOf(b.disk)], [{}, {}])
})

test('what was made in the folder that hides a disk is not taken for deleted when the disk is back', async () => {
  const world = await household({ x: 'x' })
  const { a, b } = world
  a.user.symlink('x', 'link')
  await a.engine.turn()
  b.faults.disk = ({ operation }) => {
    if (operation === 'disk.placeLink') b.user.hideUnderEmptyFolder()
  }
  await assert.rejects(b.engine.turn(), (error) => isTrouble(error, 'missing'))
  b.faults.disk = null
  b.user.plug()
  await settle(world)
  await assertAlike(world)
  assert.ok((await linesOf(a.disk)).some((line) => line.startsWith('link symlink')))
})

test('a file that moved into a folder which is not on a disk is found there, though a process died between two looks', async () => {
  const world = await household({ x: 'x', keep: 'k' })
  const { a, b } = world
  b.setMode('backup')
  a.user.rename('x', 'new/x')
  world.clock.advance(1000)
  await a.engine.turn()
  // It backs its own place of the file up, and dies before that.
  world.server.setFault(({ operation, moment }) => {
    if (operation === 'vault.append' && moment === 'before') throw new Error('the process died')
  })
  await assert.rejects(b.engine.turn(), /the process died/)
  world.server.setFault(null)
  b.restart()
  await b.engine.turn()
  b.setMode('sync')
  await settle(world)
  assert.deepEqual(await filesOf(a.disk), await filesOf(b.disk))
  for (const device of world.devices) await assertBaseIsHead(device)
})

test('a push goes on though something else lies where a folder was, and that is no race', async () => {
  const world = await household({ 'F/G/x': 'x', keep: 'k' })
  const { a, b } = world
  b.user.rename('F/G/x', 'moved')
  b.user.rm('F')
  b.user.makeOther('F')
  world.clock.advance(1000)
  await b.engine.turn()
  await a.engine.turn()
  assert.deepEqual(await filesOf(a.disk), { moved: 'x', keep: 'k' })
})

test('an edit is seen though its folder could not be looked at for a moment', async () => {
  const world = await household({ 'F/G/x': 'x', keep: 'k' })
  const { a, b } = world
  await b.engine.turn()
  b.user.writeFile('F/G/x', 'edited')
  let isBusy = true
  b.faults.disk = ({ operation, path }) => {
    if (operation !== 'disk.lstat' || path !== 'F' || !isBusy) return
    isBusy = false
    throw new SyncError(operation, 'unavailable', 'it is busy')
  }
  await b.engine.turn(new Set(['F/G', 'F', '']))
  assert.equal(isBusy, false)
  await a.engine.turn()
  assert.deepEqual(await filesOf(a.disk), { 'F/G/x': 'edited', keep: 'k' })
})

test('a folder that cannot be listed is told, whatever a turn looks at, until it can; then its edits arrive', async () => {
  const world = await household({ 'F/x': 'x', keep: 'k' })
  const { a, b } = world
  b.user.writeFile('F/x', 'edited')
  b.faults.disk = ({ operation, path }) => {
    if (operation === 'disk.list' && path === 'F') throw new SyncError(operation, 'unavailable', 'permission denied')
  }
  for (const scope of ['all', new Set(['']), new Set<string>()] as const) {
    const { troubles } = await b.engine.turn(scope)
    assert.deepEqual(
      troubles.map(({ path, kind }) => [path, kind]),
      [['F', 'unreadable']],
    )
  }
  b.faults.disk = null
  assert.deepEqual((await b.engine.turn(new Set())).troubles, [])
  await a.engine.turn()
  assert.deepEqual(await filesOf(a.disk), { 'F/x': 'edited', keep: 'k' })
})

test('an edit in a folder that a turn then moves is seen, though the watcher told of the old place', async () => {
  const world = await household({ 'F/x': 'x', 'H/keep': 'k' })
  const { a, b } = world
  await b.engine.turn()
  a.user.rename('F', 'H/G')
  await a.engine.turn()
  b.faults.disk = ({ operation, path }) => {
    if (operation === 'disk.move' && path === 'F') b.user.writeFile('F/x', 'edited')
  }
  await b.engine.turn(new Set())
  b.faults.disk = null
  world.clock.advance(1000)
  await b.engine.turn(new Set(['F']))
  await a.engine.turn()
  assert.deepEqual(await filesOf(a.disk), { 'H/G/x': 'edited', 'H/keep': 'k' })
})

test('what a race kept from being pushed is pushed from where the same turn moved it', async () => {
  const world = await household({ 'F/x': 'x', 'H/keep': 'k' })
  const { a, b } = world
  await b.engine.turn()
  a.user.rename('F', 'H/G')
  await a.engine.turn()
  b.user.writeFile('F/x', 'edited')
  let hasRaced = false
  world.server.setFault(({ operation, moment }) => {
    if (operation !== 'vault.append' || moment !== 'before' || hasRaced) return
    hasRaced = true
    throw new SyncError('remote.test', 'conflict', 'the head moved')
  })
  world.clock.advance(1000)
  await b.engine.turn(new Set(['F']))
  world.server.setFault(null)
  assert.equal(hasRaced, true)
  await a.engine.turn()
  assert.deepEqual(await filesOf(a.disk), { 'H/G/x': 'edited', 'H/keep': 'k' })
})

test('many deletions that wait do not pass a few at a time', async () => {
  const names = Array.from({ length: 13 }, (_, number) => `${number < 5 ? 'F' : 'G'}/${number}`)
  const world = await household(Object.fromEntries(names.map((name) => [name, name])))
  const { a, b } = world
  await b.engine.turn()
  // Somebody's edit brings one of the two folders back.
  a.user.writeFile('F/0', 'edited')
  await a.engine.turn()
  b.user.rm('F')
  b.user.rm('G')
  world.clock.advance(1000)
  for (const scope of [new Set(['']), new Set<string>(), new Set<string>()]) {
    const { waiting, pushed } = await b.engine.turn(scope)
    assert.deepEqual([waiting?.deletions, pushed.removed], [12, 0])
  }
})
