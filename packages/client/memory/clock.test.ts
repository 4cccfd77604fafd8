import assert from 'node:assert/strict'
import { test } from 'node:test'
import { steppedClock } from './clock.ts'

test('time stands still until it is told to go', () => {
  const clock = steppedClock(5n)
  assert.equal(clock.nowNs(), 5n)
  assert.equal(clock.monotonicMs(), 0)
  clock.advance(1.5)
  assert.equal(clock.nowNs(), 1_500_005n)
  assert.equal(clock.monotonicMs(), 1.5)
})

test('waits end in the order of their times, and those of one time in the order of their beginning', async () => {
  const clock = steppedClock()
  const ended: string[] = []
  const wait = async (name: string, ms: number): Promise<void> => {
    await clock.wait(ms)
    ended.push(name)
  }
  const all = Promise.all([wait('30', 30), wait('10', 10), wait('20', 20), wait('20 again', 20)])
  assert.equal(clock.nextWaitMs(), 10)
  clock.advance(25)
  assert.equal(clock.nextWaitMs(), 5)
  clock.advance(5)
  await all
  assert.deepEqual(ended, ['10', '20', '20 again', '30'])
  assert.equal(clock.nextWaitMs(), null)
})

test('an aborted wait rejects with the reason of its signal, and is forgotten', async () => {
  const clock = steppedClock()
  const reason = new Error('enough')
  const controller = new AbortController()
  const wait = clock.wait(10, controller.signal)
  controller.abort(reason)
  await assert.rejects(wait, reason)
  await assert.rejects(clock.wait(10, controller.signal), reason)
  assert.equal(clock.nextWaitMs(), null)
})

test('a signal aborted after its wait has ended changes nothing', async () => {
  const clock = steppedClock()
  const controller = new AbortController()
  const wait = clock.wait(10, controller.signal)
  clock.advance(10)
  controller.abort()
  await wait
})
