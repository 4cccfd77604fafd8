/** Stories of what a person does not want to have synced: patterns, sizes, ages; what begins to match, and what ends to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAlike, assertQuiet, household } from './household.suite.ts'
import type { RuleSettings } from './rules.ts'
import { filesOf, noSettings, settle, type Device } from './world.suite.ts'

const set = (device: Device, settings: Partial<RuleSettings>): void => {
  device.rules = { ...device.rules, settings: { ...noSettings.settings, ...settings } }
}
const troublesOf = async ({ engine }: Device) => {
  const { troubles, isSettled } = await engine.turn()
  assert.equal(isSettled, true)
  return troubles.map(({ path, kind }) => `${path}: ${kind}`)
}

test('what .anysyncignore names is not sent, on any device, and the file itself is', async () => {
  const world = await household()
  const { a, b } = world
  a.user.writeFile('.anysyncignore', '*.tmp\nbuild/\n!keep.tmp\n')
  for (const path of ['x.tmp', 'keep.tmp', 'build/out', 'src/y.tmp', 'src/y']) a.user.writeFile(path, path)
  await settle(world)
  assert.deepEqual(Object.keys(await filesOf(b.disk)), ['.anysyncignore', 'keep.tmp', 'src/y'])
  b.user.writeFile('src/z.tmp', 'z')
  await settle(world)
  assert.equal((await filesOf(a.disk))['src/z.tmp'], undefined)
  assert.deepEqual(await troublesOf(a), [])
  await assertQuiet(b)
})

test('what begins to match stays in the vault and on every disk, and says so', async () => {
  const world = await household({ 'x.log': 'x', 'f/y.log': 'y', keep: 'k' })
  const { a, b } = world
  set(a, { exclude: ['*.log'] })
  assert.deepEqual(await troublesOf(a), ['x.log: excluded', 'f/y.log: excluded'])
  a.user.writeFile('x.log', 'edited here')
  a.user.rm('f/y.log')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'f/y.log': 'y', keep: 'k', 'x.log': 'x' })
  set(a, {})
  await settle(world)
  // Nothing was deleted by a deletion that the rules kept here: it comes back with them gone.
  assert.deepEqual(await filesOf(b.disk), { 'f/y.log': 'y', keep: 'k', 'x.log': 'edited here' })
  assert.deepEqual(await filesOf(a.disk), await filesOf(b.disk))
})

test('what the head does to something that is left out here does not touch it', async () => {
  const world = await household({ 'edited.log': 'e', 'deleted.log': 'd', 'moved.log': 'm', 'logs/x': 'x', keep: 'k' })
  const { a, b, clock } = world
  set(a, { exclude: ['*.log', 'logs/'] })
  await a.engine.turn()
  b.user.writeFile('edited.log', 'by b')
  b.user.rm('deleted.log')
  b.user.rename('moved.log', 'moved.txt')
  b.user.writeFile('new.log', 'n')
  b.user.rm('logs')
  clock.advance(1000)
  await settle(world)
  assert.deepEqual(await filesOf(a.disk), {
    'deleted.log': 'd',
    'edited.log': 'e',
    keep: 'k',
    'logs/x': 'x',
    'moved.log': 'm',
    'moved.txt': 'm',
  })
  await assertQuiet(a)
  set(a, {})
  await settle(world)
  await assertAlike(world)
  const files = await filesOf(b.disk)
  for (const content of ['by b', 'e', 'd', 'm', 'n', 'x']) assert.ok(Object.values(files).includes(content), content)
  assert.equal(files['edited.log'], 'by b')
})

test('a file that is moved to a name that is left out here moves along', async () => {
  const world = await household({ 'notes.txt': 'n', keep: 'k' })
  const { a, b } = world
  set(a, { exclude: ['*.bak'] })
  b.user.rename('notes.txt', 'notes.bak')
  await settle(world)
  assert.deepEqual(await filesOf(a.disk), { keep: 'k', 'notes.bak': 'n' })
  assert.deepEqual(await filesOf(b.disk), { keep: 'k', 'notes.bak': 'n' })
})

test('a folder of which nothing is synced is not sent until something in it is', async () => {
  const world = await household()
  const { a, b } = world
  set(a, { exclude: ['*.tmp'] })
  a.user.writeFile('scratch/deep/x.tmp', 'x')
  a.user.mkdir('empty')
  await settle(world)
  assert.equal(await b.disk.lstat('scratch'), null)
  assert.equal((await b.disk.lstat('empty'))?.kind, 'folder')
  a.user.writeFile('scratch/deep/y', 'y')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'scratch/deep/y': 'y' })
})

test('a file that is too large is neither sent nor brought, and comes when it may', async () => {
  const world = await household({ grows: 'small' })
  const { a, b, clock } = world
  set(a, { sizeBytesMax: 10 })
  a.user.writeFile('large here', 'more than ten bytes')
  a.user.writeFile('grows', 'more than ten bytes too')
  b.user.writeFile('large there', 'more than ten bytes as well')
  clock.advance(1000)
  await settle(world)
  assert.deepEqual(Object.keys(await filesOf(a.disk)), ['grows', 'large here'])
  assert.deepEqual(await filesOf(b.disk), { grows: 'small', 'large there': 'more than ten bytes as well' })
  assert.deepEqual(await troublesOf(a), ['grows: excluded', 'large here: excluded'])
  set(a, {})
  await settle(world)
  await assertAlike(world)
  assert.equal((await filesOf(b.disk))['grows'], 'more than ten bytes too')
})

test('a file that was just changed waits for its age, and one that is too old stays here', async () => {
  const world = await household()
  const { a, b, clock } = world
  set(a, { ageMsMin: 60_000, ageMsMax: 3_600_000 })
  a.user.writeFile('fresh', 'f')
  a.user.writeFile('old', 'o')
  a.user.setMtime('old', clock.nowNs() - 7_200_000_000_000n)
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), {})
  clock.advance(61_000)
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { fresh: 'f' })
  // Once it is in the vault, its age says nothing any more.
  clock.advance(7_200_000)
  assert.deepEqual(await troublesOf(a), ['old: excluded'])
  await assertQuiet(b)
})

test('rules that cannot be read stop the turn, and nothing is sent that they might have kept here', async () => {
  const world = await household()
  const { a, b } = world
  a.user.writeFile('.anysyncignore', Uint8Array.of(0xff, 0xfe, 0xfd))
  a.user.writeFile('secret', 's')
  await assert.rejects(a.engine.turn(), /not UTF-8/)
  a.user.writeFile('.anysyncignore', 'secret\n')
  await settle(world)
  assert.deepEqual(Object.keys(await filesOf(b.disk)), ['.anysyncignore'])
})
