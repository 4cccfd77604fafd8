/** What wakes the loop, what it says of itself, and what it does when something fails. Time is stepped by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as immediate } from 'node:timers/promises'
import { SyncError } from '@anysync/protocol/errors.ts'
import {
  decisionsMs,
  fullScanMs,
  probeMs,
  probeMsMax,
  quietMs,
  quietMsMax,
  recheckMsMin,
  retryMsMax,
  retryMsMin,
  settleMs,
  unwatchedScanMs,
} from '@anysync/protocol/limits.ts'
import { parseVaultId } from '@anysync/protocol/ids.ts'
import { seededChance } from '../memory/chance.ts'
import { steppedClock } from '../memory/clock.ts'
import { createMemoryWatcher } from '../memory/watcher.ts'
import type { LogHead } from '../ports.ts'
import { createFollower } from './follow.ts'
import { noCounts, type TurnReport } from './report.ts'
import type { Scope } from './scope.ts'

const vaultId = parseVaultId('ab'.repeat(16))
const settled: TurnReport = {
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
const busy: TurnReport = {
  ...settled,
  isSettled: false,
  troubles: [{ path: 'a/x', kind: 'busy', message: 'it is being written' }],
}

type Heads = { vaultId: typeof vaultId; head: LogHead | null }
type Outcome = TurnReport | Error

/** A loop over an engine that notes what it is asked. `refusal`: what the watcher answers when it is opened. */
const start = async ({ refusal = null }: { refusal?: SyncError | null } = {}) => {
  const clock = steppedClock()
  const watcher = createMemoryWatcher()
  watcher.refuse(refusal)
  /** How the next turns end, in order; those after them settle. */
  const outcomes: Outcome[] = []
  const abort = new AbortController()
  const troubles: string[] = []
  const turns: Scope[] = []
  let isConfirmed = false
  let scanMs = fullScanMs
  let known = 1
  let atOnce = 0
  /** While set, turns do not end. */
  let hold: PromiseWithResolvers<void> | null = null
  let line = Promise.withResolvers<Heads>()
  const watch = async function* (signal: AbortSignal): AsyncGenerator<Heads> {
    yield { vaultId, head: { sequence: known, hash: '' as LogHead['hash'] } }
    for (;;) {
      const aborted = Promise.withResolvers<never>()
      const abort = (): void => aborted.reject(new SyncError('vault.watch', 'unavailable', 'aborted'))
      if (signal.aborted) abort()
      signal.addEventListener('abort', abort, { once: true })
      yield await Promise.race([line.promise, aborted.promise])
      line = Promise.withResolvers()
    }
  }
  const follower = createFollower({
    engine: {
      turn: async (scope = 'all') => {
        turns.push(scope)
        atOnce += 1
        assert.equal(atOnce, 1, 'one turn at a time')
        await hold?.promise
        atOnce -= 1
        const outcome = outcomes.shift() ?? { ...settled, sequence: known }
        if (outcome instanceof Error) throw outcome
        const isWhole = scope === 'all' && !outcome.troubles.some(({ kind }) => kind === 'unreadable')
        return { ...outcome, isWhole }
      },
      isConfirmed: () => isConfirmed,
    },
    watcher,
    remote: { watch },
    vaultId,
    clock,
    chance: seededChance(1),
    newestSequence: () => known,
    fullScanMs: () => scanMs,
    onTurn: () => undefined,
    onTrouble: (error) => troubles.push(error.message),
  })
  const ended = follower.run(abort.signal)
  /** Steps time, and lets everything that can go on do so. */
  const pass = async (ms = 0): Promise<void> => {
    await immediate()
    clock.advance(ms)
    await immediate()
  }
  await pass()
  return {
    follower,
    watcher,
    troubles,
    turns,
    nowMs: () => clock.monotonicMs(),
    outcomes,
    ended,
    pass,
    /** What was asked for since this was last called. */
    asked: () => turns.splice(0),
    holdTurns: () => {
      hold = Promise.withResolvers()
    },
    letGo: async () => {
      hold?.resolve()
      hold = null
      await pass()
    },
    confirm: () => {
      isConfirmed = true
    },
    scanEvery: (ms: number) => {
      scanMs = ms
    },
    head: (sequence: number) => line.resolve({ vaultId, head: { sequence, hash: '' as LogHead['hash'] } }),
    knows: (sequence: number) => {
      known = sequence
    },
    loseServer: () => {
      line.reject(new SyncError('vault.watch', 'unavailable', 'the line is lost'))
      line = Promise.withResolvers()
    },
    stop: async () => {
      abort.abort(new Error('stopped'))
      await ended
    },
  }
}

const folders = (...paths: string[]): Scope => new Set(paths)
const offline = new SyncError('remote.append', 'unavailable', 'no line')
const gone = new SyncError('sync.guard', 'missing', 'the folder is not there')

/** A loop that has taken its first turn and rests. `outcomes`: how the next turns end. */
const rested = async (...outcomes: Outcome[]) => {
  const loop = await start()
  await loop.pass(quietMsMax)
  assert.deepEqual(loop.asked(), ['all'])
  assert.ok(loop.follower.state().isUpToDate)
  loop.outcomes.push(...outcomes)
  return loop
}

test('everything is looked at at the start, and then nothing until something happens', async () => {
  const loop = await start()
  await loop.pass(quietMs * 10)
  assert.deepEqual(loop.turns, ['all'])
  await loop.stop()
})

test('a lone change is followed by a turn over its folder after a short moment', async () => {
  const loop = await rested()
  loop.watcher.tell('a/file')
  await loop.pass(settleMs - 1)
  assert.deepEqual(loop.asked(), [])
  await loop.pass(1)
  assert.deepEqual(loop.asked(), [folders('a')])
  await loop.stop()
})

test('a series of changes is followed by one turn over all of them, once it is quiet', async () => {
  const loop = await rested()
  for (let change = 0; change < 20; change++) {
    loop.watcher.tell(`${change % 4}/file`)
    await loop.pass(settleMs / 2)
  }
  assert.deepEqual(loop.asked(), [])
  await loop.pass(quietMs)
  assert.deepEqual(loop.asked(), [folders('0', '1', '2', '3')])
  await loop.stop()
})

test('changes without end are followed by turns all the same', async () => {
  const loop = await rested()
  for (let change = 0; change < 250; change++) {
    loop.watcher.tell('a/file')
    await loop.pass(settleMs / 2)
  }
  assert.ok(loop.asked().length >= 1)
  await loop.stop()
})

test('an unknown head wakes at once, a known one does not', async () => {
  const loop = await rested()
  loop.head(1)
  await loop.pass()
  assert.deepEqual(loop.asked(), [])
  loop.head(2)
  await loop.pass()
  assert.deepEqual(loop.asked(), [folders()])
  // It is still not known, but another turn would not bring it either.
  await loop.pass(quietMsMax)
  assert.deepEqual(loop.asked(), [])
  await loop.stop()
})

test('a head that another folder or command of this device took over first is followed by a turn all the same', async () => {
  const loop = await rested()
  loop.knows(2)
  loop.head(2)
  await loop.pass()
  assert.deepEqual(loop.asked(), [folders()])
  assert.ok(loop.follower.state().isUpToDate)
  await loop.stop()
})

test('the head that a turn of ours made is no reason for another', async () => {
  const loop = await rested()
  loop.holdTurns()
  loop.follower.wake()
  await loop.pass()
  loop.head(2)
  await loop.pass()
  loop.knows(2)
  await loop.letGo()
  await loop.pass(quietMsMax)
  assert.equal(loop.asked().length, 1)
  assert.ok(loop.follower.state().isUpToDate)
  await loop.stop()
})

test('a confirmation is followed by one turn', async () => {
  const loop = await rested({ ...settled, isSettled: false, waiting: { deletions: 20, scrambled: 0, files: 30 } })
  loop.watcher.tell('a/file')
  await loop.pass(quietMs)
  assert.deepEqual(loop.asked(), [folders('a')])
  await loop.pass(decisionsMs * 5)
  assert.deepEqual(loop.asked(), [])
  assert.ok(!loop.follower.state().isUpToDate)
  loop.confirm()
  await loop.pass(decisionsMs)
  await loop.pass(decisionsMs)
  assert.deepEqual(loop.asked(), [folders()])
  await loop.stop()
})

test('everything is looked at every hour', async () => {
  const loop = await rested()
  await loop.pass(fullScanMs)
  assert.deepEqual(loop.asked(), ['all'])
  await loop.stop()
})

test('another time between full looks holds at once, also for the look that is waited for', async () => {
  const loop = await rested()
  await loop.pass(fullScanMs / 2)
  loop.scanEvery(fullScanMs / 4)
  await loop.pass(decisionsMs)
  await loop.pass()
  assert.deepEqual(loop.asked(), ['all'])
  loop.scanEvery(fullScanMs * 2)
  await loop.pass(decisionsMs)
  await loop.pass(fullScanMs)
  assert.deepEqual(loop.asked(), [])
  await loop.pass(fullScanMs)
  assert.deepEqual(loop.asked(), ['all'])
  await loop.stop()
})

test('a turn that fails is told, and tried again soon over the same', async () => {
  const loop = await rested(offline)
  loop.watcher.tell('a/file')
  await loop.pass(quietMs)
  await loop.pass()
  assert.deepEqual(loop.troubles, ['no line'])
  const { activity, lastTrouble, retryAtMs, isUpToDate } = loop.follower.state()
  assert.equal(activity, 'waiting')
  assert.equal(lastTrouble?.message, 'no line')
  assert.ok(retryAtMs !== null && !isUpToDate)
  await loop.pass(retryMsMin)
  assert.deepEqual(loop.asked(), [folders('a'), folders('a')])
  assert.ok(loop.follower.state().isUpToDate)
  assert.equal(loop.follower.state().lastTrouble, null)
  await loop.stop()
})

test('hints do not hasten what failed, and are not lost by it', async () => {
  const loop = await rested(offline, offline, offline, offline, offline, offline)
  loop.follower.wake()
  for (let failure = 0; failure < 5; failure++) await loop.pass(retryMsMax)
  loop.asked()
  for (let change = 0; change < 10; change++) {
    loop.watcher.tell(`${change % 2}/file`)
    await loop.pass(quietMs)
  }
  assert.deepEqual(loop.asked(), [])
  await loop.pass(retryMsMax)
  assert.deepEqual(loop.asked(), [folders('0', '1')])
  await loop.stop()
})

test('a busy file is looked at again without a hint, less and less often', async () => {
  const loop = await rested(busy, busy, busy)
  loop.watcher.tell('a/x')
  await loop.pass(quietMs)
  await loop.pass(recheckMsMin)
  assert.deepEqual(loop.asked(), [folders('a'), folders()])
  await loop.pass(recheckMsMin)
  assert.deepEqual(loop.asked(), [])
  assert.ok(!loop.follower.state().isUpToDate)
  await loop.pass(recheckMsMin)
  await loop.pass(recheckMsMin * 4)
  assert.deepEqual(loop.asked(), [folders(), folders()])
  assert.ok(loop.follower.state().isUpToDate)
  await loop.stop()
})

test('while paused no turn begins and hints are kept; a turn follows', async () => {
  const loop = await rested()
  loop.follower.pause()
  assert.equal(loop.follower.state().activity, 'paused')
  loop.watcher.tell('a/file')
  loop.head(2)
  loop.follower.wake(folders('b'))
  await loop.pass(fullScanMs / 2)
  assert.deepEqual(loop.asked(), [])
  assert.ok(!loop.follower.state().isUpToDate)
  loop.follower.resume()
  await loop.pass()
  assert.deepEqual(loop.asked(), [folders('a', 'b')])
  await loop.stop()
})

test('a turn that runs is finished when it is paused, and says how far it is', async () => {
  const loop = await rested()
  const step = { phase: 'scan', files: 1, filesTotal: 0, bytes: 0, bytesTotal: 0 } as const
  loop.holdTurns()
  loop.follower.wake()
  await loop.pass()
  loop.follower.progress(step)
  loop.follower.pause()
  assert.equal(loop.follower.state().activity, 'turning')
  assert.deepEqual(loop.follower.state().progress, step)
  loop.follower.wake()
  await loop.letGo()
  assert.equal(loop.follower.state().activity, 'paused')
  assert.equal(loop.follower.state().progress, null)
  assert.equal(loop.asked().length, 1)
  await loop.stop()
})

test('what happens during a turn is followed by another', async () => {
  const loop = await rested()
  loop.holdTurns()
  loop.follower.wake()
  await loop.pass()
  loop.watcher.tell('a/file')
  await loop.pass(quietMs)
  await loop.letGo()
  assert.deepEqual(loop.asked(), [folders(), folders('a')])
  await loop.stop()
})

test('an overflow makes everything be looked at', async () => {
  const loop = await rested()
  loop.watcher.tell('a/file')
  loop.watcher.overflow()
  await loop.pass(quietMs)
  await loop.pass()
  assert.deepEqual(loop.asked(), ['all'])
  await loop.stop()
})

test('a watcher that falls silent is found out, opened again, and everything is looked at', async () => {
  const loop = await rested()
  loop.watcher.deafen()
  assert.ok(loop.follower.state().watcher.isHealthy)
  await loop.pass(probeMs)
  await loop.pass(probeMsMax / 2)
  await loop.pass(probeMsMax / 2)
  assert.equal(loop.follower.state().watcher.isHealthy, false)
  assert.match(loop.follower.state().watcher.message, /no longer tells/)
  assert.ok(!loop.follower.state().isUpToDate)
  await loop.pass(retryMsMin)
  await loop.pass(quietMs)
  assert.ok(loop.follower.state().watcher.isHealthy)
  assert.equal(loop.watcher.opened(), 2)
  assert.ok(loop.asked().includes('all'))
  assert.ok(loop.follower.state().isUpToDate)
  await loop.stop()
})

test('a turn that finds another folder at the place of the watched one has it watched at once', async () => {
  const loop = await rested()
  loop.watcher.displace()
  loop.follower.wake()
  await loop.pass()
  await loop.pass()
  assert.equal(loop.follower.state().watcher.isHealthy, false)
  assert.ok(!loop.follower.state().isUpToDate)
  await loop.pass(retryMsMin)
  await loop.pass(quietMs)
  assert.ok(loop.follower.state().watcher.isHealthy)
  assert.equal(loop.watcher.opened(), 2)
  assert.ok(loop.asked().includes('all'))
  await loop.stop()
})

test('a watcher that fails is opened again, and everything is looked at, then and once it is open', async () => {
  const loop = await rested()
  loop.watcher.fail(new SyncError('watcher.watch', 'unavailable', 'it broke'))
  await loop.pass()
  assert.equal(loop.follower.state().watcher.message, 'it broke')
  assert.deepEqual(loop.troubles, ['it broke'])
  await loop.pass(quietMs)
  assert.deepEqual(loop.asked(), ['all'])
  await loop.pass(retryMsMin)
  await loop.pass(quietMs)
  assert.ok(loop.follower.state().watcher.isHealthy)
  assert.deepEqual(loop.asked(), ['all'])
  await loop.stop()
})

test('a watcher that worked meanwhile is opened again soon, however often it failed before', async () => {
  const loop = await rested()
  for (let failure = 2; failure < 12; failure++) {
    loop.watcher.fail(new SyncError('watcher.watch', 'unavailable', 'it broke'))
    await loop.pass()
    await loop.pass(retryMsMin)
    assert.equal(loop.watcher.opened(), failure)
  }
  await loop.stop()
})

test('without a watcher there are still turns, every few minutes, and the trouble is told once', async () => {
  const loop = await rested()
  loop.watcher.refuse(new SyncError('watcher.watch', 'unavailable', 'raise the limit'))
  loop.watcher.fail(new SyncError('watcher.watch', 'unavailable', 'it broke'))
  await loop.pass(quietMs)
  loop.asked()
  for (let minute = 0; minute < 60; minute++) await loop.pass(retryMsMax)
  const count = loop.asked().length
  assert.ok(count >= 3_600_000 / unwatchedScanMs - 1 && count <= 3_600_000 / unwatchedScanMs + 1, `${count} turns`)
  assert.deepEqual(loop.troubles, ['it broke', 'raise the limit'])
  assert.ok(!loop.follower.state().isUpToDate)
  await loop.stop()
})

test('a folder that cannot be watched at the start is synced all the same', async () => {
  const loop = await start({ refusal: new SyncError('watcher.watch', 'unavailable', 'raise the limit') })
  assert.deepEqual(loop.asked(), ['all'])
  assert.deepEqual(loop.follower.state().watcher, { isHealthy: false, message: 'raise the limit' })
  await loop.stop()
})

test('a part that is not watched is told, looked at every few minutes, and tried again', async () => {
  const loop = await rested()
  loop.watcher.setGap('raise the limit')
  await loop.pass(probeMs)
  assert.deepEqual(loop.follower.state().watcher, { isHealthy: false, message: 'raise the limit' })
  await loop.pass(quietMs)
  assert.deepEqual(loop.asked(), ['all'])
  loop.watcher.setGap(null)
  await loop.pass(unwatchedScanMs)
  await loop.pass(quietMs)
  assert.equal(loop.watcher.opened(), 2)
  assert.ok(loop.follower.state().isUpToDate)
  await loop.stop()
})

test('a folder that is gone is found out by the watcher at once, and comes back', async () => {
  const loop = await rested(gone, gone)
  loop.watcher.refuse(gone)
  loop.follower.wake()
  await loop.pass()
  assert.equal(loop.follower.state().watcher.message, gone.message)
  await loop.pass(retryMsMin)
  loop.watcher.refuse(null)
  for (let wait = 0; wait < 5; wait++) await loop.pass(retryMsMin)
  assert.equal(loop.watcher.opened(), 2)
  assert.ok(loop.follower.state().isUpToDate)
  assert.equal(loop.asked().at(-1), 'all')
  await loop.stop()
})

test('a server that is lost is told, found again, and asked', async () => {
  const loop = await rested()
  loop.loseServer()
  await loop.pass()
  assert.deepEqual(loop.follower.state().server, { isReached: false, message: 'the line is lost' })
  assert.ok(!loop.follower.state().isUpToDate)
  assert.deepEqual(loop.asked(), [])
  await loop.pass(retryMsMin)
  await loop.pass()
  assert.ok(loop.follower.state().server.isReached)
  assert.deepEqual(loop.asked(), [folders()])
  await loop.stop()
})

test('a server that is found again ends the wait after a failure', async () => {
  const loop = await rested(offline, offline, offline, offline, offline, offline)
  loop.follower.wake()
  for (let failure = 0; failure < 5; failure++) await loop.pass(retryMsMax)
  loop.asked()
  const { retryAtMs } = loop.follower.state()
  assert.ok(retryAtMs !== null && retryAtMs - loop.nowMs() > retryMsMin, 'a long wait')
  loop.loseServer()
  await loop.pass()
  await loop.pass(retryMsMin)
  assert.equal(loop.asked().length, 1)
  await loop.stop()
})

test('nothing is up to date while something cannot be seen; once it can be, everything is looked at', async () => {
  const unreadable = { ...settled, troubles: [{ path: 'a', kind: 'unreadable', message: 'closed' } as const] }
  const loop = await rested(unreadable, unreadable)
  for (const path of ['a/file', 'b/file']) {
    loop.watcher.tell(path)
    await loop.pass(quietMs)
    assert.equal(loop.asked().length, 1)
    assert.ok(!loop.follower.state().isUpToDate)
  }
  loop.watcher.tell('a/file')
  await loop.pass(quietMs)
  assert.ok(!loop.follower.state().isUpToDate)
  await loop.pass(quietMs)
  assert.deepEqual(loop.asked(), [folders('a'), 'all'])
  assert.ok(loop.follower.state().isUpToDate)
  await loop.stop()
})

test('nothing is up to date while another head is known than the last turn saw', async () => {
  const loop = await rested()
  loop.knows(2)
  assert.ok(!loop.follower.state().isUpToDate)
  await loop.stop()
})

test('a bug in a turn ends everything and is thrown', async () => {
  const loop = await rested(new TypeError('bug'))
  loop.follower.wake()
  await assert.rejects(loop.ended, /bug/)
})
