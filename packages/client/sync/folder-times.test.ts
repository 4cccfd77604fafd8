/** A folder's time survives what a pull does in the folder, also when the pull is cut short. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { household } from './household.suite.ts'

const timeOf = async ({ disk }: Awaited<ReturnType<typeof household>>['b'], path: string) =>
  (await disk.lstat(path))?.mtimeNs

test('files that arrive in a folder, leave it and change in it leave it its time', async () => {
  const { a, b } = await household({ 'f/x': 'x', 'f/y': 'y', 'g/z': 'z', keep: 'k' })
  const [f, g] = [await timeOf(b, 'f'), await timeOf(b, 'g')]
  a.user.writeFile('f/x', 'another')
  await a.engine.turn()
  await b.engine.turn()
  assert.deepEqual([await timeOf(b, 'f'), await timeOf(b, 'g')], [f, g])
})

for (const [how, end] of [
  ['the process dies', () => new Error('the process died')],
  ['the disk is full', () => new SyncError('disk.settle', 'full', 'no room')],
] as const)
  test(`when ${how} before the times are given back, the next pull gives them back`, async () => {
    const { a, b } = await household({ 'f/x': 'x', 'g/y': 'y', keep: 'k' })
    const [f, g] = [await timeOf(b, 'f'), await timeOf(b, 'g')]
    a.user.writeFile('f/x', 'another')
    a.user.writeFile('g/y', 'another')
    await a.engine.turn()
    let placed = 0
    b.faults.disk = ({ operation }) => {
      if (operation === 'disk.place') placed += 1
      else if (placed === 2) throw end()
    }
    await assert.rejects(b.engine.turn())
    b.faults.disk = null
    assert.notDeepEqual([await timeOf(b, 'f'), await timeOf(b, 'g')], [f, g])
    b.restart()
    await b.engine.turn()
    assert.deepEqual([await timeOf(b, 'f'), await timeOf(b, 'g')], [f, g])
    // Once: what a person does afterwards stays.
    b.user.setMtime('f', 5n)
    await b.engine.turn()
    assert.equal(await timeOf(b, 'f'), 5n)
  })
