import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  describeRules,
  forgettable,
  judge,
  parseDuration,
  usualRules,
  type Judged,
  type KeepRules,
} from './retention.ts'
import { trouble } from './vault.suite.ts'

const at = (sequence: number, time: string, more: Partial<Judged> = {}): Judged => ({
  sequence,
  timeNs: BigInt(Date.parse(time)) * 1_000_000n,
  isPartial: false,
  label: '',
  isPinned: false,
  ...more,
})

const snapshots = [
  at(1, '2024-12-31T23:59Z'),
  at(2, '2025-06-30T10:00Z', { label: 'release' }),
  at(3, '2025-10-31T23:00Z'),
  at(4, '2025-11-01T01:00Z'),
  at(5, '2025-11-23T23:00Z'), // a Sunday
  at(6, '2025-11-24T01:00Z'),
  at(7, '2025-11-24T01:30Z', { isPartial: true }),
  at(8, '2025-11-25T09:10Z', { isPinned: true }),
  at(9, '2025-11-25T09:50Z'),
  at(10, '2025-11-25T10:00Z'),
]
const day = (days: number) => ({ years: 0, months: 0, days, hours: 0 })

const table: [string, KeepRules, number[]][] = [
  ['no rule', {}, [8, 10]],
  ['last 3', { last: 3 }, [8, 9, 10]],
  ['last more than there are', { last: 99 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  ['hourly 2', { every: { hourly: 2 } }, [8, 9, 10]],
  ['hourly 3 passes over the middle of a push', { every: { hourly: 3 } }, [6, 8, 9, 10]],
  ['daily 3', { every: { daily: 3 } }, [5, 6, 8, 10]],
  ['weekly 2: a week begins on Monday', { every: { weekly: 2 } }, [5, 8, 10]],
  ['monthly 2', { every: { monthly: 2 } }, [3, 8, 10]],
  ['monthly unlimited', { every: { monthly: Infinity } }, [1, 2, 3, 8, 10]],
  ['yearly 2', { every: { yearly: 2 } }, [1, 8, 10]],
  ['within a day and a bit counts from the newest', { within: { ...day(1), hours: 9 } }, [6, 7, 8, 9, 10]],
  ['within 0 hours', { within: day(0) }, [8, 10]],
  ['within a month', { within: { ...day(0), months: 1 } }, [3, 4, 5, 6, 7, 8, 9, 10]],
  ['daily within a week', { everyWithin: { daily: day(7) } }, [5, 6, 8, 10]],
  ['tag', { tags: ['release', 'other'] }, [2, 8, 10]],
  ['several rules keep what any of them keeps', { last: 1, tags: ['release'], every: { yearly: 2 } }, [1, 2, 8, 10]],
  ['the usual rules', usualRules, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
]
for (const [name, rules, wanted] of table) {
  test(`what is kept: ${name}`, () => {
    const kept = [...judge(snapshots, rules)].filter(([, reasons]) => reasons.length > 0).map(([sequence]) => sequence)
    assert.deepEqual(
      kept.toSorted((a, b) => a - b),
      wanted,
    )
    const forgotten = forgettable(snapshots, rules)
    assert.deepEqual(
      [...wanted, ...forgotten].toSorted((a, b) => a - b),
      snapshots.map(({ sequence }) => sequence),
    )
    // Forgetting twice forgets nothing more.
    const rest = snapshots.filter(({ sequence }) => !forgotten.includes(sequence))
    assert.deepEqual(forgettable(rest, rules), [])
  })
}

test('each snapshot says which rules keep it', () => {
  const reasons = judge(snapshots, { last: 2, every: { daily: 1, monthly: 2 }, tags: ['release'] })
  assert.deepEqual(reasons.get(10), ['newest', 'last', 'daily', 'monthly'])
  assert.deepEqual(reasons.get(9), ['last'])
  assert.deepEqual(reasons.get(8), ['pinned'])
  assert.deepEqual(reasons.get(2), ['tag'])
  assert.deepEqual(reasons.get(4), [])
})

test('the usual rules keep all for 30 days, one a day for a year, then one a month, whatever the clock says', () => {
  const hours = Array.from({ length: 3 * 366 * 6 }, (_, i) =>
    at(i + 1, new Date(Date.UTC(2023, 0, 1) + i * 4 * 3_600_000).toISOString()),
  )
  const kept = [...judge(hours, usualRules)].filter(([, reasons]) => reasons.length > 0).length
  assert.ok(kept > 30 * 6 + 335 + 23 && kept < 30 * 6 + 340 + 30, String(kept))
  assert.deepEqual(forgettable([], usualRules), [])
})

test('durations are years, months, days and hours', () => {
  assert.deepEqual(parseDuration('1y6m7d12h'), { years: 1, months: 6, days: 7, hours: 12 })
  assert.deepEqual(parseDuration('30d'), day(30))
  for (const text of ['', 'd', '3', '3w', '1d2y', '-1d', '1.5d', '99999999d'])
    assert.throws(() => parseDuration(text), trouble('invalid'))
  assert.equal(describeRules(usualRules), 'keep-within 30d, keep-within-daily 1y, keep-monthly unlimited')
  assert.equal(describeRules({ last: 3, tags: ['a'], within: day(0) }), 'keep-last 3, keep-within 0h, keep-tag a')
})
