/**
 * Stories in which a step cannot be carried out: the rows of the base go on making a tree, in which each says where its node
 * is, and nothing is put into a folder that is not here.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { rootNodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode } from '../ports.ts'
import { assertAlike, failAt, household } from './household.suite.ts'
import { nothing } from './scope.ts'
import { filesOf, settle } from './world.suite.ts'

/** Every row lies in a folder that has one. */
const assertTree = (rows: BaseNode[]): void => {
  const ids = new Set(rows.map(({ id }) => id))
  for (const { name, parent } of rows) assert.ok(parent === rootNodeId || ids.has(parent), `${name} lies below nothing`)
}

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

test('what is new in a folder whose old name a socket has is not in the base before the folder came under its new name', async () => {
  const world = await household({ 'f/k/y': 'y' })
  const { a, b } = world
  a.user.rename('f', 'g')
  const times = await a.disk.lstat('g/k')
  assert.ok(times)
  a.user.writeFile('g/k/new/deep', 'n')
  // Nothing else of its folder changes.
  a.user.setMtime('g/k', times.mtimeNs)
  await a.engine.turn()
  b.user.rm('f')
  b.user.makeOther('f')
  let looks = 0
  b.faults.disk = ({ operation, path }) => {
    if (operation === 'disk.list' && path === '' && ++looks === 2)
      throw new SyncError(operation, 'unavailable', 'it is busy')
  }
  await assert.rejects(b.engine.turn(), /it is busy/)
  assertTree([...b.state.nodes('link of device1')])
  b.faults.disk = null
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'g/k/new/deep': 'n', 'g/k/y': 'y' })
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
  assert.ok(rows.length > 1)
  assertTree(rows)
  await settle(world)
  await assertAlike(world)
})
