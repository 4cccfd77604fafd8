/** When a turn is due, and over what: as tables. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  fullScanMs,
  quietMs,
  quietMsMax,
  recheckMsMin,
  retryMsMax,
  settleMs,
  unwatchedScanMs,
} from '@anysync/protocol/limits.ts'
import { Agenda, quietAtMs, recheckDelayMs, type HintTimes } from './agenda.ts'
import { noCounts, type TurnReport } from './report.ts'
import { nothing, type Scope } from './scope.ts'

const settled: TurnReport = {
  pulled: noCounts(),
  pushed: noCounts(),
  conflicts: [],
  troubles: [],
  waiting: null,
  isWhole: false,
  isSettled: true,
  sequence: 1,
  snapshots: 0,
  bytesUploaded: 0,
}
const unsettled: TurnReport = { ...settled, isSettled: false }
const folders = (...paths: string[]): Scope => new Set(paths)

const times: [name: string, times: HintTimes, atMs: number][] = [
  ['a lone change, a short moment', { seriesMs: 0, firstMs: 0, lastMs: 0 }, settleMs],
  ['two in one go, a short moment after the second', { seriesMs: 0, firstMs: 0, lastMs: 5 }, 5 + settleMs],
  ['a series, as long as it has lasted', { seriesMs: 0, firstMs: 0, lastMs: 120 }, 240],
  ['a long series, no longer than the limit', { seriesMs: 0, firstMs: 0, lastMs: 1000 }, 1000 + quietMs],
  ['a series that began before the last turn', { seriesMs: 0, firstMs: 900, lastMs: 1000 }, 1000 + quietMs],
  ['a series without end, the longest wait', { seriesMs: 0, firstMs: 0, lastMs: quietMsMax - 1 }, quietMsMax],
]
for (const [name, hints, atMs] of times) {
  test(`quiet after ${name}`, () => assert.equal(quietAtMs(hints), atMs))
}

test('what does not settle is looked at again soon, and less and less often', () => {
  assert.equal(recheckDelayMs(1), recheckMsMin)
  assert.equal(recheckDelayMs(2), recheckMsMin * 2)
  for (let count = 1; count < 100; count++) assert.ok(recheckDelayMs(count) <= retryMsMax)
})

/** An agenda after its first turn, which looked at everything at 0 and settled. */
const begun = (): Agenda => {
  const agenda = new Agenda(fullScanMs)
  agenda.ended(settled, agenda.begin(0, true), 0)
  return agenda
}

test('the first turn is due at once and looks at everything', () => {
  const agenda = new Agenda(fullScanMs)
  assert.ok(agenda.nextMs(true) <= 0)
  assert.equal(agenda.begin(0, true), 'all')
})

test('then nothing is due for an hour, or some minutes where hints cannot be relied on', () => {
  const agenda = begun()
  assert.ok(agenda.isEmpty)
  assert.equal(agenda.nextMs(true), fullScanMs)
  assert.equal(agenda.nextMs(false), unwatchedScanMs)
  assert.equal(agenda.begin(fullScanMs, true), 'all')
  const often = new Agenda(1000)
  often.ended(settled, often.begin(0, true), 0)
  assert.equal(often.nextMs(false), 1000)
})

test('hints are looked at together, once, and no others', () => {
  const agenda = begun()
  agenda.hint(folders('a'), 1000)
  agenda.hint(folders('b'), 1010)
  assert.ok(!agenda.isEmpty)
  assert.equal(agenda.nextMs(true), 1010 + settleMs)
  const scope = agenda.begin(1100, true)
  assert.deepEqual(scope, folders('a', 'b'))
  agenda.hint(folders('c'), 1105)
  agenda.ended(settled, scope, 1200)
  assert.ok(!agenda.isEmpty)
  assert.deepEqual(agenda.begin(2000, true), folders('c'))
})

test('waking is at once, and looks at the hints so far', () => {
  const agenda = begun()
  agenda.hint(folders('a'), 1000)
  agenda.wake(folders('b'))
  assert.equal(agenda.nextMs(true), -Infinity)
  assert.deepEqual(agenda.begin(1000, true), folders('a', 'b'))
  assert.equal(agenda.nextMs(true), fullScanMs)
})

test('what a turn that failed was to look at is not lost, and hints do not hasten the next', () => {
  const agenda = begun()
  agenda.hint(folders('a'), 1000)
  agenda.failed('unavailable', agenda.begin(1100, true), 1200, () => 700)
  agenda.hint(folders('b'), 1210)
  assert.equal(agenda.nextMs(true), 1900)
  assert.ok(agenda.isFailing)
  const scope = agenda.begin(1900, true)
  assert.deepEqual(scope, folders('a', 'b'))
  agenda.ended(settled, scope, 2000)
  assert.ok(!agenda.isFailing && agenda.isEmpty)
})

test('waits after failures grow until a turn works, and waking does not wait', () => {
  const agenda = begun()
  const counts: number[] = []
  const delay = (failures: number): number => {
    counts.push(failures)
    return 1000
  }
  for (let turn = 0; turn < 3; turn++) agenda.failed('unavailable', agenda.begin(turn, true), turn, delay)
  agenda.wake(nothing)
  assert.equal(agenda.nextMs(true), -Infinity)
  agenda.ended(settled, agenda.begin(10, true), 10)
  agenda.failed('unavailable', agenda.begin(20, true), 20, delay)
  assert.deepEqual(counts, [0, 1, 2, 0])
})

test('after a failure that is not for want of the server, everything is looked at', () => {
  for (const kind of ['missing', 'full', 'corrupt', 'conflict'] as const) {
    const agenda = begun()
    agenda.hint(folders('a'), 1000)
    agenda.failed(kind, agenda.begin(1100, true), 1200, () => 700)
    assert.equal(agenda.begin(1900, true), 'all', kind)
  }
})

test('what did not settle has another turn without a hint, and everything is looked at every few minutes', () => {
  const agenda = begun()
  agenda.hint(folders('a'), 1000)
  agenda.ended(unsettled, agenda.begin(1100, true), 1200)
  assert.equal(agenda.nextMs(true), 1200 + recheckMsMin)
  assert.ok(!agenda.isEmpty)
  assert.deepEqual(agenda.begin(1700, true), nothing)
  assert.equal(agenda.begin(unwatchedScanMs, true), 'all')
})

test('deletions that wait are not asked about again and again', () => {
  const agenda = begun()
  agenda.hint(folders('a'), 1000)
  agenda.ended({ ...unsettled, waiting: { deletions: 9, scrambled: 0, files: 9 } }, agenda.begin(1100, true), 1200)
  assert.equal(agenda.nextMs(true), fullScanMs)
})

test('a turn that looked at everything by itself puts the next look at everything off', () => {
  const agenda = begun()
  agenda.hint(folders('a'), 1000)
  agenda.ended({ ...settled, isWhole: true }, agenda.begin(1100, true), 1200)
  assert.equal(agenda.nextMs(true), 1200 + fullScanMs)
})
