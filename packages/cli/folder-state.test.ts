import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWorld, type Device } from '@anysync/client/sync/world.suite.ts'
import { folderState, pathState } from './folder-state.ts'

const linkOf = ({ state }: Device) => state.links()[0] ?? assert.fail('no link')
const stateOf = (device: Device) => folderState(device.state, device.disk, linkOf(device))
const pathOf = async (device: Device, path: string) =>
  (await pathState(device.state, device.disk, linkOf(device), path)).state

const openDevice = async (): Promise<Device> => (await createWorld(1, 1)).devices[0] ?? assert.fail('no device')

test('a folder is in step only after a turn that settled it', async () => {
  const device = await openDevice()
  device.user.writeFile('docs/a', 'x')
  assert.equal((await stateOf(device)).state, 'never-synced')
  await device.engine.turn()
  const { state, files, head, reason, turnNs, scanNs } = await stateOf(device)
  assert.deepEqual([state, files, head?.sequence, reason], ['in-step', 1, 1, ''])
  assert.ok(turnNs !== null && scanNs !== null)
})

test('a file tells what the next turn will look at', async () => {
  const device = await openDevice()
  for (const name of ['same', 'edited', 'gone']) device.user.writeFile(`docs/${name}`, name)
  await device.engine.turn()
  device.user.writeFile('docs/edited', 'edited again')
  device.user.writeFile('docs/new', 'new')
  device.user.rm('docs/gone')
  const states = await Promise.all(
    ['same', 'edited', 'new', 'gone', 'nothing'].map((name) => pathOf(device, `docs/${name}`)),
  )
  assert.deepEqual(states, ['in-step', 'changed-here', 'new-here', 'removed-here', 'unknown'])
  assert.equal(await pathOf(device, 'nowhere/at/all'), 'unknown')
})

test('deletions that wait, and a folder that is gone, are said before anything else', async () => {
  const device = await openDevice()
  for (let number = 0; number < 30; number++) device.user.writeFile(`docs/${number}`, 'x')
  await device.engine.turn()
  device.user.rm('docs')
  await device.engine.turn()
  const waiting = await stateOf(device)
  assert.deepEqual([waiting.state, waiting.waiting], ['waiting', { deletions: 30, files: 30 }])
  device.user.hideUnderEmptyFolder()
  assert.equal((await stateOf(device)).state, 'missing')
  device.user.unplug()
  assert.equal((await stateOf(device)).state, 'missing')
})

test('what could not be read is trouble, and what is not for syncing is not', async () => {
  const device = await openDevice()
  device.user.makeOther('pipe')
  await device.engine.turn()
  const skipped = await stateOf(device)
  assert.deepEqual([skipped.state, skipped.troubles.map(({ path }) => path)], ['in-step', ['pipe']])
  device.user.writeFile('secret', 'x', 0o000)
  await device.engine.turn()
  assert.equal((await stateOf(device)).state, 'troubled')
})
