import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { padmeLength } from './padme.ts'

test('small lengths are as in the paper', () => {
  const lengths = [0, 1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 33, 100, 1000, 16_777_217]
  assert.deepEqual(lengths.map(padmeLength), [0, 1, 2, 3, 4, 5, 8, 10, 16, 16, 18, 36, 104, 1024, 17_301_504])
})

test('padding adds at most 12 %, and a padded length stays as it is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (length) => {
      const padded = padmeLength(length)
      assert.ok(padded >= length && padded <= length * 1.12)
      assert.equal(padmeLength(padded), padded)
    }),
  )
})

test('few lengths are left of many', () => {
  const lengths = new Set(Array.from({ length: 1_000_000 }, (_, length) => padmeLength(length)))
  assert.ok(lengths.size < 300, `${lengths.size}`)
})
