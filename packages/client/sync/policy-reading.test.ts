/** Stories of files that cannot be read, grow while they are read, or are saved in the ways of editors. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { rootNodeId } from '@anysync/protocol/ids.ts'
import { assertBaseIsHead } from './settled.suite.ts'
import { assertAlike, household } from './household.suite.ts'
import { filesOf, settle, type Device } from './world.suite.ts'

const line = (number: number): string => `line ${number} of a log\n`.padEnd(64, '.')

test('an edit that cannot be read is told, deletes nothing, and arrives when it can be', async () => {
  const world = await household({ f: 'old', keep: 'k' })
  const { a, b } = world
  a.user.writeFile('f', 'edited')
  a.user.writeFile('other', 'o')
  a.user.chmod('f', 0)
  const { troubles, isSettled } = await a.engine.turn()
  assert.deepEqual([troubles.map(({ path, kind }) => [path, kind]), isSettled], [[['f', 'failed']], false])
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { f: 'old', keep: 'k', other: 'o' })
  a.user.chmod('f', 0o644)
  await settle(world)
  await assertAlike(world)
  assert.equal((await filesOf(b.disk))['f'], 'edited')
})

test('a file in a folder that cannot be listed is not deleted, and what arrives for it waits', async () => {
  const world = await household({ 'f/x': 'old', keep: 'k' })
  const { a, b } = world
  b.faults.disk = ({ operation, path }) => {
    if (`${path}/`.startsWith('f/') && (operation !== 'disk.lstat' || path !== 'f'))
      throw new SyncError(operation, 'unavailable', 'permission denied')
  }
  a.user.writeFile('f/x', 'edited')
  a.user.writeFile('f/new', 'n')
  await a.engine.turn()
  const { troubles, isSettled } = await b.engine.turn()
  assert.equal(isSettled, false)
  assert.ok(troubles.some(({ path, kind }) => path === 'f' && kind === 'unreadable'))
  await a.engine.turn()
  assert.deepEqual(await filesOf(a.disk), { 'f/x': 'edited', 'f/new': 'n', keep: 'k' })
  b.faults.disk = null
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), await filesOf(a.disk))
})

test('a file that grows while it is read goes up as it was at one moment', async () => {
  const world = await household({ keep: 'k' })
  const { a, b } = world
  let text = Array.from({ length: 1000 }, (_, number) => line(number)).join('')
  a.user.writeFile('log', text)
  let appends = 0
  a.faults.disk = ({ operation, path }) => {
    if (operation !== 'disk.read' || path !== 'log' || appends === 2) return
    appends += 1
    text += line(1000 + appends)
    a.user.writeFile('log', text)
  }
  await a.engine.turn()
  a.faults.disk = null
  assert.equal(appends, 2)
  await b.engine.turn()
  assert.equal((await filesOf(b.disk))['log'], text)
  await settle(world)
  await assertAlike(world)
})

test('every way in which an editor saves is an edit of one file, and leaves nothing behind on other devices', async () => {
  const ways: Record<string, (user: Device['user']) => void> = {
    'in place': (user) => user.writeFile('doc', 'saved'),
    'a new file takes the name': (user) => user.saveFile('doc', 'saved'),
    'the old one is set aside and removed': (user) => {
      user.rename('doc', 'doc~')
      user.writeFile('doc', 'saved')
      user.rm('doc~')
    },
    'a copy is written, the old one removed, the copy renamed': (user) => {
      user.writeFile('.doc.swp', 'saved')
      user.rm('doc')
      user.rename('.doc.swp', 'doc')
    },
  }
  for (const [way, save] of Object.entries(ways)) {
    const world = await household({ doc: 'old text', keep: 'k' })
    const { a, b } = world
    const idOf = (): string | undefined =>
      b.state.children('link of device1', rootNodeId).find(({ name }) => name === 'doc')?.id
    const id = idOf()
    save(a.user)
    world.clock.advance(1000)
    await settle(world)
    await assertAlike(world)
    assert.deepEqual(await filesOf(b.disk), { doc: 'saved', keep: 'k' }, way)
    assert.equal(idOf(), id, way)
    await assertBaseIsHead(b)
  }
})
