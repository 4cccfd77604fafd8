import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureSpeeds } from './local-speed.ts'

test('every stage has a speed', async () => {
  const { threads, speeds } = await measureSpeeds(4)
  assert.ok(threads >= 1)
  assert.equal(speeds.length, 6)
  for (const { what, oneThread, allThreads } of speeds) assert.ok(oneThread > 0 && allThreads > 0, what)
})
