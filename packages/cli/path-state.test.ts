import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootNodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode, DiskStat } from '@anysync/client/ports.ts'
import { createWorld, type Device } from '@anysync/client/sync/world.suite.ts'
import { folderState, type FolderWord } from './folder-state.ts'
import { knowFolder, knowPath, type SeenDaemon } from './knowledge.ts'
import { pathState, type PathKnowledge } from './path-state.ts'

const stat: DiskStat = { kind: 'file', size: 1, mode: 0o644, mtimeNs: 1n, ctimeNs: 1n, device: 1n, inode: 1n }
const node: BaseNode = {
  id: rootNodeId,
  parent: rootNodeId,
  name: 'a',
  kind: 'file',
  mode: 0o644,
  mtimeNs: 1n,
  size: 1,
  content: Uint8Array.of(1),
  linkTarget: '',
  disk: stat,
  absence: null,
}
const synced: PathKnowledge = {
  path: 'docs/a',
  node,
  absentAbove: null,
  stat,
  exclusion: null,
  trouble: null,
  travelling: null,
  folder: { state: 'up-to-date', reason: '' },
}
const folder = (state: FolderWord, reason = 'why') => ({ folder: { state, reason } })
type Trouble = NonNullable<PathKnowledge['trouble']>
const trouble = (kind: Trouble['kind'], path = 'docs/a') => ({ trouble: { path, kind, message: 'why it is so' } })
const travels = (phase: 'push' | 'pull', bytes: number, size = 10) => ({
  travelling: { path: 'docs/a', phase, bytes, size },
})
const absent = (kind: 'name' | 'twin' | 'rules' | 'mode') => ({
  node: { ...node, disk: null, absence: { kind, message: `its ${kind}` } },
  stat: null,
})

const table: [seen: string, known: Partial<PathKnowledge>, state: string, reason: RegExp][] = [
  ['as agreed', {}, 'synced', /^$/],
  ['as agreed, and no daemon', folder('in-step'), 'synced', /as of the last turn/],
  ['remembered as racy', { node: { ...node, disk: { ...stat, ctimeNs: 0n } } }, 'synced', /^$/],
  ['a conflict copy', { path: 'docs/a (conflict d 2026-11-25 101010).txt' }, 'conflict-copy', /second of two edits/],
  ['going up', travels('push', 4), 'uploading', /^40 %$/],
  ['going up, longer than planned', travels('push', 40), 'uploading', /^100 %$/],
  ['coming down', { ...travels('pull', 9), node: null, stat: null }, 'downloading', /^90 %$/],
  ['an empty one', travels('push', 0, 0), 'uploading', /^100 %$/],
  ['being written', trouble('busy'), 'being-written', /why it is so/],
  ['changed', { stat: { ...stat, size: 2 } }, 'waiting', /^changed here: it is read, and pushed/],
  ['changed, paused', { stat: { ...stat, size: 2 }, ...folder('paused') }, 'waiting', /but the folder is paused: why/],
  ['new', { node: null }, 'waiting', /^new here/],
  ['new, offline', { node: null, ...folder('offline') }, 'waiting', /but the folder is offline: why/],
  ['deleted', { stat: null }, 'waiting', /^deleted here: its removal is pushed/],
  ['deleted, and it waits for a person', { stat: null, ...folder('waiting') }, 'held', /^deleted here: why/],
  ['the root is gone', { stat: null, ...folder('stopped') }, 'stopped', /^why$/],
  ['stopped for another reason', folder('stopped'), 'synced', /as of the last turn/],
  ['a name that cannot be here', absent('name'), 'not-here', /^its name$/],
  ['a twin', absent('twin'), 'not-here', /^its twin$/],
  ['left out by a rule', absent('rules'), 'not-here', /^its rules$/],
  ['left out by the mode', absent('mode'), 'not-here', /^its mode$/],
  [
    'in a folder that is not here',
    { ...absent('name'), absentAbove: { path: 'docs', message: 'its name' } },
    'not-here',
    /^the folder docs is not on this disk: its name$/,
  ],
  ['excluded', { node: null, exclusion: 'a pattern matches it' }, 'not-synced', /^a pattern matches it$/],
  ['newly excluded', { exclusion: 'a pattern matches it' }, 'not-synced', /; what the vault has of it stays there$/],
  ['excluded, as the turn told', { node: null, ...trouble('excluded') }, 'not-synced', /why it is so/],
  ['in an excluded folder', { node: null, ...trouble('excluded', 'docs') }, 'not-synced', /^the folder docs: why/],
  ['a socket', { node: null, ...trouble('skipped') }, 'not-synced', /why it is so/],
  ['unreadable', { node: null, ...trouble('unreadable') }, 'failed', /why it is so/],
  ['in an unreadable folder', { stat: null, ...trouble('unreadable', 'docs') }, 'failed', /^the folder docs: why/],
  ['failed', trouble('failed'), 'failed', /why it is so/],
  ['held by the mode', { node: null, ...trouble('held') }, 'held', /why it is so/],
  ['corrupt', { node: null, stat: null, ...trouble('corrupt') }, 'failed', /why it is so/],
  ['not here, as the turn told', { node: null, stat: null, ...trouble('not-here') }, 'not-here', /why it is so/],
  ['nothing at all', { node: null, stat: null }, 'unknown', /nothing of that name/],
]

test('the state of a path, by all that is known of it', () => {
  for (const [seen, known, state, reason] of table) {
    const found = pathState({ ...synced, ...known })
    assert.equal(found.state, state, seen)
    assert.match(found.reason, reason, seen)
    assert.equal(found.percent !== null, known.travelling !== undefined, seen)
  }
})

const exclusionOf = () => null
const noDaemon: SeenDaemon = { seen: 'none', status: null, trouble: '' }
const linkOf = ({ state }: Device) => state.links()[0] ?? assert.fail('no link')
const stateOf = async (device: Device) =>
  folderState(await knowFolder(device.state, device.disk, linkOf(device), noDaemon))
const pathOf = async ({ state, disk }: Device, path: string) => {
  const [link] = state.links()
  assert.ok(link)
  const known = await knowFolder(state, disk, link, noDaemon)
  return pathState(await knowPath({ state, disk, link, known, folder: folderState(known), exclusionOf }, path)).state
}
const openDevice = async (): Promise<Device> => (await createWorld(1, 1)).devices[0] ?? assert.fail('no device')

test('a file tells what the next turn will look at', async () => {
  const device = await openDevice()
  for (const name of ['same', 'edited', 'gone']) device.user.writeFile(`docs/${name}`, name)
  assert.equal((await stateOf(device)).state, 'never-synced')
  await device.engine.turn()
  assert.equal((await stateOf(device)).state, 'in-step')
  device.user.writeFile('docs/edited', 'edited again')
  device.user.writeFile('docs/new', 'new')
  device.user.rm('docs/gone')
  const names = ['same', 'edited', 'new', 'gone', 'nothing']
  const states = await Promise.all(names.map((name) => pathOf(device, `docs/${name}`)))
  assert.deepEqual(states, ['synced', 'waiting', 'waiting', 'waiting', 'unknown'])
  assert.equal(await pathOf(device, 'nowhere/at/all'), 'unknown')
})

test('deletions that wait, and a folder that is gone, are said before anything else', async () => {
  const device = await openDevice()
  for (let number = 0; number < 30; number++) device.user.writeFile(`docs/${number}`, 'x')
  await device.engine.turn()
  device.user.rm('docs')
  await device.engine.turn()
  assert.equal((await stateOf(device)).state, 'waiting')
  assert.equal(await pathOf(device, 'docs/3'), 'held')
  device.user.hideUnderEmptyFolder()
  assert.equal((await stateOf(device)).state, 'stopped')
  assert.equal(await pathOf(device, 'docs/3'), 'stopped')
  device.user.unplug()
  assert.equal((await stateOf(device)).state, 'stopped')
})

test('what could not be read is trouble, and what is not for syncing is not', async () => {
  const device = await openDevice()
  device.user.makeOther('pipe')
  await device.engine.turn()
  assert.equal((await stateOf(device)).state, 'in-step')
  assert.equal(await pathOf(device, 'pipe'), 'not-synced')
  device.user.writeFile('secret', 'x', 0o000)
  await device.engine.turn()
  assert.equal((await stateOf(device)).state, 'troubled')
  assert.equal(await pathOf(device, 'secret'), 'failed')
})
