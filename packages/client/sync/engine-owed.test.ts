/**
 * Stories in which a turn does not do all that it found, and no hint will tell of it again: the next turns look there all
 * the same, though they are asked to look nowhere.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { rootNodeId } from '@anysync/protocol/ids.ts'
import { assertAlike, household, refuseAppends } from './household.suite.ts'
import { nothing } from './scope.ts'
import { filesOf, settle, type Device } from './world.suite.ts'

/** Until undone, one kind of call fails, at one path when one is given; from the `from`-th such call on, once or always. */
const failAt = ({ faults }: Device, name: string, { path = '', from = 1, isOnce = false } = {}): void => {
  let calls = 0
  faults.disk = ({ operation, path: at }) => {
    if (operation !== name || (path !== '' && at !== path)) return
    calls += 1
    if (isOnce ? calls === from : calls >= from) throw new SyncError(operation, 'unavailable', 'it is busy')
  }
}

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

test('a folder that went into one that it held is not agreed on before that one has left it', async () => {
  const world = await household({ 'y/x/c/f': 'f', 'z/g': 'g' })
  const { a, b } = world
  a.user.rename('y/x', 'z/x')
  await a.engine.turn()
  b.user.rename('y/x', 'l')
  b.user.rename('y', 'l/c/y')
  failAt(b, 'disk.move')
  await b.engine.turn()
  await b.engine.turn(nothing)
  b.faults.disk = null
  await b.engine.turn(nothing)
  await a.engine.turn(nothing)
  assert.deepEqual(await filesOf(b.disk), { 'z/g': 'g', 'z/x/c/f': 'f' })
  await assertAlike(world)
})

test('what is new in a folder that cannot come does not come to another that took its place', async () => {
  const { a, b } = await household({ 'p/n/x': 'x', 'q/y': 'y' })
  a.user.rename('p/n', 'q/n')
  await a.engine.turn()
  a.user.writeFile('q/n/new', 'n')
  a.user.writeFile('p/n/z', 'z')
  await a.engine.turn()
  b.user.rm('p/n')
  b.user.makeOther('q/n')
  await b.engine.turn()
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { 'p/n/z': 'z', 'q/y': 'y' })
  await a.engine.turn()
  assert.equal((await filesOf(a.disk))['q/n/new'], 'n')
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
  b.restart({ scanChangesMax: 1 })
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

test('a folder that could not be listed before a scan went on is looked into with all below it', async () => {
  const world = await household({ 'a/b/x': 'x', 'c/y': 'y', 'e/z': 'z' })
  const { a, b } = world
  b.restart({ scanChangesMax: 1 })
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

test('what lies below a folder whose own step failed is moved from where it is, and not made once more', async () => {
  const world = await household({ 'c/d/x': 'x' })
  const { a, b } = world
  a.user.mkdir('box')
  a.user.rename('c', 'box/c')
  await a.engine.turn()
  failAt(b, 'disk.setAttributes', { path: 'box' })
  assert.equal((await b.engine.turn()).isSettled, false)
  b.faults.disk = null
  a.user.rename('box/c/d', 'box/n')
  await a.engine.turn()
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'box/n/x': 'x' })
  await assertAlike(world)
})

test('a confirmation is not used up by what goes before the deletions that it is for', async () => {
  const files = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`m/f/${index}`, `${index}`]))
  const world = await household({ ...files, 'm/z': 'z' })
  const { a } = world
  a.restart({ scanChangesMax: 1 })
  await a.engine.turn()
  a.user.writeFile('new', 'n')
  a.user.rm('m/f')
  assert.equal((await a.engine.turn()).waiting?.deletions, 12)
  a.user.writeFile('newer', 'n')
  a.engine.confirm()
  assert.equal((await a.engine.turn()).waiting, null)
  await settle(world)
  assert.deepEqual(await filesOf(world.b.disk), { 'm/z': 'z', new: 'n', newer: 'n' })
})

test('the base has nothing below a folder that it does not have, as when a socket has the name of the folder', async () => {
  const world = await household({ x: 'x' }, { refusedByB: ['con'] })
  const { a, b } = world
  b.user.makeOther('f')
  a.user.writeFile('f/con', 'c')
  await a.engine.turn()
  assert.equal((await b.engine.turn()).isSettled, false)
  assert.deepEqual(
    [...b.state.nodes('link of device1')].map(({ name }) => name),
    ['x'],
  )
  b.user.rm('f')
  await settle(world)
  assert.deepEqual(
    [...b.state.nodes('link of device1')].map(({ name }) => name),
    ['x', 'f', 'con'],
  )
})

test('a folder that two devices made is looked into, though the scan stopped before it came to it', async () => {
  const world = await household({ 'c/x': 'x', a: 'a' })
  const { a, b } = world
  b.restart({ scanChangesMax: 1 })
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
  b.restart({ scanChangesMax: 1 })
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

test('what a turn deletes in several rounds is one deletion, about which it asks', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 14 }, (_, index) => [`${'ab'[index % 2]}/${index}`, `${index}`]),
  )
  const world = await household({ ...files, c: 'c' })
  const { b } = world
  b.user.rm('b')
  for (const path of Object.keys(files)) if (path.startsWith('a/')) b.user.rm(path)
  b.user.writeFile('c', 'edited')
  const once = new Set(['disk.list a', 'disk.openFile c'])
  b.faults.disk = ({ operation, path }) => {
    if (once.delete(`${operation} ${path}`)) throw new SyncError(operation, 'unavailable', 'it is busy')
  }
  assert.equal((await b.engine.turn()).waiting?.deletions, 7)
  b.engine.confirm()
  assert.equal((await b.engine.turn()).waiting, null)
  await settle(world)
  assert.deepEqual(await filesOf(world.a.disk), { c: 'edited' })
})

test('what a push deletes before another device overtakes it is deleted in this turn all the same', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 14 }, (_, index) => [`${'ab'[index % 2]}/${index}`, `${index}`]),
  )
  const { a, b, clock, server } = await household({ ...files, c: 'c' })
  b.user.rm('b')
  for (let index = 0; index < 6; index++) b.user.writeFile(`big ${index}`, `${index}`.repeat(300_000))
  // So slowly read that the push is committed in parts.
  b.faults.disk = ({ operation }) => {
    if (operation === 'disk.openFile') clock.advance(11_000)
  }
  let appends = 0
  server.setFault(async ({ operation, moment }) => {
    if (operation !== 'vault.append' || moment !== 'before' || ++appends !== 2) return
    a.user.writeFile('other', 'o')
    await a.engine.turn()
    for (const path of Object.keys(files)) if (path.startsWith('a/')) b.user.rm(path)
  })
  const report = await b.engine.turn()
  assert.equal(report.waiting?.deletions, 7)
  assert.equal(report.pushed.removed, 7)
})

test('a new folder is in the base before what is in it, also when the turn fails between two of its slices', async () => {
  const world = await household({ x: 'x' })
  const { a, b } = world
  // One more than a slice takes.
  for (let index = 0; index <= 2000; index++) a.user.writeFile(`f/${index}`, `${index}`)
  await a.engine.turn()
  failAt(b, 'disk.settle', { from: 3 })
  await assert.rejects(b.engine.turn(nothing), /busy/)
  b.faults.disk = null
  const rows = [...b.state.nodes('link of device1')]
  const ids = new Set(rows.map(({ id }) => id))
  assert.ok(rows.length > 1)
  assert.ok(rows.every(({ parent }) => parent === rootNodeId || ids.has(parent)))
  await settle(world)
  await assertAlike(world)
})
