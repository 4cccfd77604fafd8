/** A proof is due once a day, a little later on each device, and never at once after a start. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProofDue } from './proof-due.ts'

const minute = 60_000_000_000n
const hour = 60n * minute
const start = 1_000_000n * hour

test('when a proof is due', () => {
  const table: [sinceStart: bigint, lastBeforeNow: bigint | null, jitter: number, isDue: boolean, why: string][] = [
    [0n, null, 0, true, 'never proven, and no jitter'],
    [0n, null, 0.5, false, 'just started'],
    [5n * minute, null, 0.5, true, 'started long enough ago'],
    [4n * minute, null, 0.5, false, 'not yet'],
    [9n * minute, null, 1, false, 'not yet, with the most jitter'],
    [10n * minute, null, 1, true, 'with the most jitter'],
    [hour, 23n * hour, 0, false, 'less than a day ago'],
    [hour, 24n * hour, 0, true, 'a day ago'],
    [hour, 24n * hour, 0.5, false, 'a day ago, but an hour of jitter'],
    [hour, 25n * hour, 0.5, true, 'a day and the jitter ago'],
    [hour, 26n * hour, 1, true, 'the longest that it takes'],
    [minute, 1000n * hour, 0.5, false, 'long ago, but just started'],
    [5n * minute, 1000n * hour, 0.5, true, 'long ago'],
    [hour, -hour, 0.5, true, 'proven in the future: the clock was wrong'],
    [minute, -hour, 0.5, false, 'proven in the future, but just started'],
    [-hour, null, 0.5, true, 'the clock was put back since the start'],
  ]
  for (const [sinceStart, before, jitter, isDue, why] of table) {
    const nowNs = start + sinceStart
    const lastNs = before === null ? null : nowNs - before
    assert.equal(isProofDue({ nowNs, startedNs: start, lastNs, jitter }), isDue, why)
  }
})
