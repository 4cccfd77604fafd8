import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { deviceIdFromBytes, vaultIdFromBytes, type DeviceId } from '@anysync/protocol/ids.ts'
import { precedenceMsMax, precedenceMsMin } from '@anysync/protocol/limits.ts'
import { createPrecedence, precedenceMs } from './precedence.ts'

const vault = vaultIdFromBytes(new Uint8Array(16).fill(1))
const [desk, laptop, phone] = [2, 3, 4].map((byte) => deviceIdFromBytes(new Uint8Array(16).fill(byte))) as [
  DeviceId,
  DeviceId,
  DeviceId,
]

/** A log, a clock that is told the time, and the order in which appends were judged. */
const setUp = () => {
  let nowMs = 1000
  const timers = new Set<{ atMs: number; run: () => void }>()
  const precedence = createPrecedence({
    nowMs: () => nowMs,
    after: (ms, run) => {
      const timer = { atMs: nowMs + ms, run }
      timers.add(timer)
      return { [Symbol.dispose]: () => void timers.delete(timer) }
    },
  })
  const judged: DeviceId[] = []
  const append = async (device: DeviceId, isRaced = false, signal = new AbortController().signal): Promise<boolean> => {
    try {
      await precedence.append(vault, device, signal, async () => {
        judged.push(device)
        if (isRaced) throw new SyncError('vault.append', 'conflict', 'another was faster')
      })
      return true
    } catch (error) {
      if (isTrouble(error, 'conflict')) return false
      throw error
    }
  }
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms
    for (const { atMs, run } of timers) if (atMs <= nowMs) run()
    await drained()
  }
  return { append, judged, pass, timers }
}

const broken = () => Promise.reject(new SyncError('vault.append', 'missing', 'a pack is not stored'))

/** Everything that waits for nothing but promises has run. */
const drained = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('while nobody lost, appends are judged as they come', async () => {
  const { append, judged } = setUp()
  await append(desk)
  await append(laptop)
  await append(desk)
  assert.deepEqual(judged, [desk, laptop, desk])
})

test('who lost a race goes next: others wait for its append, and are judged after it', async () => {
  const { append, judged, timers } = setUp()
  assert.equal(await append(desk, true), false)
  const waiting = [append(laptop), append(phone)]
  await drained()
  assert.deepEqual(judged, [desk], 'the others wait')
  await append(desk)
  await Promise.all(waiting)
  assert.deepEqual(judged, [desk, desk, laptop, phone])
  assert.equal(timers.size, 0)
})

test('of those that waited, the first that loses is the next to go first', async () => {
  const { append, judged } = setUp()
  await append(desk, true)
  const waiting = [append(laptop, true), append(phone)]
  await append(desk)
  assert.equal(await waiting[0], false)
  await drained()
  assert.deepEqual(judged, [desk, desk, laptop], 'the phone waits for the laptop now')
  await append(laptop)
  assert.equal(await waiting[1], true)
  assert.deepEqual(judged, [desk, desk, laptop, laptop, phone])
})

test('nobody waits for a device that does not come back, and no longer than it may take', async () => {
  const { append, judged, pass } = setUp()
  await append(desk, true)
  const waiting = append(laptop)
  await pass(precedenceMsMin - 1)
  assert.deepEqual(judged, [desk])
  await pass(1)
  await waiting
  assert.deepEqual(judged, [desk, laptop])
})

test('a device whose rounds are long gets more time with every race that it loses in a row', async () => {
  const { append, judged, pass } = setUp()
  await append(desk, true)
  await pass(precedenceMsMin)
  await append(desk, true)
  const waiting = append(laptop)
  await pass(precedenceMsMin)
  assert.deepEqual(judged, [desk, desk], 'it is given twice the time')
  await append(desk)
  await waiting
  await append(desk, true)
  const again = append(laptop)
  await pass(precedenceMsMin)
  await again
  assert.deepEqual(judged.slice(-2), [desk, laptop], 'a race that is won ends the row')
})

test('who leaves while waiting is not judged', async () => {
  const { append, judged, timers } = setUp()
  await append(desk, true)
  const leaving = new AbortController()
  const waiting = append(laptop, false, leaving.signal)
  await drained()
  leaving.abort()
  await assert.rejects(waiting, (error) => isTrouble(error, 'unavailable'))
  assert.deepEqual(judged, [desk])
  assert.equal(timers.size, 0)
})

test('another failure than a lost race gives no precedence', async () => {
  const { append, judged } = setUp()
  const precedence = createPrecedence({ nowMs: () => 0, after: () => assert.fail('nobody waits') })
  const { signal } = new AbortController()
  await assert.rejects(precedence.append(vault, desk, signal, broken))
  await precedence.append(vault, laptop, signal, () => Promise.resolve())
  await append(phone)
  assert.deepEqual(judged, [phone])
})

test('the time grows up to a most', () => {
  assert.deepEqual([1, 2, 3, 4, 50].map(precedenceMs), [
    precedenceMsMin,
    2 * precedenceMsMin,
    precedenceMsMax,
    precedenceMsMax,
    precedenceMsMax,
  ])
})
