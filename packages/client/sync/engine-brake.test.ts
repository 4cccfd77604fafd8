/**
 * The brake: a push that would replace many files by random bytes waits for a person. What others do still arrives, and
 * nothing of it reaches them until it is confirmed or undone. [Note: the brake]
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededChance } from '../memory/chance.ts'
import { assertAlike, household, type Household } from './household.suite.ts'
import { filesOf, settle } from './world.suite.ts'

const letter = (i: number): string => `dear reader of letter ${i}, it was long ago. `.repeat(40)
const letters = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`letters/${i}.txt`, letter(i)]))

const chance = seededChance(7)
const random = (): Uint8Array => chance.bytes(2000)

const scramble = ({ a }: Household, from: number, to: number, suffix = ''): void => {
  for (let i = from; i < to; i++) {
    a.user.writeFile(`letters/${i}.txt${suffix}`, random())
    if (suffix !== '') a.user.rm(`letters/${i}.txt`)
  }
}

test('scrambled files wait, others arrive meanwhile, and a confirmation lets them through once', async () => {
  const world = await household(letters(40))
  const before = await filesOf(world.b.disk)
  scramble(world, 0, 25)
  world.b.user.writeFile('new', 'n')
  await world.b.engine.turn()
  const report = await world.a.engine.turn()
  assert.deepEqual(report.waiting, { deletions: 0, scrambled: 25, files: 41 })
  assert.deepEqual([report.isSettled, report.snapshots], [false, 0])
  assert.equal(report.troubles.filter(({ kind }) => kind === 'held').length, 25)
  assert.equal((await filesOf(world.a.disk))['new'], 'n')
  await world.b.engine.turn()
  assert.deepEqual(await filesOf(world.b.disk), { ...before, new: 'n' })
  // More than was confirmed is asked about again.
  assert.equal(world.a.engine.confirm()?.scrambled, 25)
  scramble(world, 25, 30)
  assert.equal((await world.a.engine.turn()).waiting?.scrambled, 30)
  world.a.engine.confirm()
  await settle(world)
  await assertAlike(world)
  // What was confirmed is nothing of which more would be too much.
  scramble(world, 30, 31)
  assert.equal((await world.a.engine.turn()).waiting, null)
})

test('putting the files back lets the turn go on', async () => {
  const world = await household(letters(30))
  scramble(world, 0, 30)
  assert.equal((await world.a.engine.turn()).waiting?.scrambled, 30)
  for (const [path, content] of Object.entries(letters(30))) world.a.user.writeFile(path, content)
  const report = await world.a.engine.turn()
  assert.deepEqual([report.waiting, report.isSettled, report.troubles], [null, true, []])
  await settle(world)
  assert.deepEqual(await filesOf(world.b.disk), letters(30))
})

test('new names count as the old ones do: made beside them, or moved and overwritten', async () => {
  for (const isMoved of [false, true]) {
    const world = await household({ ...letters(60), Makefile: 'all' })
    if (isMoved) {
      for (let i = 0; i < 25; i++) {
        world.a.user.rename(`letters/${i}.txt`, `letters/${i}.locked`)
        world.a.user.writeFile(`letters/${i}.locked`, random())
      }
    } else scramble(world, 0, 25, '.locked')
    const { waiting } = await world.a.engine.turn()
    assert.deepEqual(waiting, { deletions: 25, scrambled: 25, files: 61 })
    world.a.engine.confirm()
    await settle(world)
    await assertAlike(world)
  }
})

test('a few at a time are counted together for an hour', async () => {
  const world = await household(letters(100))
  for (let i = 0; i < 15; i += 5) {
    scramble(world, i, i + 5)
    assert.equal((await world.a.engine.turn(new Set(['letters']))).waiting, null)
  }
  scramble(world, 15, 20)
  assert.deepEqual((await world.a.engine.turn(new Set(['letters']))).waiting, {
    deletions: 0,
    scrambled: 20,
    files: 100,
  })
  world.clock.advance(3_600_000)
  assert.equal((await world.a.engine.turn()).waiting, null)
})

test('new files of random bytes, files that always were such, and a file packed away do not wait', async () => {
  const containers = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`safe/${i}.bin`, i]))
  const world = await household(letters(30))
  for (const path of Object.keys(containers)) world.a.user.writeFile(path, random())
  assert.equal((await world.a.engine.turn()).waiting, null)
  for (const path of Object.keys(containers)) world.a.user.writeFile(path, random())
  assert.equal((await world.a.engine.turn()).waiting, null)
  // One archive takes the place of few enough not to be asked about as deletions.
  for (let i = 0; i < 25; i++) world.a.user.rm(`letters/${i}.txt`)
  world.a.user.writeFile('letters/all.box', random())
  assert.equal((await world.a.engine.turn()).waiting, null)
  await settle(world)
  await assertAlike(world)
})
