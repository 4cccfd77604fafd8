/**
 * Stories that the simulator found, each with the fault that it needs and nothing else.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble } from '@anysync/protocol/errors.ts'
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
