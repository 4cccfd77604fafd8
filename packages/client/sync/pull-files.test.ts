/** Slices of a pull: one is written while the one before gets its names; what stops one leaves the other whole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import type { DiskFault } from '../memory/disk-files.ts'
import { assertAlike, household, type Household } from './household.suite.ts'
import { filesOf } from './world.suite.ts'

const files = Object.fromEntries(Array.from({ length: 6 }, (_, number) => [`f/${number}`, `content ${number}`]))

/** Six files wait at the head for a device that places two at a time. */
const waitingFiles = async (): Promise<Household> => {
  const world = await household({ 'f/old': 'old' })
  for (const [path, content] of Object.entries(files)) world.a.user.writeFile(path, content)
  await world.a.engine.turn()
  world.b.restart({ sliceFilesMax: 2 })
  return world
}

/** Fails as a full disk does, from the `from`-th call of this kind on. */
const fullAt = (name: string, from: number): DiskFault => {
  let calls = 0
  return ({ operation }) => {
    if (operation === name && ++calls >= from) throw new SyncError(operation, 'full', 'the disk is full')
  }
}

test('a slice is written while the one before gets its names', { timeout: 20_000 }, async () => {
  const world = await waitingFiles()
  const { promise: isNextBegun, resolve } = Promise.withResolvers<void>()
  let created = 0
  world.b.faults.disk = ({ operation, path }) => {
    if (operation === 'disk.createTemp' && ++created === 3) resolve()
    return operation === 'disk.place' && path === 'f/0' ? isNextBegun : undefined
  }
  await world.b.engine.turn()
  assert.deepEqual(await filesOf(world.b.disk), { ...files, 'f/old': 'old' })
  await assertAlike(world)
})

test('a disk that is full stops the pull: the slice before comes to its end, and no temporary file is left', async () => {
  const world = await waitingFiles()
  const { b } = world
  b.faults.disk = fullAt('disk.createTemp', 4)
  await assert.rejects(b.engine.turn(), /full/)
  assert.deepEqual(Object.keys(await filesOf(b.disk)).toSorted(), ['f/0', 'f/1', 'f/old'])
  assert.equal(b.disk.countTemps(), 0)
  b.faults.disk = null
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { ...files, 'f/old': 'old' })
})

test('a disk that cannot be settled stops the pull: what the next slice wrote is thrown away', async () => {
  const world = await waitingFiles()
  const { b } = world
  b.faults.disk = fullAt('disk.settle', 1)
  await assert.rejects(b.engine.turn(), /full/)
  assert.deepEqual(await filesOf(b.disk), { 'f/old': 'old' })
  assert.equal(b.disk.countTemps(), 0)
  b.faults.disk = null
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { ...files, 'f/old': 'old' })
})
