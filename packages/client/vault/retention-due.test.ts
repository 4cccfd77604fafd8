/** When retention is due, as a table. Times in days. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRetentionDue, nextRetentionNs } from './retention-due.ts'

const dayNs = 86_400_000_000_000n
const inNs = (days: number): bigint => (BigInt(Math.round(days * 1000)) * dayNs) / 1000n

const rows: [what: string, now: number, next: number | null, isCalm: boolean, isDue: boolean][] = [
  ['the first time', 100, null, true, true],
  ['the day before', 106, 107, true, false],
  ['at the moment', 107, 107, true, true],
  ['long after, for the device was off', 400, 107, true, true],
  ['as far ahead as can be', 100, 108, true, false],
  ['further ahead than can be: the clock went back', 100, 108.001, true, true],
  ['while a person is asked', 400, 107, false, false],
  ['the first time, while a person is asked', 100, null, false, false],
]

for (const [what, now, next, isCalm, isDue] of rows) {
  test(`retention is ${isDue ? '' : 'not '}due: ${what}`, () => {
    const nextNs = next === null ? null : inNs(next)
    assert.equal(isRetentionDue({ nowNs: inNs(now), nextNs, isCalm }), isDue)
  })
}

test('it is due again after a week, and a day at most', () => {
  assert.equal(nextRetentionNs(inNs(100), 0), inNs(107))
  assert.equal(nextRetentionNs(inNs(100), 0.5), inNs(107.5))
  assert.equal(nextRetentionNs(inNs(100), 1), inNs(108))
})
