/**
 * Two devices that have settled on some files, and what a test says of them in the end.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import assert from 'node:assert/strict'
import { createWorld, linesOf, settle, type Device, type World } from './world.suite.ts'

export type Household = World & { a: Device; b: Device }

/** `foldsB`: whether the second device's disk takes Readme and README for one. */
export const household = async (
  files: Record<string, string> = {},
  { foldsB = false, refusedByB = [] as string[] } = {},
): Promise<Household> => {
  const world = await createWorld(1, 2, { device1: refusedByB }, foldsB ? ['device1'] : [])
  const [a, b] = world.devices
  assert.ok(a && b)
  for (const [path, content] of Object.entries(files)) a.user.writeFile(path, content)
  world.clock.advance(1000)
  await settle(world)
  world.clock.advance(1000)
  return { ...world, a, b }
}

export const assertAlike = async ({ devices }: World): Promise<void> => {
  const [first, ...others] = await Promise.all(devices.map(({ disk }) => linesOf(disk)))
  for (const other of others) assert.deepEqual(other, first)
}

export const assertQuiet = async (device: Device): Promise<void> => {
  const sequence = device.vault.newest()?.sequence
  const report = await device.engine.turn()
  assert.equal(report.isSettled, true)
  assert.deepEqual(
    Object.values({ ...report.pulled }).concat(Object.values(report.pushed)),
    Array.from({ length: 10 }, () => 0),
  )
  assert.equal(device.vault.newest()?.sequence, sequence)
}

/** Until undone, the server takes no record. */
export const refuseAppends = ({ server }: World): void =>
  server.setFault(({ operation }) => {
    if (operation === 'vault.append') throw new SyncError('remote.test', 'unavailable', 'the line is cut')
  })

/** Until undone, one kind of call fails, at one path when one is given; from the `from`-th such call on, once or always. */
export const failAt = ({ faults }: Device, name: string, { path = '', from = 1, isOnce = false } = {}): void => {
  let calls = 0
  faults.disk = ({ operation, path: at }) => {
    if (operation !== name || (path !== '' && at !== path)) return
    calls += 1
    if (isOnce ? calls === from : calls >= from) throw new SyncError(operation, 'unavailable', 'it is busy')
  }
}
