/**
 * What one turn deletes counts as one, in however many rounds and commits it goes, and so does what was confirmed.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { household } from './household.suite.ts'
import { filesOf, settle } from './world.suite.ts'

test('a confirmation is not used up by what goes before the deletions that it is for', async () => {
  const files = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`m/f/${index}`, `${index}`]))
  const world = await household({ ...files, 'm/z': 'z' })
  const { a } = world
  a.restart({ roundChangesMax: 1 })
  await a.engine.turn()
  a.user.writeFile('new', 'n')
  a.user.rm('m/f')
  assert.equal((await a.engine.turn()).waiting?.deletions, 12)
  a.user.writeFile('newer', 'n')
  a.engine.confirm()
  assert.equal((await a.engine.turn()).waiting, null)
  await settle(world)
  assert.deepEqual(await filesOf(world.b.disk), { 'm/z': 'z', new: 'n', newer: 'n' })
})

test('what a turn deletes in several rounds is one deletion, about which it asks', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 14 }, (_, index) => [`${'ab'[index % 2]}/${index}`, `${index}`]),
  )
  const world = await household({ ...files, c: 'c' })
  const { b } = world
  b.user.rm('b')
  for (const path of Object.keys(files)) if (path.startsWith('a/')) b.user.rm(path)
  b.user.writeFile('c', 'edited')
  const once = new Set(['disk.list a', 'disk.openFile c'])
  b.faults.disk = ({ operation, path }) => {
    if (once.delete(`${operation} ${path}`)) throw new SyncError(operation, 'unavailable', 'it is busy')
  }
  assert.equal((await b.engine.turn()).waiting?.deletions, 7)
  b.engine.confirm()
  assert.equal((await b.engine.turn()).waiting, null)
  await settle(world)
  assert.deepEqual(await filesOf(world.a.disk), { c: 'edited' })
})

test('what a push deletes before another device overtakes it is deleted in this turn all the same', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 14 }, (_, index) => [`${'ab'[index % 2]}/${index}`, `${index}`]),
  )
  const { a, b, clock, server } = await household({ ...files, c: 'c' })
  b.user.rm('b')
  for (let index = 0; index < 6; index++) b.user.writeFile(`big ${index}`, `${index}`.repeat(300_000))
  // So slowly read that the push is committed in parts.
  b.faults.disk = ({ operation }) => {
    if (operation === 'disk.openFile') clock.advance(11_000)
  }
  let appends = 0
  server.setFault(async ({ operation, moment }) => {
    if (operation !== 'vault.append' || moment !== 'before' || ++appends !== 2) return
    a.user.writeFile('other', 'o')
    await a.engine.turn()
    for (const path of Object.keys(files)) if (path.startsWith('a/')) b.user.rm(path)
  })
  const report = await b.engine.turn()
  assert.equal(report.waiting?.deletions, 7)
  assert.equal(report.pushed.removed, 7)
})
