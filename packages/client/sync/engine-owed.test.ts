/**
 * Stories in which a turn does not do all that it found, and no hint will tell of it again: the next turns look there all
 * the same, though they are asked to look nowhere.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { assertAlike, failAt, household, refuseAppends } from './household.suite.ts'
import { nothing } from './scope.ts'
import { createWorld, filesOf } from './world.suite.ts'

test('what a turn placed before it failed is looked at by the next, though the vault does not have it any more', async () => {
  const world = await household({ 'f/x': 'x' })
  const { a, b } = world
  a.user.writeFile('f/new', 'n')
  await a.engine.turn()
  failAt(b, 'disk.settle', { from: 2 })
  await assert.rejects(b.engine.turn(nothing), /busy/)
  b.faults.disk = null
  a.user.rm('f/new')
  await a.engine.turn()
  await b.engine.turn(nothing)
  await a.engine.turn(nothing)
  assert.deepEqual(await filesOf(b.disk), { 'f/x': 'x', 'f/new': 'n' })
  await assertAlike(world)
})

test('a moved file that cannot be read, and was deleted elsewhere, is looked at where it lies now', async () => {
  const world = await household({ d: 'x', 'box/y': 'y' })
  const { a, b } = world
  a.user.rm('d')
  await a.engine.turn()
  b.user.rename('d', 'box/d')
  failAt(b, 'disk.openFile', { path: 'box/d' })
  assert.equal((await b.engine.turn(new Set(['', 'box']))).isSettled, false)
  b.faults.disk = null
  await b.engine.turn(nothing)
  await a.engine.turn(nothing)
  assert.deepEqual(await filesOf(a.disk), { 'box/d': 'x', 'box/y': 'y' })
  await assertAlike(world)
})

test('a folder that could not be listed when everything was looked at is looked into, with all below, until it can be', async () => {
  const world = await household({ 'f/g/h/x': 'x' })
  const { a, b } = world
  b.user.writeFile('f/g/h/new', 'n')
  failAt(b, 'disk.list', { path: 'f' })
  await b.engine.turn()
  await b.engine.turn(nothing)
  failAt(b, 'disk.list', { path: 'f/g' })
  await b.engine.turn(nothing)
  b.faults.disk = null
  await b.engine.turn(nothing)
  await a.engine.turn(nothing)
  assert.deepEqual(await filesOf(a.disk), { 'f/g/h/x': 'x', 'f/g/h/new': 'n' })
})

test('a folder that could not be listed in a round that another follows is looked into, with all below, by that one', async () => {
  const world = await household({ 'f/g/h/x': 'x', 'k/y': 'y' })
  const { a, b } = world
  b.user.writeFile('f/g/h/new', 'n')
  b.user.rename('f', 'k/f')
  b.user.writeFile('k/busy', '')
  let lists = 0
  b.faults.disk = ({ operation, path }) => {
    const isRefused = operation === 'disk.list' ? path === 'k/f/g' && ++lists === 1 : path === 'k/busy'
    if (isRefused) throw new SyncError(operation, 'unavailable', 'it is busy')
  }
  await b.engine.turn(new Set(['', 'k']))
  b.faults.disk = null
  await b.engine.turn(nothing)
  await a.engine.turn(nothing)
  assert.deepEqual(await filesOf(a.disk), { 'k/busy': '', 'k/f/g/h/new': 'n', 'k/f/g/h/x': 'x', 'k/y': 'y' })
})

test('a folder that could not be listed is looked into at its new place, after a turn that failed', async () => {
  const world = await household({ 'f/g/x': 'x', 'h/y': 'y' })
  const { a, b } = world
  b.user.writeFile('f/g/new', 'n')
  failAt(b, 'disk.list', { path: 'f' })
  await b.engine.turn()
  b.faults.disk = null
  a.user.rename('f', 'h/f')
  await a.engine.turn()
  b.user.writeFile('h/z', 'z')
  refuseAppends(world)
  await assert.rejects(b.engine.turn(new Set(['h'])))
  world.server.setFault(null)
  await b.engine.turn(nothing)
  await a.engine.turn(nothing)
  assert.deepEqual(await filesOf(a.disk), { 'h/f/g/x': 'x', 'h/f/g/new': 'n', 'h/y': 'y', 'h/z': 'z' })
})

test('what is in a folder that came anew before a turn failed comes with the next', async () => {
  const world = await household({ 'f/x': 'x', 'g/y': 'y' })
  const { a, b } = world
  a.user.rename('f', 'g/f')
  await a.engine.turn()
  b.user.rm('f')
  b.user.makeOther('f')
  b.user.writeFile('g/new', 'n')
  refuseAppends(world)
  await assert.rejects(b.engine.turn())
  world.server.setFault(null)
  await b.engine.turn(nothing)
  assert.deepEqual(await filesOf(b.disk), { 'g/f/x': 'x', 'g/new': 'n', 'g/y': 'y' })
})

test('what is new in a folder that a turn moved on before it failed is sent by the next', async () => {
  const world = await household({ 'f/x': 'x', 'g/y': 'y', 'h/z': 'z' })
  const { a, b } = world
  a.user.rename('f', 'h/f')
  await a.engine.turn()
  b.user.writeFile('f/new', 'n')
  b.user.rename('f', 'g/f')
  refuseAppends(world)
  await assert.rejects(b.engine.turn(new Set(['f', '', 'g'])))
  world.server.setFault(null)
  await b.engine.turn(nothing)
  await a.engine.turn(nothing)
  for (const { disk } of [a, b])
    assert.deepEqual(await filesOf(disk), { 'h/f/x': 'x', 'h/f/new': 'n', 'g/y': 'y', 'h/z': 'z' })
})

test('a folder that a turn was still to look into when it failed is looked into by the next', async () => {
  const world = await household({ 'f/x': 'x' })
  const { a, b } = world
  b.restart({ roundChangesMax: 1 })
  await b.engine.turn()
  b.user.writeFile('new/y', 'y')
  let appends = 0
  world.server.setFault(({ operation, moment }) => {
    if (operation === 'vault.append' && moment === 'before' && ++appends === 2)
      throw new SyncError('remote.test', 'unavailable', 'the line is cut')
  })
  await assert.rejects(b.engine.turn(new Set([''])), /cut/)
  world.server.setFault(null)
  await b.engine.turn(nothing)
  await a.engine.turn(nothing)
  assert.deepEqual(await filesOf(a.disk), { 'f/x': 'x', 'new/y': 'y' })
})

test('what could not be carried out before a scan went on is looked at again', async () => {
  const { a, b } = await household({ 'f/x': 'x', 'g/y': 'y' })
  b.restart({ roundChangesMax: 1 })
  await b.engine.turn()
  b.user.writeFile('f/x', 'edited')
  b.user.writeFile('g/y', 'edited as well')
  failAt(b, 'disk.openFile', { path: 'f/x' })
  assert.equal((await b.engine.turn(new Set(['f', 'g']))).isSettled, false)
  b.faults.disk = null
  await b.engine.turn(nothing)
  await a.engine.turn(nothing)
  assert.deepEqual(await filesOf(a.disk), { 'f/x': 'edited', 'g/y': 'edited as well' })
})

test('a folder that could not be listed before a scan went on is looked into with all below it', async () => {
  const world = await household({ 'a/b/x': 'x', 'c/y': 'y', 'e/z': 'z' })
  const { a, b } = world
  b.restart({ roundChangesMax: 1 })
  await b.engine.turn()
  b.user.writeFile('a/b/x', 'edited')
  b.user.writeFile('c/new', 'n')
  failAt(b, 'disk.list', { path: 'a', isOnce: true })
  await b.engine.turn()
  b.faults.disk = null
  await b.engine.turn(nothing)
  await a.engine.turn(nothing)
  assert.deepEqual(await filesOf(a.disk), { 'a/b/x': 'edited', 'c/y': 'y', 'c/new': 'n', 'e/z': 'z' })
})

test('a folder that two devices made is looked into, though the scan stopped before it came to it', async () => {
  const world = await household({ 'c/x': 'x', a: 'a' })
  const { a, b } = world
  b.restart({ roundChangesMax: 1 })
  await b.engine.turn()
  a.user.mkdir('c/new')
  await a.engine.turn()
  b.user.writeFile('a', 'edited')
  b.user.writeFile('c/new/y', 'y')
  await b.engine.turn(new Set(['', 'c/new', 'c']))
  await a.engine.turn(nothing)
  assert.deepEqual(await filesOf(a.disk), { 'c/x': 'x', 'c/new/y': 'y', a: 'edited' })
})

test('a folder that a turn moved is looked into where it is now, though it made way for a spelling of its name', async () => {
  const world = await household({ 'b/x': 'x', 'c/y': 'y', e: 'e' }, { foldsB: true })
  const { a, b } = world
  b.restart({ roundChangesMax: 1 })
  await b.engine.turn()
  a.user.rename('b', 'c/moved')
  a.user.mkdir('B')
  await a.engine.turn()
  b.user.writeFile('e', 'edited')
  b.user.rename('b/x', 'b/z')
  await b.engine.turn(new Set(['', 'b']))
  await a.engine.turn(nothing)
  assert.deepEqual(await filesOf(a.disk), { 'c/moved/z': 'x', 'c/y': 'y', e: 'edited' })
})

test('a first turn that goes on in rounds looks into each folder once', async () => {
  const world = await createWorld(1, 1)
  const [device] = world.devices
  assert.ok(device !== undefined)
  for (const path of ['a/1', 'a/b/2', 'c/3', 'c/d/4', 'e/5', '6']) device.user.writeFile(path, path)
  device.restart({ roundChangesMax: 1 })
  const listed: string[] = []
  device.faults.disk = ({ operation, path }) => {
    if (operation === 'disk.list') listed.push(path)
  }
  const report = await device.engine.turn()
  assert.deepEqual([report.pushed.files, report.isWhole, report.isSettled], [6, true, true])
  assert.deepEqual(listed.toSorted(), ['', 'a', 'a/b', 'c', 'c/d', 'e'])
})
