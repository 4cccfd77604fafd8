/**
 * Stories of how a turn is carried out: in which order, what stops it, and what it leaves as it was.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { assertBaseIsHead, assertNothingToDo } from './settled.suite.ts'
import { assertAlike, household } from './household.suite.ts'
import { createWorld, filesOf, linesOf, settle } from './world.suite.ts'

test('a full disk stops the turn at once, and what was pulled is complete when there is room again', async () => {
  const world = await household({ keep: 'k' })
  const { a, b } = world
  for (let number = 0; number < 30; number++) a.user.writeFile(`f${number}`, `content ${number}`)
  await a.engine.turn()
  let calls = 0
  b.faults.disk = ({ operation }) => {
    if (operation === 'disk.write' && ++calls > 3) throw new SyncError(operation, 'full', 'the disk is full')
  }
  await assert.rejects(b.engine.turn(), (error) => isTrouble(error, 'full'))
  assert.ok(calls < 30)
  assert.equal(b.disk.countTemps(), 0)
  b.faults.disk = null
  await settle(world)
  await assertAlike(world)
})

test('a device that was signed out stops, and does not take it for a trouble of one file', async () => {
  const { a, b, server } = await household({ keep: 'k' })
  a.user.writeFile('f', 'x')
  await a.engine.turn()
  let isPulling = false
  b.faults.disk = ({ operation }) => {
    isPulling ||= operation === 'disk.createTemp'
  }
  server.setFault(({ operation }) => {
    if (operation === 'pack.get' && isPulling) throw new SyncError(operation, 'unauthorized', 'signed out')
  })
  await assert.rejects(b.engine.turn(), (error) => isTrouble(error, 'unauthorized'))
})

test('a tree below a folder that nobody may enter arrives with its modes and times', async () => {
  const world = await createWorld(1)
  const [a, b] = world.devices
  assert.ok(a && b)
  a.user.writeFile('p/q/f', 'x', 0o600)
  a.user.chmod('p/q', 0o750)
  a.user.setMtime('p/q', 7n)
  const lines = await linesOf(a.disk)
  await a.engine.turn()
  a.user.chmod('p', 0)
  await a.engine.turn()
  assert.equal((await b.engine.turn()).pulled.files, 1)
  assert.equal((await b.disk.lstat('p'))?.mode, 0)
  b.user.chmod('p', 0o755)
  assert.deepEqual(await linesOf(b.disk), lines)
})

test('a folder whose time the head did not change keeps its time when a node leaves it', async () => {
  const world = await household({ 'f/x': 'x', 'f/y': 'y', 'f/z': 'z' })
  const { a, b } = world
  const time = (await a.disk.lstat('f'))?.mtimeNs ?? 0n
  a.user.rename('f/x', 'x')
  a.user.rm('f/y')
  a.user.writeFile('f/z', 'edited')
  a.user.setMtime('f', time)
  await a.engine.turn()
  await b.engine.turn()
  await assertAlike(world)
  assert.equal((await b.disk.lstat('f'))?.mtimeNs, time)
})

test('a file gives way to a folder in one round', async () => {
  const { a, b } = await household({ keep: 'k' })
  b.user.mkdir('x')
  await b.engine.turn()
  a.user.writeFile('x', 'file')
  let scans = 0
  a.faults.disk = ({ operation, path }) => {
    if (operation === 'disk.list' && path === '') scans += 1
  }
  assert.equal((await a.engine.turn()).isSettled, true)
  assert.equal(scans, 1)
  assert.equal((await a.disk.lstat('x'))?.kind, 'folder')
})

test('an exchange of names that was cut in the middle and taken back at the head leaves no node aside', async () => {
  const world = await household({ x: '1', y: '22' })
  const { a, b } = world
  const exchange = (): void => {
    a.user.rename('x', 't')
    a.user.rename('y', 'x')
    a.user.rename('t', 'y')
  }
  exchange()
  await a.engine.turn()
  let moves = 0
  b.faults.disk = ({ operation }) => {
    if (operation === 'disk.move' && ++moves === 2) throw new Error('the process died')
  }
  await assert.rejects(b.engine.turn(), /died/)
  b.faults.disk = null
  b.restart()
  exchange()
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(b.disk), { x: '1', y: '22' })
  for (const device of [a, b]) {
    await assertNothingToDo(device)
    await assertBaseIsHead(device)
  }
})

test('a new folder is made without a look, and takes no place that a person took by then', async () => {
  const { a, b } = await household({ keep: 'k' })
  a.user.writeFile('new/x', 'x')
  a.user.writeFile('taken/y', 'y')
  await a.engine.turn()
  const calls: string[] = []
  b.faults.disk = ({ operation, path }) => {
    calls.push(`${operation} ${path}`)
    if (operation === 'disk.makeFolder' && path === 'new') b.user.writeFile('taken', 'of a person')
  }
  await b.engine.turn()
  b.faults.disk = null
  assert.ok(!calls.slice(0, calls.indexOf('disk.makeFolder new')).includes('disk.lstat new'), calls.join('\n'))
  assert.deepEqual(Object.values(await filesOf(b.disk)).toSorted(), ['k', 'of a person', 'x', 'y'])
})

test("a folder's time comes with what left it", async () => {
  const world = await household({ 'f/x': 'x', 'g/y': 'y', keep: 'k' })
  world.a.user.rm('f/x')
  world.a.user.rename('g/y', 'y')
  await settle(world)
  await assertAlike(world)
})

test('temporary files of a folder that is linked elsewhere are left alone', async () => {
  const { a } = await household()
  await a.disk.createTemp('')
  await a.disk.writeMarker('the link of somebody else')
  await assert.rejects(a.engine.turn(), (error) => isTrouble(error, 'missing'))
  assert.equal(a.disk.countTemps(), 1)
})

test('a file that was only touched here takes an edit from there without a copy', async () => {
  const world = await household({ f: 'old' })
  world.a.user.writeFile('f', 'edited there')
  world.b.user.setMtime('f', 5n)
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(world.b.disk), { f: 'edited there' })
})

test('a file that both made, and that cannot be read now, stays as it is until it can', async () => {
  const world = await household({ keep: 'k' })
  const { a, b } = world
  for (const { user } of [a, b]) user.writeFile('f', 'same')
  await b.engine.turn()
  a.user.chmod('f', 0)
  const { troubles, isSettled, conflicts } = await a.engine.turn()
  assert.deepEqual([troubles.map(({ path, kind }) => [path, kind]), isSettled, conflicts], [[['f', 'busy']], false, []])
  a.user.chmod('f', 0o600)
  assert.deepEqual(await filesOf(a.disk), { f: 'same', keep: 'k' })
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(b.disk), { f: 'same', keep: 'k' })
})

test('files are flushed before they get their names, and names before the base knows of them', async () => {
  const { a, b } = await household({ keep: 'k', old: 'o', moved: 'm' })
  for (let number = 0; number < 3; number++) a.user.writeFile(`f${number}`, `content ${number}`)
  a.user.symlink('keep', 'link')
  a.user.rm('old')
  a.user.rename('moved', 'renamed')
  await a.engine.turn()
  const trace: string[] = []
  const files = b.state.totals('link of device1').files
  b.faults.disk = ({ operation }) => void trace.push(operation.slice('disk.'.length))
  b.faults.commit = (moment) => {
    if (moment === 'after' && b.state.totals('link of device1').files !== files) trace.push('base')
  }
  await b.engine.turn()
  const between = (from: number, to: number): string[] => trace.slice(from + 1, to)
  assert.ok(between(trace.lastIndexOf('finish'), trace.indexOf('place')).includes('settle'))
  assert.ok(trace.indexOf('finish') >= 0 && trace.lastIndexOf('finish') < trace.indexOf('place'))
  for (const change of ['place', 'placeLink', 'move', 'remove', 'setAttributes'])
    assert.ok(between(trace.lastIndexOf(change), trace.indexOf('base')).includes('settle'), change)
})

test('what a person saves while a turn runs is not replaced, moved, removed or given an older time', async () => {
  const names = ['edited', 'removed', 'moved', 'touched', 'link', 'under/moved', 'new', 'new link']
  for (const moment of [
    'disk.lstat',
    'disk.createTemp',
    'disk.finish',
    'disk.settle',
    'disk.move',
    'disk.remove',
    'disk.place',
  ])
    for (const save of ['writeFile', 'saveFile'] as const) {
      const world = await household({
        edited: '1',
        removed: '2',
        moved: '3',
        touched: '4',
        'under/moved': '5',
        keep: '6',
      })
      const { a, b } = world
      a.user.symlink('keep', 'link')
      await settle(world)
      b.user.writeFile('edited', 'edited there')
      b.user.rm('removed')
      b.user.rename('moved', 'moved there')
      b.user.setMtime('touched', 5n)
      b.user.symlink('edited', 'link')
      b.user.rename('under', 'under there')
      b.user.writeFile('new', 'new there')
      b.user.symlink('keep', 'new link')
      await b.engine.turn()
      world.clock.advance(1000)
      let isDone = false
      a.faults.disk = ({ operation }) => {
        if (operation !== moment || isDone) return
        isDone = true
        for (const name of names) {
          // A person's program replaces links, or writes the file that the folder still has under this name.
          if (name.includes('link')) a.user.saveFile(name, `${name} meanwhile`)
          else a.user[save](name, `${name} meanwhile`)
        }
      }
      await a.engine.turn()
      a.faults.disk = null
      assert.ok(isDone, moment)
      await settle(world)
      const found = new Set(Object.values(await filesOf(b.disk)))
      for (const name of names) assert.ok(found.has(`${name} meanwhile`), `${save} ${name} at ${moment}`)
      await assertBaseIsHead(a)
    }
})

test('a file that keeps changing is told, is not settled, and arrives when it rests', async () => {
  const world = await household({ keep: 'k' })
  const { a, b } = world
  a.user.writeFile('f', 'x')
  let writes = 0
  a.faults.disk = ({ operation, path }) => {
    if (operation === 'disk.read' && path === 'f') a.user.writeFile('f', `write ${(writes += 1)}`)
  }
  const { isSettled, troubles } = await a.engine.turn()
  assert.deepEqual([isSettled, troubles.map(({ path, kind }) => [path, kind])], [false, [['f', 'busy']]])
  a.faults.disk = null
  await settle(world)
  await assertAlike(world)
  assert.equal((await filesOf(b.disk))['f'], `write ${writes}`)
})

test('a name that is not free yet at the head, for its node cannot be moved here, keeps its next owner waiting', async () => {
  const world = await household({ 'p/a': 'first', 'q/k': 'k', x: 'next' })
  const { a, b } = world
  b.user.writeFile('q/a', 'other')
  await b.engine.turn()
  a.user.rename('p/a', 'q/a')
  a.user.rename('x', 'p/a')
  a.user.chmod('q', 0o500)
  assert.equal((await a.engine.turn()).isSettled, false)
  a.user.chmod('q', 0o755)
  await settle(world)
  await assertAlike(world)
  const { 'p/a': next, 'q/a': other, ...rest } = await filesOf(b.disk)
  assert.deepEqual([next, other, ...Object.values(rest).sort()], ['next', 'other', 'first', 'k'])
})
