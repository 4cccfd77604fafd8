/**
 * The rule of the oracle, as a table: a rule that excuses too much finds nothing.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fateOf, fileKey, lyingMs, Oracle } from './oracle.ts'

const up = [
  { fromMs: 1_000, toMs: 5_000 },
  { fromMs: 20_000, toMs: 40_000 },
]

test('what a device never replaced must be found, also when nothing was ever up', () => {
  const save = { device: 'desk', key: 'k', what: '', savedMs: 0, endedMs: null }
  assert.equal(fateOf(save, []), 'must be found: never replaced')
})

test('what was replaced must be found only when it lay long enough while all was up without a break', () => {
  const table: [savedMs: number, endedMs: number, mayBeMissing: boolean][] = [
    [0, 100, true],
    // Long, but in no time that was long enough.
    [0, 19_999, true],
    [0, 20_000 + lyingMs - 1, true],
    [0, 20_000 + lyingMs, false],
    [25_000, 25_000 + lyingMs, false],
    [25_000, 25_000 + lyingMs - 1, true],
    [35_000, 90_000, true],
    [30_000, 90_000, false],
  ]
  for (const [savedMs, endedMs, mayBeMissing] of table) {
    const fate = fateOf({ device: 'desk', key: 'k', what: '', savedMs, endedMs }, up)
    assert.equal(fate, mayBeMissing ? 'may be missing' : 'must be found: lay long enough', `${savedMs} to ${endedMs}`)
  }
})

test('only the device that saved a content ends it, and the first end counts', () => {
  const oracle = new Oracle()
  const key = fileKey(Buffer.from('text'))
  oracle.saved('desk', key, 'a file')
  oracle.ended('laptop', key)
  assert.equal(oracle.saves()[0]?.endedMs, null)
  oracle.ended('desk', key)
  const first = oracle.saves()[0]?.endedMs
  assert.notEqual(first, null)
  oracle.ended('desk', key)
  assert.equal(oracle.saves()[0]?.endedMs, first)
})
