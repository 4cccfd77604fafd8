import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDeviceId, parseUserId, parseVaultId, recordHashFromBytes } from '@anysync/protocol/ids.ts'
import { watchesPerAccountMax } from '@anysync/protocol/limits.ts'
import { createWatchHub, type Move } from './watch.ts'

const id = (digit: string) => digit.repeat(32)
const anna = { userId: parseUserId(id('a')), deviceId: parseDeviceId(id('1')) }
const bob = { userId: parseUserId(id('b')), deviceId: parseDeviceId(id('2')) }
const vaultId = parseVaultId(id('f'))
const at = (sequence: number): Move => ({
  vaultId,
  head: { sequence, hash: recordHashFromBytes(new Uint8Array(32).fill(sequence)) },
})
const noHeads = async (): Promise<Move[]> => []

test('a slow watcher gets the newest head of a vault once, not every head', async () => {
  const hub = createWatchHub({ aliveMs: 60_000 })
  const stop = new AbortController()
  const watch = hub.watch(anna, async () => [at(1)], stop.signal)
  assert.deepEqual((await watch.next()).value, at(1))
  for (let sequence = 2; sequence <= 9; sequence++) hub.moved([anna.userId], at(sequence))
  assert.deepEqual((await watch.next()).value, at(9))
  const next = watch.next()
  stop.abort()
  assert.equal((await next).done, true)
  assert.equal(hub.count(), 0)
})

test('a move while the first heads are read is not lost and not undone', async () => {
  const hub = createWatchHub({ aliveMs: 60_000 })
  const heads = async () => {
    hub.moved([anna.userId], at(5))
    return [at(4)]
  }
  const watch = hub.watch(anna, heads, new AbortController().signal)
  assert.deepEqual((await watch.next()).value, at(5))
  await watch.return(undefined)
  assert.equal(hub.count(), 0)
})

test('moves go to those who have the vault, and silence brings a sign of life', async () => {
  const hub = createWatchHub({ aliveMs: 1 })
  const watch = hub.watch(bob, noHeads, new AbortController().signal)
  const first = watch.next()
  hub.moved([anna.userId], at(1))
  assert.equal((await first).value, null)
  await watch.return(undefined)
})

test('revoking a device ends its streams only; closing ends all and refuses new ones', async () => {
  const hub = createWatchHub({ aliveMs: 60_000 })
  const { signal } = new AbortController()
  const other = { ...anna, deviceId: parseDeviceId(id('3')) }
  const [first, second] = [hub.watch(anna, noHeads, signal), hub.watch(other, noHeads, signal)]
  const [firstNext, secondNext] = [first.next(), second.next()]
  const ended = assert.rejects(firstNext, { kind: 'unauthorized' })
  hub.revoke(anna.deviceId)
  await ended
  assert.equal(hub.count(), 1)
  const closed = assert.rejects(secondNext, { kind: 'unavailable' })
  hub.close()
  await closed
  await assert.rejects(hub.watch(anna, noHeads, signal).next(), { kind: 'unavailable' })
  assert.equal(hub.count(), 0)
})

test('an account may watch only so often', async () => {
  const hub = createWatchHub({ aliveMs: 60_000 })
  const { signal } = new AbortController()
  const watches = Array.from({ length: watchesPerAccountMax }, () => hub.watch(anna, async () => [at(1)], signal))
  for (const watch of watches) await watch.next()
  await assert.rejects(hub.watch(anna, noHeads, signal).next(), { kind: 'unavailable' })
  assert.equal((await hub.watch(bob, async () => [at(1)], signal).next()).done, false)
  await watches[0]?.return(undefined)
  assert.equal((await hub.watch(anna, async () => [at(1)], signal).next()).done, false)
})
