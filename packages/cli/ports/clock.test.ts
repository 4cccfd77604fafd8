import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeChance } from './chance.ts'
import { nodeClock } from './clock.ts'

test("the clock tells the wall's time in nanoseconds, and a time that never goes back", async () => {
  const wallMs = Number(nodeClock.nowNs() / 1_000_000n)
  assert.ok(Math.abs(wallMs - Date.now()) < 5000)
  const before = nodeClock.monotonicMs()
  await nodeClock.wait(1)
  assert.ok(nodeClock.monotonicMs() > before)
})

test('an aborted wait rejects with the reason of its signal', async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  const wait = nodeClock.wait(1e12, controller.signal)
  controller.abort(reason)
  await assert.rejects(wait, reason)
  await assert.rejects(nodeClock.wait(0, controller.signal), reason)
})

test('chance gives bytes of any length, never the same twice', () => {
  assert.equal(nodeChance.bytes(0).length, 0)
  const seen = new Set(Array.from({ length: 1000 }, () => nodeChance.bytes(16).toHex()))
  assert.equal(seen.size, 1000)
})
