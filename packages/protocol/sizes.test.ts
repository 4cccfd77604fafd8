import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration, parseSize } from './sizes.ts'

test('sizes and durations are read as people write them', () => {
  assert.equal(parseSize('50GB'), 50_000_000_000)
  assert.equal(parseSize('1.5 GiB'), 1.5 * 2 ** 30)
  assert.equal(parseSize('256MB'), 256_000_000)
  assert.equal(parseSize('1'), 1)
  assert.equal(parseDuration('7d'), 7 * 86_400_000)
  assert.equal(parseDuration('90 m'), 5_400_000)
})

test('anything else is refused', () => {
  for (const text of ['', 'GB', '-1GB', '0', '50gb', '1e9', '5 apples', '99999999999TB', '1.2.3MB']) {
    assert.throws(() => parseSize(text), /is not a size/, text)
  }
  for (const text of ['7', '', '0d', '1y', 'd']) assert.throws(() => parseDuration(text), /is not a duration/, text)
})
