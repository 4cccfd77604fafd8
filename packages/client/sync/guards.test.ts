/** When a turn asks before it deletes, as a table. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mustAsk } from './guards.ts'

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
