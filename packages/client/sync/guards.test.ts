/** When a turn asks before it deletes, or pushes what was scrambled, as tables. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mustAsk, mustAskOfScrambled, stillCounting } from './guards.ts'

const rows: [deletions: number, files: number, confirmed: number, asks: boolean][] = [
  [0, 0, 0, false],
  [1, 1, 0, false],
  [9, 9, 0, false],
  [10, 10, 0, true],
  [10, 20, 0, false],
  [11, 20, 0, true],
  [1000, 1_000_000, 0, false],
  [1001, 1_000_000, 0, true],
  [1001, 1_000_000, 1001, false],
  [1002, 1_000_000, 1001, true],
]

for (const [deletions, files, confirmed, asks] of rows) {
  test(`${deletions} deletions of ${files} files with ${confirmed} confirmed ${asks ? 'ask' : 'pass'}`, () => {
    assert.equal(mustAsk(deletions, files, confirmed), asks)
  })
}

const scrambledRows: [scrambled: number, files: number, confirmed: number, asks: boolean][] = [
  [0, 0, 0, false],
  [19, 19, 0, false],
  [20, 20, 0, true],
  [20, 199, 0, true],
  [20, 200, 0, false],
  [21, 200, 0, true],
  [100, 1000, 0, false],
  [101, 1_000_000, 0, true],
  [101, 1_000_000, 101, false],
  [102, 1_000_000, 101, true],
]

for (const [scrambled, files, confirmed, asks] of scrambledRows) {
  test(`${scrambled} scrambled of ${files} files with ${confirmed} confirmed ${asks ? 'ask' : 'pass'}`, () => {
    assert.equal(mustAskOfScrambled(scrambled, files, confirmed), asks)
  })
}

test('what was scrambled counts for an hour, and longer when the clock went back', () => {
  const hourNs = 3_600_000_000_000n
  const pushed = { sinceNs: 5n * hourNs, scrambled: 7 }
  assert.deepEqual(stillCounting(pushed, 6n * hourNs - 1n), pushed)
  assert.deepEqual(stillCounting(pushed, 6n * hourNs), { sinceNs: 6n * hourNs, scrambled: 0 })
  assert.deepEqual(stillCounting(pushed, 1n), pushed)
})
