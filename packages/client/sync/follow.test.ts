/** What wakes the loop, and what it does when a turn fails. Time is stepped by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { confirmationMs, fullScanMs, quietMs, retryMsMax, retryMsMin } from '@anysync/protocol/limits.ts'
import { parseVaultId } from '@anysync/protocol/ids.ts'
import { seededChance } from '../memory/chance.ts'
import { steppedClock } from '../memory/clock.ts'
import { createMemoryWatcher } from '../memory/watcher.ts'
import type { LogHead, Remote } from '../ports.ts'
import { follow, retryDelayMs } from './follow.ts'
import { noCounts, type TurnReport } from './report.ts'

const vaultId = parseVaultId('ab'.repeat(16))
const report: TurnReport = {
  pulled: noCounts(),
  pushed: noCounts(),
  conflicts: [],
  troubles: [],
  waiting: null,
  isWhole: true,
  isSettled: true,
  sequence: 1,
  snapshots: 0,
  bytesUploaded: 0,
}

type Heads = { vaultId: typeof vaultId; head: LogHead | null }

/** A loop over an engine that counts its turns. `fail`: what the next turns throw, in order. */
const start = (fail: SyncError[] = []) => {
  const clock = steppedClock()
  const watcher = createMemoryWatcher()
  const abort = new AbortController()
  const troubles: string[] = []
  let turns = 0
  let isConfirmed = false
  let tellHead: ((heads: Heads) => void) | null = null
  const watch = async function* (signal: AbortSignal): AsyncGenerator<Heads> {
    for (;;) {
      yield await new Promise<Heads>((resolve, reject) => {
        tellHead = resolve
        signal.addEventListener('abort', () => reject(new SyncError('test', 'unavailable', 'aborted')), { once: true })
      })
    }
  }
  const remote = { watch } as unknown as Remote
  const ended = follow({
    engine: {
      turn: async () => {
        turns += 1
        const error = fail.shift()
        if (error !== undefined) throw error
        return report
      },
      preview: () => Promise.reject(new Error('not used')),
      confirm: () => 0,
      isConfirmed: () => isConfirmed,
    },
    watcher,
    remote,
    vaultId,
    clock,
    chance: seededChance(1),
    newestSequence: () => 1,
    onTurn: () => undefined,
    onTrouble: (error) => troubles.push(error.message),
    signal: abort.signal,
  })
  /** Lets everything that can go on do so, and steps time. */
  const pass = async (ms = 0): Promise<void> => {
    for (let tick = 0; tick < 50; tick++) await Promise.resolve()
    clock.advance(ms)
    for (let tick = 0; tick < 50; tick++) await Promise.resolve()
  }
  return {
    watcher,
    troubles,
    pass,
    turns: () => turns,
    confirm: () => {
      isConfirmed = true
    },
    head: (sequence: number) => tellHead?.({ vaultId, head: { sequence, hash: '' as LogHead['hash'] } }),
    stop: async () => {
      abort.abort(new Error('stopped'))
      await ended
    },
  }
}

test('a turn is taken at the start, and then none until something happens', async () => {
  const loop = start()
  await loop.pass(quietMs * 10)
  assert.equal(loop.turns(), 1)
  await loop.stop()
})

test('a change of the disk is followed by a turn once it is quiet, and a burst by one turn', async () => {
  const loop = start()
  await loop.pass()
  for (let change = 0; change < 5; change++) {
    loop.watcher.tell()
    await loop.pass(quietMs / 2)
  }
  assert.equal(loop.turns(), 1)
  await loop.pass(quietMs)
  assert.equal(loop.turns(), 2)
  await loop.stop()
})

test('changes without end are followed by turns all the same', async () => {
  const loop = start()
  await loop.pass()
  for (let change = 0; change < 80; change++) {
    loop.watcher.tell()
    await loop.pass(quietMs / 2)
  }
  assert.ok(loop.turns() >= 2)
  await loop.stop()
})

test('a newer head wakes at once, a known one does not', async () => {
  const loop = start()
  await loop.pass()
  loop.head(1)
  await loop.pass()
  assert.equal(loop.turns(), 1)
  loop.head(2)
  await loop.pass()
  assert.equal(loop.turns(), 2)
  await loop.stop()
})

test('a confirmation is followed by one turn', async () => {
  const loop = start()
  await loop.pass()
  loop.confirm()
  await loop.pass(confirmationMs)
  assert.equal(loop.turns(), 2)
  await loop.pass(confirmationMs)
  assert.equal(loop.turns(), 2)
  await loop.stop()
})

test('everything is looked at every hour', async () => {
  const loop = start()
  await loop.pass()
  await loop.pass(fullScanMs)
  assert.equal(loop.turns(), 2)
  await loop.stop()
})

test('a turn that fails is told, and tried again soon', async () => {
  const loop = start([new SyncError('remote.append', 'unavailable', 'no line')])
  await loop.pass()
  assert.deepEqual(loop.troubles, ['no line'])
  await loop.pass(retryMsMin)
  assert.equal(loop.turns(), 2)
  await loop.stop()
})

test('waits grow with failures, up to a limit, and never vanish', () => {
  const chance = seededChance(1)
  for (let failures = 0; failures < 40; failures++) {
    const ms = retryDelayMs(failures, chance)
    assert.ok(ms >= retryMsMin / 2 && ms <= retryMsMax, `${failures}: ${ms}`)
    if (failures > 10) assert.ok(ms >= retryMsMax / 2)
  }
})
