/**
 * Stories of two devices. The policy: what one device does, the other does; two edits are both kept, the head's under
 * the name; an edit outlives a deletion; nothing is deleted because it is absent; a turn after a settled turn does nothing.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { assertBaseIsHead } from './settled.suite.ts'
import { assertAlike, assertQuiet, household } from './household.suite.ts'
import { createWorld, filesOf, linesOf, settle } from './world.suite.ts'

test('a tree arrives with contents, modes, times, links and empty folders', async () => {
  const world = await household()
  const { a, b } = world
  a.user.writeFile('deep/er/file', 'hello', 0o600)
  a.user.writeFile('empty', '')
  a.user.mkdir('nothing/here')
  a.user.symlink('../nowhere', 'deep/link')
  a.user.chmod('nothing', 0o750)
  a.user.setMtime('deep/er/file', 123_456_789_123_456_789n)
  a.user.setMtime('deep/link', 5n)
  a.user.setMtime('nothing/here', 7n)
  a.user.setMtime('deep', 11n)
  await settle(world)
  await assertAlike(world)
  assert.equal((await linesOf(b.disk)).length, 7)
  await assertQuiet(a)
  await assertQuiet(b)
})

test('edits travel both ways', async () => {
  const world = await household({ one: '1', two: '2' })
  world.a.user.writeFile('one', '1 by a')
  world.b.user.saveFile('two', '2 by b')
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(world.a.disk), { one: '1 by a', two: '2 by b' })
})

test('the same file edited on both sides yields both versions on both devices', async () => {
  const world = await household({ 'notes.txt': 'old' })
  world.a.user.writeFile('notes.txt', 'by a')
  world.b.user.writeFile('notes.txt', 'by b, longer')
  await settle(world)
  await assertAlike(world)
  const files = await filesOf(world.a.disk)
  assert.equal(files['notes.txt'], 'by a')
  const copy = Object.keys(files).find((name) => name.startsWith('notes (conflict device1 '))
  assert.ok(copy)
  assert.equal(files[copy], 'by b, longer')
})

test('two edits of equal length are told apart by their bytes', async () => {
  const world = await household({ f: 'old' })
  world.a.user.writeFile('f', 'abc')
  world.b.user.writeFile('f', 'xyz')
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(Object.values(await filesOf(world.a.disk)).sort(), ['abc', 'xyz'])
})

test('the same edit on both sides is one', async () => {
  const world = await household({ f: 'old' })
  world.a.user.writeFile('f', 'new')
  world.b.user.writeFile('f', 'new')
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(world.b.disk), { f: 'new' })
})

test('a deletion travels, and an edit outlives one', async () => {
  const world = await household({ gone: 'x', 'folder/kept': 'x', 'folder/gone': 'y' })
  world.a.user.rm('gone')
  world.a.user.rm('folder')
  world.b.user.writeFile('folder/kept', 'edited')
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(world.a.disk), { 'folder/kept': 'edited' })
})

test('moves, exchanges and edits under moves arrive without a copy', async () => {
  const world = await household({ 'f/x': 'x', a: '1', b: '22', other: 'o' })
  world.a.user.rename('f', 'g')
  world.a.user.rename('a', 't')
  world.a.user.rename('b', 'a')
  world.a.user.rename('t', 'b')
  world.b.user.writeFile('f/x', 'edited')
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(world.b.disk), { a: '22', b: '1', 'g/x': 'edited', other: 'o' })
})

test('a folder that becomes the child of its own child gets there', async () => {
  const world = await household({ 'a/b/x': 'x' })
  world.a.user.rename('a/b', 'b')
  world.a.user.rename('a', 'b/a')
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(world.b.disk), { 'b/x': 'x' })
})

test('a file that becomes a folder, and a folder that becomes a link, arrive', async () => {
  const world = await household({ f: 'x', 'g/y': 'y' })
  world.a.user.rm('f')
  world.a.user.writeFile('f/inside', 'x')
  world.a.user.rm('g')
  world.a.user.symlink('f', 'g')
  await settle(world)
  await assertAlike(world)
})

test('two new folders of one name merge, and equal files in them settle', async () => {
  const world = await household()
  for (const device of [world.a, world.b]) device.user.writeFile('shared/same', 'same')
  world.a.user.writeFile('shared/a', 'a')
  world.b.user.writeFile('shared/b', 'b')
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(world.a.disk), { 'shared/a': 'a', 'shared/b': 'b', 'shared/same': 'same' })
})

test('a deletion of most files waits, moves on when confirmed, and meanwhile what others do still arrives', async () => {
  const world = await household(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`f${index}`, `${index}`])))
  for (let index = 0; index < 11; index++) world.a.user.rm(`f${index}`)
  world.b.user.writeFile('new', 'n')
  await world.b.engine.turn()
  const report = await world.a.engine.turn()
  assert.deepEqual(report.waiting, { deletions: 11, scrambled: 0, files: 13 })
  assert.equal(report.isSettled, false)
  assert.equal((await filesOf(world.a.disk))['new'], 'n')
  await world.b.engine.turn()
  assert.equal(Object.keys(await filesOf(world.b.disk)).length, 13)
  assert.equal(world.a.engine.confirm()?.deletions, 11)
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(world.b.disk), { f11: '11', new: 'n' })
  // A confirmation is good once.
  for (let index = 0; index < 11; index++) world.a.user.writeFile(`again${index}`, `${index}`)
  await settle(world)
  for (let index = 0; index < 11; index++) world.a.user.rm(`again${index}`)
  assert.deepEqual((await world.a.engine.turn()).waiting, { deletions: 11, scrambled: 0, files: 13 })
})

test('a folder that is not there, or is another one, deletes nothing', async () => {
  const world = await household({ f: 'x' })
  world.a.user.unplug()
  await assert.rejects(world.a.engine.turn(), (error) => isTrouble(error, 'missing'))
  world.a.user.plug()
  world.a.user.hideUnderEmptyFolder()
  await assert.rejects(world.a.engine.turn(), (error) => isTrouble(error, 'missing'))
  await world.b.engine.turn()
  assert.deepEqual(await filesOf(world.b.disk), { f: 'x' })
})

test('a disk that is taken out in the middle of a look deletes nothing', async () => {
  const world = await household({ 'f/x': 'x', 'g/y': 'y', h: 'z' })
  for (let moment = 0; moment < 8; moment++) {
    let left = moment
    world.a.faults.disk = ({ operation }) => {
      if (operation === 'disk.list' && left-- === 0) world.a.user.hideUnderEmptyFolder()
    }
    await world.a.engine.turn().catch((error: unknown) => {
      if (!isTrouble(error, 'missing')) throw error
    })
    world.a.faults.disk = null
    if (left < 0) world.a.user.plug()
    await world.b.engine.turn()
    assert.deepEqual(await filesOf(world.b.disk), { 'f/x': 'x', 'g/y': 'y', h: 'z' })
  }
})

test('a lost state database makes no conflict and deletes nothing', async () => {
  const world = await household({ f: 'x', 'g/h': 'y' })
  const { a, b } = world
  a.loseState()
  b.user.rm('f')
  await b.engine.turn()
  await settle(world)
  await assertAlike(world)
  // Who forgot what was agreed on cannot tell a deletion there from a new file here: the file lives.
  assert.deepEqual(await filesOf(b.disk), { f: 'x', 'g/h': 'y' })
})

test('a folder that cannot be made for a moment does not leave its files out for good', async () => {
  const world = await household()
  world.a.user.writeFile('f/g/x', 'x')
  await world.a.engine.turn()
  let left = 1
  world.b.faults.disk = ({ operation }) => {
    if (operation === 'disk.makeFolder' && left-- > 0) throw new SyncError(operation, 'unavailable', 'it is busy')
  }
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(world.b.disk), { 'f/g/x': 'x' })
})

test('a name that a disk cannot store stays in the vault, is told, and is not a deletion', async () => {
  const [a, b] = (await createWorld(2, 2, { device1: ['aux', 'con'] })).devices
  assert.ok(a && b)
  a.user.writeFile('aux/x', 'x')
  a.user.writeFile('con', 'y')
  a.user.writeFile('fine', 'z')
  await a.engine.turn()
  const report = await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { fine: 'z' })
  assert.deepEqual(
    report.troubles.map(({ kind }) => kind),
    ['not-here', 'not-here'],
  )
  assert.equal(report.isSettled, true)
  await assertQuiet(b)
  await assertBaseIsHead(b)
  await a.engine.turn()
  assert.deepEqual(await filesOf(a.disk), { 'aux/x': 'x', con: 'y', fine: 'z' })
  a.user.writeFile('aux/later', 'l')
  await a.engine.turn()
  assert.equal((await b.engine.turn()).isSettled, true)
  await assertBaseIsHead(b)
  a.user.rm('aux/later')
  a.user.rename('con', 'now possible')
  a.user.rename('aux', 'so is this')
  await a.engine.turn()
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { fine: 'z', 'now possible': 'y', 'so is this/x': 'x' })
})

test('a turn that fails at the server carries on where it stopped', async () => {
  const world = await household()
  const { a } = world
  for (let index = 0; index < 30; index++) a.user.writeFile(`f${index}`, `content ${index}`)
  let calls = 0
  world.server.setFault(({ moment }) => {
    if (moment === 'after' && ++calls === 2) throw new SyncError('test', 'unavailable', 'lost')
  })
  await assert.rejects(a.engine.turn())
  world.server.setFault(null)
  a.restart()
  await settle(world)
  await assertAlike(world)
})

test("a link's new target arrives, even with its old time", async () => {
  const world = await household()
  const { a, b } = world
  for (const target of ['one', 'two']) {
    a.user.symlink(target, 'l')
    a.user.setMtime('l', 5n)
    await settle(world)
    assert.equal(await b.disk.readLink('l'), target)
  }
})
