import assert from 'node:assert/strict'
import { test } from 'node:test'
import { thin, type Thinnable } from './thin.ts'

const minute = 60_000_000_000n
const hour = 60n * minute
const day = 24n * hour
const now = 20_000n * day + 12n * hour

const at = (age: bigint, more: Partial<Thinnable> = {}) => ({
  timeNs: now - age,
  isPartial: false,
  label: '',
  isPinned: false,
  ...more,
})

const every = (from: bigint, to: bigint, step: bigint) => {
  const found = []
  for (let age = from; age >= to; age -= step) found.push(at(age))
  return found
}

test('the older a snapshot, the fewer are shown: all, then one an hour, a day, a week, a month', () => {
  const table: [bigint, bigint, bigint, number, number][] = [
    [59n * minute, 0n, minute, 60, 60],
    [23n * hour, 2n * hour, 10n * minute, 22, 22],
    [29n * day, 2n * day, hour, 28, 28],
    [364n * day, 31n * day, day, 48, 49],
    [3650n * day, 400n * day, 7n * day, 108, 110],
  ]
  for (const [from, to, step, least, most] of table) {
    const { length } = thin(every(from, to, step), now)
    assert.ok(length >= least && length <= most, `${from / hour} h: ${length}`)
  }
})

test('of each span the newest is shown, in order; labelled ones and the newest of all always', () => {
  const first = at(5n * day + 2n * hour, { label: 'before the move' })
  const second = at(5n * day + hour)
  const third = at(5n * day)
  const newest = at(4n * day, { isPartial: true })
  assert.deepEqual(thin([first, second, third, newest], now), [first, third, newest])
  assert.deepEqual(thin([], now), [])
})

test('the middle of a push gives way to its end', () => {
  const middle = at(5n * day, { isPartial: true })
  const end = at(5n * day - minute)
  const next = at(3n * day)
  assert.deepEqual(thin([middle, end, next], now), [end, next])
  assert.deepEqual(thin([end, middle, next], now), [end, next])
})
