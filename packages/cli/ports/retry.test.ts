import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble, kinds, SyncError, type Kind } from '@anysync/protocol/errors.ts'
import { retriesMax, retryDelayMsMax, retryDelayMsMin } from '@anysync/protocol/limits.ts'
import { retry, retryDelayMs, retryStream, type Patience } from './retry.ts'
import { patiently } from './streams.ts'

const trouble = (kind: Kind): SyncError => new SyncError('test', kind, 'as the test wants it')
const is = (kind: Kind) => (error: unknown) => isTrouble(error, kind)

const patience = (): Patience & { pauses: number[]; close(): void } => {
  const closing = new AbortController()
  const pauses: number[] = []
  return {
    pauses,
    closed: closing.signal,
    pause: async (ms, signal) => {
      pauses.push(ms)
      signal.throwIfAborted()
    },
    close: () => closing.abort(),
  }
}

test('only what is unavailable is tried again, and only so often', async () => {
  for (const kind of Object.keys(kinds) as Kind[]) {
    const { pauses, ...rest } = patience()
    let attempts = 0
    const work = async (): Promise<never> => {
      attempts++
      throw trouble(kind)
    }
    await assert.rejects(retry(rest, work), is(kind))
    assert.equal(attempts, kind === 'unavailable' ? retriesMax + 1 : 1)
    assert.equal(pauses.length, attempts - 1)
  }
})

test('the answer of the first attempt that succeeds is the answer', async () => {
  let attempts = 0
  const answer = await retry(patience(), async () => {
    if (++attempts < 3) throw trouble('unavailable')
    return attempts
  })
  assert.equal(answer, 3)
})

test('waits double up to a limit, and lie between half and all of that', () => {
  for (let attempt = 1; attempt < 20; attempt++) {
    const most = Math.min(retryDelayMsMin * 2 ** (attempt - 1), retryDelayMsMax)
    assert.equal(retryDelayMs(attempt, 0), most / 2)
    assert(retryDelayMs(attempt, 0.999) < most)
  }
})

test('once closed, nothing is tried again', async () => {
  const before = patience()
  before.close()
  let attempts = 0
  const work = async (): Promise<never> => {
    attempts++
    throw trouble('unavailable')
  }
  await assert.rejects(retry(before, work), is('unavailable'))
  assert.equal(attempts, 1)

  const during = patience()
  const closeThenFail = async (): Promise<never> => {
    during.close()
    return work()
  }
  await assert.rejects(retry(during, closeThenFail), is('unavailable'))
  assert.equal(attempts, 2)
})

/** Numbers from `count` to 9, broken after each `run` of them. */
async function* countTo10(count: number, run: number): AsyncGenerator<number> {
  for (let i = 0; count + i < 10; i++) {
    if (i === run) throw trouble('unavailable')
    yield count + i
  }
}

test('a stream goes on where it broke, and what arrives makes the patience whole', async () => {
  const { pauses, ...rest } = patience()
  const got: number[] = []
  for await (const item of retryStream(rest, (count) => countTo10(count, 1))) got.push(item)
  assert.deepEqual(got, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.equal(pauses.length, 9)
})

test('a stream that brings nothing is given up', async () => {
  const { pauses, ...rest } = patience()
  await assert.rejects(retryStream(rest, () => countTo10(0, 0)).next(), is('unavailable'))
  assert.equal(pauses.length, retriesMax)
})

async function* silent(signal: AbortSignal, items: number[]): AsyncGenerator<number> {
  yield* items
  signal.throwIfAborted()
  await new Promise<void>((_resolve, reject) => {
    // Keeps the test alive, as a connection would.
    const alive = setInterval(() => {}, 1000)
    signal.addEventListener('abort', () => {
      clearInterval(alive)
      reject(new Error('aborted'))
    })
  })
}

test('a silent stream is unavailable, but a slow reader is not silence', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const outer = new AbortController()
  const stream = patiently('test', 100, outer.signal, (signal) => silent(signal, [1, 2]))
  assert.equal((await stream.next()).value, 1)
  t.mock.timers.tick(1000)
  assert.equal((await stream.next()).value, 2)
  const pending = assert.rejects(stream.next(), is('unavailable'))
  t.mock.timers.tick(100)
  await pending
})

test('leaving a stream ends what is behind it', async () => {
  let isAborted = false
  const open = (signal: AbortSignal): AsyncIterable<number> => {
    signal.addEventListener('abort', () => (isAborted = true))
    return silent(new AbortController().signal, [1])
  }
  for await (const item of patiently('test', 1000, new AbortController().signal, open)) if (item === 1) break
  assert(isAborted)
})
