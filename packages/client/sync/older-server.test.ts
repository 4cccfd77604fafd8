/**
 * A server that was put back to an earlier copy: nothing is deleted or taken back on any disk, what it lost is uploaded
 * again, and people are told.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { rootNodeId } from '@anysync/protocol/ids.ts'
import { acknowledgeAlarm, alarmOf } from './facts.ts'
import { assertAlike, assertQuiet, household } from './household.suite.ts'
import { assertBaseIsHead } from './settled.suite.ts'
import { filesOf, settle, type Device } from './world.suite.ts'

const yesterday = async (files: Record<string, string>) => {
  const world = await household(files)
  const copy = world.server.snapshot()
  return { ...world, restore: (isAnnounced: boolean) => world.server.restore(copy, { isAnnounced }) }
}
const alarmAt = ({ state, name }: Device) => alarmOf(state, `link of ${name}`)

for (const isAnnounced of [true, false]) {
  const how = isAnnounced ? 'restored' : 'put back unseen'

  test(`a server ${how} gets back what was made, edited, moved and touched since`, async () => {
    const world = await yesterday({ 'kept.txt': 'kept', 'edited.txt': 'v1', 'f/moved.txt': 'moved', 'old/x': 'x' })
    const { a, b, clock } = world
    a.user.writeFile('edited.txt', 'v2')
    a.user.rename('f/moved.txt', 'g/moved too.txt')
    a.user.writeFile('new/here.txt', 'new')
    await settle(world)
    clock.advance(1000)
    b.user.writeFile('by b.txt', 'b')
    b.user.chmod('kept.txt', 0o600)
    b.user.chmod('f', 0o700)
    b.user.rename('old', 'renamed')
    await settle(world)
    clock.advance(1000)
    const before = await filesOf(a.disk)
    world.restore(isAnnounced)
    for (const { faults } of [a, b])
      faults.disk = ({ operation }) => assert.ok(!/place|move|remove/.test(operation), operation)
    await settle(world)
    for (const { faults } of [a, b]) faults.disk = null
    assert.deepEqual(await filesOf(a.disk), before)
    await assertAlike(world)
    for (const device of [a, b]) {
      await assertBaseIsHead(device)
      const folder = device.state.childrenNamed(`link of ${device.name}`, rootNodeId, 'f')[0]
      assert.deepEqual([folder?.mode, (await device.disk.lstat('f'))?.mode], [0o700, 0o700])
      await assertQuiet(device)
      assert.match(alarmAt(device)?.message ?? '', /older or another history/)
    }
  })

  test(`what was deleted since a copy comes back when the server is ${how}, and is no deletion`, async () => {
    const world = await yesterday({ 'deleted.txt': 'deleted', 'folder/deleted too.txt': 'too', 'kept.txt': 'kept' })
    world.a.user.rm('deleted.txt')
    world.b.user.rm('folder')
    await settle(world)
    world.restore(isAnnounced)
    await settle(world)
    assert.deepEqual(Object.keys(await filesOf(world.a.disk)), ['deleted.txt', 'folder/deleted too.txt', 'kept.txt'])
    await assertAlike(world)
  })

  test(`what was moved out of a folder that was then deleted stays where it is when the server is ${how}`, async () => {
    const world = await yesterday({ 'old/below/in/x': 'x', 'old/y': 'y' })
    const { a, b } = world
    a.user.rename('old/below/in', 'in')
    a.user.rm('old')
    await settle(world)
    world.restore(isAnnounced)
    await a.engine.turn()
    assert.equal((await a.disk.lstat('in/x'))?.kind, 'file')
    await settle(world)
    assert.deepEqual(await filesOf(a.disk), { 'in/x': 'x', 'old/y': 'y' })
    assert.equal((await b.disk.lstat('old/below'))?.kind, 'folder')
    await assertAlike(world)
    for (const device of [a, b]) {
      await assertBaseIsHead(device)
      await assertQuiet(device)
    }
  })

  test(`what was moved out of a folder lives on when another deleted all of it after the server was ${how}`, async () => {
    const world = await yesterday({ 'old/below/x': 'x', 'kept/y': 'y' })
    const { a, b, clock } = world
    a.user.rename('old/below/x', 'kept/x')
    a.user.rm('old')
    await a.engine.turn()
    clock.advance(1000)
    world.restore(isAnnounced)
    b.user.rm('old')
    await b.engine.turn()
    await a.engine.turn()
    assert.deepEqual(await filesOf(a.disk), { 'kept/x': 'x', 'kept/y': 'y' })
    await settle(world)
    await assertAlike(world)
    await assertBaseIsHead(a)
    await assertQuiet(a)
  })

  test(`edits that nobody had pushed when the server was ${how} arrive as well`, async () => {
    const world = await yesterday({ 'one.txt': '1', 'two.txt': '2' })
    const { a, b, clock } = world
    a.user.writeFile('one.txt', '1 by a')
    await settle(world)
    clock.advance(1000)
    world.restore(isAnnounced)
    b.user.writeFile('two.txt', '2 by b')
    b.user.writeFile('three.txt', '3 by b')
    clock.advance(1000)
    await b.engine.turn()
    a.user.writeFile('four.txt', '4 by a')
    await settle(world)
    await assertAlike(world)
    assert.deepEqual(await filesOf(b.disk), {
      'four.txt': '4 by a',
      'one.txt': '1 by a',
      'three.txt': '3 by b',
      'two.txt': '2 by b',
    })
  })
}

test('a device that was away while another went on with the older server keeps its own edits and gets the others', async () => {
  const world = await yesterday({ 'x.txt': 'x' })
  const { a, b, clock } = world
  b.user.writeFile('b.txt', 'before the restore')
  await settle(world)
  clock.advance(1000)
  world.restore(false)
  b.user.writeFile('b.txt', 'never pushed')
  clock.advance(1000)
  for (let number = 0; number < 5; number++) {
    a.user.writeFile(`a${number}.txt`, `${number}`)
    await a.engine.turn()
    clock.advance(1000)
  }
  await settle(world)
  await assertAlike(world)
  const files = await filesOf(a.disk)
  assert.deepEqual(
    Object.keys(files).length,
    7 + (Object.keys(files).some((name) => name.includes('conflict')) ? 1 : 0),
  )
  assert.ok(Object.values(files).includes('never pushed'))
})

test('a device that had not yet followed what the older server still has takes it, and overwrites nothing', async () => {
  const world = await household({ 'x.txt': 'v1', 'gone.txt': 'gone' })
  const { a, b, clock } = world
  a.user.writeFile('x.txt', 'v2')
  a.user.rm('gone.txt')
  await a.engine.turn()
  const copy = world.server.snapshot()
  clock.advance(1000)
  a.user.writeFile('y.txt', 'y')
  await a.engine.turn()
  // As any command does that shows the vault and does not sync.
  await b.vault.refresh()
  world.server.restore(copy, { isAnnounced: false })
  clock.advance(1000)
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { 'x.txt': 'v2' })
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(a.disk), { 'x.txt': 'v2', 'y.txt': 'y' })
  assert.match(alarmAt(b)?.message ?? '', /older or another history/)
})

for (const path of ['x.txt', 'f/g/x.txt'])
  test(`what was not carried out yet when a server went back overwrites nothing, and nothing is lost: ${path}`, async () => {
    const world = await household({ [path]: 'v1', 'f/z.txt': 'z' })
    const { a, b, clock } = world
    a.user.saveFile(path, 'v2')
    // The folder above is owed as well, and comes first.
    if (path !== 'x.txt') a.user.chmod('f/g', 0o700)
    await a.engine.turn()
    const copy = world.server.snapshot()
    clock.advance(1000)
    a.user.writeFile('y.txt', 'y')
    await a.engine.turn()
    b.faults.disk = ({ operation }) => {
      if (/place|setAttributes/.test(operation)) throw new SyncError(operation, 'unavailable', 'it is busy')
    }
    await b.engine.turn()
    b.faults.disk = null
    assert.equal((await filesOf(b.disk))[path], 'v1')
    world.server.restore(copy, { isAnnounced: false })
    clock.advance(1000)
    await b.engine.turn()
    await settle(world)
    await assertAlike(world)
    const files = await filesOf(a.disk)
    assert.equal(files[path], 'v2')
    assert.equal(files['y.txt'], 'y')
  })

test('a server put back to an empty vault gets everything again', async () => {
  const world = await household()
  const empty = world.server.snapshot()
  world.a.user.writeFile('f/a.txt', 'a')
  world.b.user.writeFile('b.txt', 'b')
  await settle(world)
  world.clock.advance(1000)
  world.server.restore(empty, { isAnnounced: true })
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(world.b.disk), { 'b.txt': 'b', 'f/a.txt': 'a' })
})

test('a server that is put back again and again, in the middle of turns too, loses nothing', async () => {
  const world = await yesterday({ 'x.txt': '0' })
  const { a, b, clock } = world
  for (let number = 1; number <= 4; number++) {
    a.user.writeFile('x.txt', `${number}`)
    b.user.writeFile(`y${number}.txt`, `${number}`)
    await settle(world)
    clock.advance(1000)
    world.restore(number % 2 === 0)
    if (number === 3) world.restore(false)
  }
  await settle(world)
  await assertAlike(world)
  const files = await filesOf(a.disk)
  assert.equal(files['x.txt'], '4')
  for (const number of ['1', '2', '3', '4']) assert.equal(files[`y${number}.txt`], number)
  // Which of two contents came first, nobody can know who lost the record of it: both are kept.
  assert.deepEqual(
    Object.keys(files).filter((name) => !/^[xy]\d?( \(conflict .*\))?\.txt$/.test(name)),
    [],
  )
})

test('the alarm stays until a person has seen it', async () => {
  const world = await yesterday({ 'x.txt': 'x' })
  const { a } = world
  a.user.writeFile('x.txt', 'y')
  await settle(world)
  world.restore(false)
  await settle(world)
  await a.engine.turn()
  assert.notEqual(alarmAt(a), null)
  acknowledgeAlarm(a.state, 'link of device0')
  await a.engine.turn()
  assert.equal(alarmAt(a), null)
})

test('what a server lost is uploaded again by a turn that was to look at nothing', async () => {
  const { a, b, restore } = await yesterday({ kept: 'kept' })
  a.user.writeFile('new', 'new')
  await a.engine.turn()
  restore(true)
  await a.engine.turn(new Set())
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), { kept: 'kept', new: 'new' })
})
