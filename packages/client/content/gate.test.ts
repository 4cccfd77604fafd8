import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate } from './gate.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Lets `count` in one after the other, and tells who is inside in the order of coming in. */
const crowd = (max: () => number, count: number) => {
  const gate = createGate(max)
  const inside: number[] = []
  for (let who = 0; who < count; who++) void gate.enter().then(() => inside.push(who))
  return { gate, inside }
}

test('so many are let in, and each that leaves lets in the one that has waited for longest', async () => {
  const { gate, inside } = crowd(() => 2, 5)
  await turn()
  assert.deepEqual(inside, [0, 1])
  gate.leave()
  await turn()
  assert.deepEqual(inside, [0, 1, 2])
  gate.leave()
  gate.leave()
  await turn()
  assert.deepEqual(inside, [0, 1, 2, 3, 4])
})

test('a limit that rises lets in more at the next coming or going, and one that falls waits until fewer are inside', async () => {
  let max = 1
  const { gate, inside } = crowd(() => max, 6)
  max = 4
  gate.leave()
  await turn()
  assert.deepEqual(inside, [0, 1, 2, 3, 4])
  max = 2
  for (const expected of [5, 5, 6]) {
    gate.leave()
    await turn()
    assert.equal(inside.length, expected)
  }
})
