/** A pull of more than one round takes up: what each round brings stands, and nothing of it is told or brought twice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootNodeId } from '@anysync/protocol/ids.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { createEngine } from './engine.ts'
import { assertAlike, assertQuiet, failAt, household, type Household } from './household.suite.ts'
import type { Progress } from './report.ts'
import { filesOf, settle, type Device } from './world.suite.ts'

const folders = ['a', 'a/b', 'a/b/c', 'd', 'd/e', 'f']
const files = Object.fromEntries(
  folders.flatMap((folder) => [0, 1, 2].map((number) => [`${folder}/${number}`, `${folder} ${number}`])),
)

/** Eighteen files in six folders wait at the head for a device that takes up three changes at once. */
const waiting = async (): Promise<Household> => {
  const world = await household({ old: 'old' })
  for (const [path, content] of Object.entries(files)) world.a.user.writeFile(path, content)
  await world.a.engine.turn()
  world.b.restart({ roundChangesMax: 3 })
  return world
}

const rowAt = ({ state }: Device, path: string) => {
  let parent = rootNodeId
  for (const name of path.split('/'))
    parent = state.childrenNamed('link of device1', parent, name)[0]?.id ?? assert.fail()
  return state.node('link of device1', parent)
}

/** Calls once, when the disk is asked to place what goes to this path. */
const whenPlaced = ({ faults }: Device, wanted: string, act: () => void): void => {
  faults.disk = ({ operation, path }) => {
    if (operation !== 'disk.place' || path !== wanted) return
    faults.disk = null
    act()
  }
}

test('a pull of several rounds is one turn, and its progress tells of all of it', async () => {
  const world = await waiting()
  const { disk, state, vault, name } = world.b
  const [link] = state.links()
  assert.ok(link)
  const told: Progress[] = []
  const onProgress = (progress: Progress) => void (progress.phase === 'pull' && told.push(progress))
  const parts = { disk, state, clock: world.clock, chance: world.chance, vault, link, deviceName: name, onProgress }
  const report = await createEngine({ ...parts, roundChangesMax: 3 }).turn()
  assert.deepEqual([report.isSettled, report.isWhole, report.pulled.files, report.pulled.folders], [true, true, 18, 6])
  assert.deepEqual(await filesOf(disk), { ...files, old: 'old' })
  const bytesTotal = Object.values(files).join('').length
  for (const step of told) assert.deepEqual([step.filesTotal, step.bytesTotal], [18, bytesTotal])
  assert.deepEqual(
    told.map(({ bytes }) => bytes),
    told.map(({ bytes }) => bytes).toSorted((one, other) => one - other),
  )
  assert.deepEqual([told.at(-1)?.files, told.at(-1)?.bytes], [18, bytesTotal])
  await assertAlike(world)
  await assertQuiet(world.b)
})

test('what a round brought stands when a later one fails, and is not opened again', async () => {
  const world = await waiting()
  const { b } = world
  whenPlaced(b, 'f/1', () => {
    throw new SyncError('disk.place', 'full', 'the disk is full')
  })
  await assert.rejects(b.engine.turn(), /full/)
  assert.notEqual(rowAt(b, 'a')?.content, null)
  assert.equal(rowAt(b, 'f')?.content, null)
  assert.ok((await b.engine.turn()).pulled.files <= 2)
  await assertAlike(world)
  await assertQuiet(b)
})

test('what cannot be carried out keeps nothing behind it from coming, and is told once', async () => {
  const world = await waiting()
  const { b } = world
  failAt(b, 'disk.place', { path: 'a/0' })
  const report = await b.engine.turn()
  assert.equal(report.isSettled, false)
  assert.deepEqual(
    report.troubles.map(({ path, kind }) => [path, kind]),
    [['a/0', 'failed']],
  )
  const { 'a/0': missing, ...others } = files
  assert.ok(missing)
  assert.deepEqual(await filesOf(b.disk), { ...others, old: 'old' })
  b.faults.disk = null
  assert.equal((await b.engine.turn()).isSettled, true)
  await assertAlike(world)
})

test('what a person makes meanwhile in a folder that was not looked into is kept beside what comes', async () => {
  for (const content of ['mine', 'f 1']) {
    const world = await waiting()
    const { b } = world
    whenPlaced(b, 'a/0', () => {
      b.user.writeFile('f/1', content)
      b.user.writeFile('f/more', 'more')
    })
    await b.engine.turn()
    await settle(world)
    await assertAlike(world)
    const there = await filesOf(b.disk)
    assert.equal(there['f/1'], 'f 1')
    assert.equal(there['f/more'], 'more')
    assert.equal(Object.values(there).filter((text) => text === 'mine').length, content === 'mine' ? 1 : 0)
  }
})

test('what was moved into a new folder at the head is moved here too, however deep that is', async () => {
  const world = await household({ 'p/x': 'x', 'p/q/y': 'y' })
  const { a, b } = world
  for (const [path, text] of Object.entries(files)) a.user.writeFile(path, text)
  a.user.rename('p/x', 'a/b/c/x')
  a.user.rename('p/q', 'd/e/q')
  await a.engine.turn()
  b.restart({ roundChangesMax: 1 })
  const { inode } = (await b.disk.lstat('p/x')) ?? assert.fail()
  const report = await b.engine.turn()
  assert.deepEqual([report.isSettled, report.pulled.removed], [true, 0])
  assert.equal((await b.disk.lstat('a/b/c/x'))?.inode, inode)
  await assertAlike(world)
})

test('folders that nobody may write in come with all that is in them', async () => {
  const world = await waiting()
  const { a, b } = world
  for (const folder of ['d/e', 'd', 'a/b']) a.user.chmod(folder, 0o555)
  await a.engine.turn()
  assert.equal((await b.engine.turn()).isSettled, true)
  await assertAlike(world)
  await assertQuiet(b)
})

test('a folder that is deleted at the head before all of it came goes again', async () => {
  const world = await waiting()
  const { a, b } = world
  whenPlaced(b, 'a/2', () => {
    throw new SyncError('disk.place', 'full', 'the disk is full')
  })
  await assert.rejects(b.engine.turn(), /full/)
  for (const folder of ['a/b', 'f']) a.user.rm(folder)
  await a.engine.turn()
  await b.engine.turn()
  await settle(world)
  await assertAlike(world)
})
