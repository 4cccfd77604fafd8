import assert from 'node:assert/strict'
import { test } from 'node:test'
import { steppedClock, type SteppedClock } from '@anysync/client/memory/clock.ts'
import { packPieceBytes, paceSliceBytesMin } from '@anysync/protocol/limits.ts'
import { createFlow, noLimits } from './flow.ts'
import { bucketWaitMs, createPace, fillBucket, type Pace } from './pace.ts'
import { parseRates } from '../settings/rates.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const never = new AbortController().signal

/** Lets so much time pass, wait by wait. */
const pass = async (clock: SteppedClock, ms: number): Promise<void> => {
  const untilMs = clock.monotonicMs() + ms
  for (;;) {
    await turn()
    const waitMs = clock.nextWaitMs()
    if (waitMs === null || clock.monotonicMs() + waitMs > untilMs) break
    clock.advance(waitMs)
  }
  clock.advance(untilMs - clock.monotonicMs())
}

/** Sends slices until it is aborted, or at most so many bytes, and counts them. */
const sender = (pace: Pace, bytesMax = Infinity, signal = never) => {
  const counter = { bytes: 0, isDone: false }
  const send = async (): Promise<void> => {
    while (counter.bytes < bytesMax) {
      const bytes = Math.min(pace.sliceBytes(), bytesMax - counter.bytes)
      await pace.take(bytes, signal)
      counter.bytes += bytes
    }
    counter.isDone = true
  }
  void send().catch(() => undefined)
  return counter
}

const isNear = (got: number, wanted: number): void =>
  assert.ok(Math.abs(got - wanted) <= wanted * 0.05, `${got} is more than 5 % from ${wanted}`)

test('a bucket fills with time up to a moment, and what went too early is waited for', () => {
  const empty = { bytes: 0, atMs: 100 }
  assert.deepEqual(fillBucket(empty, 150, 10_000), { bytes: 500, atMs: 150 })
  assert.deepEqual(fillBucket(empty, 3_600_100, 10_000), { bytes: 2000, atMs: 3_600_100 })
  assert.deepEqual(fillBucket({ bytes: -1000, atMs: 0 }, 50, 10_000), { bytes: -500, atMs: 50 })
  assert.equal(bucketWaitMs({ bytes: -500, atMs: 0 }, 10_000), 50)
  assert.equal(bucketWaitMs(empty, 10_000), 0)
})

test('bytes keep within 5 % of the rate, one transfer or many, slow or fast', async () => {
  for (const rate of [16_000, 100_000, 2_000_000, 50_000_000]) {
    for (const count of [1, 8]) {
      const clock = steppedClock()
      const pace = createPace(clock, () => rate)
      const senders = Array.from({ length: count }, () => sender(pace))
      await pass(clock, 20_000)
      isNear(
        senders.reduce((sum, { bytes }) => sum + bytes, 0),
        20 * rate,
      )
      // Nobody starves: all are within a slice of each other.
      const each = senders.map(({ bytes }) => bytes)
      assert.ok(Math.max(...each) - Math.min(...each) <= pace.sliceBytes(), each.join(' '))
    }
  }
})

test('a small transfer beside large ones is done in its turn', async () => {
  const clock = steppedClock()
  const pace = createPace(clock, () => 1_000_000)
  for (let i = 0; i < 5; i++) sender(pace)
  await pass(clock, 1000)
  const small = sender(pace, 50_000)
  await pass(clock, 1000)
  assert.ok(small.isDone)
})

test('time in which nothing travels is saved up for a moment only', async () => {
  const clock = steppedClock()
  const pace = createPace(clock, () => 1_000_000)
  clock.advance(3_600_000)
  const counter = sender(pace)
  await pass(clock, 10_000)
  isNear(counter.bytes, 10_000_000)
})

test('a new rate holds at once for what is on its way, at the latest after a second', async () => {
  const clock = steppedClock()
  let rate: number | null = 16_000
  const pace = createPace(clock, () => rate)
  const counter = sender(pace, 100_000_000)
  await pass(clock, 10_000)
  isNear(counter.bytes, 160_000)
  rate = 2_000_000
  await pass(clock, 1000)
  counter.bytes = 0
  await pass(clock, 10_000)
  isNear(counter.bytes, 20_000_000)
  rate = null
  await pass(clock, 1000)
  assert.ok(counter.isDone)
})

test('whoever is aborted leaves at once, waiting or in the queue, and the others go on at the rate', async () => {
  const clock = steppedClock()
  const pace = createPace(clock, () => 100_000)
  const leave = new AbortController()
  const reason = new Error('enough')
  await pace.take(200_000, never)
  const first = pace.take(10_000, leave.signal)
  const queued = pace.take(10_000, leave.signal)
  const rejected = Promise.all([assert.rejects(first, reason), assert.rejects(queued, reason)])
  const counter = sender(pace)
  await turn()
  leave.abort(reason)
  await rejected
  await assert.rejects(pace.take(1, leave.signal), reason)
  await pass(clock, 12_000)
  isNear(counter.bytes, 1_000_000)
})

test('slices are of a tenth of a second, neither tiny nor larger than a piece', () => {
  const clock = steppedClock()
  const table = [
    [16_000, paceSliceBytesMin],
    [1_000_000, 100_000],
    [1_000_000_000, packPieceBytes],
    [null, packPieceBytes],
  ] as const
  for (const [rate, bytes] of table) assert.equal(createPace(clock, () => rate).sliceBytes(), bytes)
})

const minuteOf = (timeNs: bigint): number => Number((timeNs / 60_000_000_000n) % 1440n)

test('a schedule takes effect as the day goes by, each way by itself', async () => {
  // The clock begins at midnight UTC.
  const clock = steppedClock()
  const flow = createFlow(clock, minuteOf)
  flow.adjust({
    ...noLimits,
    uploadRates: parseRates('00:01-00:02 1MB/s, else 100KB/s'),
    downloadRates: parseRates('50KB/s'),
  })
  const [up, down] = [sender(flow.up), sender(flow.down)]
  await pass(clock, 59_000)
  isNear(up.bytes, 5_900_000)
  isNear(down.bytes, 2_950_000)
  await pass(clock, 2_000)
  up.bytes = 0
  await pass(clock, 58_000)
  isNear(up.bytes, 58_000_000)
})

test('so many transfers run at once, and fewer uploads when the rate is so slow that a server would hang up on each', async () => {
  const clock = steppedClock()
  const table = [
    ['off', null, 4, 4],
    ['off', 7, 7, 7],
    ['1MB/s', 16, 16, 16],
    ['64KB/s', 16, 4, 16],
    ['40KB/s', 16, 2, 16],
    ['16KB/s', null, 1, 4],
    ['16KB/s', 1, 1, 1],
  ] as const
  for (const [rates, transfersMax, uploads, downloads] of table) {
    for (const [way, count] of [
      ['up', uploads],
      ['down', downloads],
    ] as const) {
      const flow = createFlow(clock, () => 0)
      flow.adjust({ ...noLimits, uploadRates: parseRates(rates), transfersMax })
      const running: (() => void)[] = []
      const run = () => new Promise<void>((resolve) => running.push(resolve))
      const all = Promise.all(Array.from({ length: 20 }, () => flow.transfer(way, run)))
      await turn()
      assert.equal(running.length, count, `${way} ${rates}`)
      for (let ended = 0; ended < 20; await turn()) {
        const ends = running.splice(0)
        ended += ends.length
        for (const end of ends) end()
      }
      await all
    }
  }
})

test('a transfer that fails makes room for the next', async () => {
  const flow = createFlow(steppedClock(), () => 0)
  flow.adjust({ ...noLimits, transfersMax: 1 })
  const failing = flow.transfer('up', () => Promise.reject(new Error('broke')))
  const next = flow.transfer('up', () => Promise.resolve('done'))
  await assert.rejects(failing, /broke/)
  assert.equal(await next, 'done')
})
