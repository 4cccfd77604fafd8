import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { dataCut, treeCut } from '@anysync/protocol/limits.ts'
import vectors from '../../../vectors/cut.json' with { type: 'json' }
import { concatBytes } from '../crypto/bytes.ts'
import { cutEnds, makeGear, type CutLimits } from './cut.ts'
import { cipher, noise, testKeys } from './store.suite.ts'

const gear = makeGear(cipher, testKeys().gearKey)
const ready = () => gear
const small: CutLimits = { min: 16, average: 64, max: 256 }

/** Cuts in windows that grow by so many bytes, each from the last cut on. */
const cut = (bytes: Uint8Array, limits: CutLimits, windowBytes = bytes.length): Uint8Array[] => {
  const chunks: Uint8Array[] = []
  let start = 0
  for (let end = 0; end < bytes.length;) {
    end = Math.min(end + windowBytes, bytes.length)
    const window = bytes.subarray(start, end)
    let from = 0
    for (const to of cutEnds(ready, limits, window, end === bytes.length)) {
      chunks.push(window.subarray(from, to))
      from = to
    }
    start += from
  }
  return chunks
}

const ends = (chunks: Uint8Array[]): number[] => {
  let end = 0
  return chunks.map(({ length }) => (end += length))
}

test('the gear table of a key is as in the vectors', () => {
  assert.equal(testKeys().gearKey.toHex(), vectors.gearKey)
  assert.equal(Array.from(gear, (word) => (word >>> 0).toString(16).padStart(8, '0')).join(''), vectors.gear)
})

for (const { source, length, limits, cuts } of vectors.streams) {
  test(`${length} bytes of ${source} are cut as in the vectors by the limits of ${limits}`, () => {
    const bytes = source === 'zeros' ? new Uint8Array(length) : noise(length)
    assert.deepEqual(ends(cut(bytes, limits === 'data' ? dataCut : treeCut, 1_000_003)), cuts)
  })
}

test('the cuts are the same a byte at a time', () => {
  const bytes = noise(10_000)
  assert.deepEqual(cut(bytes, small, 1), cut(bytes, small))
})

test('the cuts are the same wherever in memory the bytes lie', () => {
  const bytes = noise(10_000)
  for (let offset = 0; offset < 8; offset++) {
    for (const length of [9_992, 9_991, 9_990, 9_989, 40, 33, 20, 17]) {
      const there = concatBytes(new Uint8Array(offset), bytes.subarray(0, length)).subarray(offset)
      // A memory whose length is no multiple of a word's.
      assert.deepEqual(ends(cut(there, small)), ends(cut(bytes.slice(0, length), small)))
      assert.deepEqual(ends(cut(there, small)), ends(cut(there, small, 1)))
    }
  }
})

test('chunks laid end to end are what was cut, whatever the sizes of the windows', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.integer({ min: 1, max: 600 }),
      fc.nat(255),
      (bytes, windowBytes, seed) => {
        const source = concatBytes(bytes, noise(bytes.length, seed))
        const chunks = cut(source, small, windowBytes)
        assert.deepEqual(concatBytes(...chunks), source)
        assert.deepEqual(ends(chunks), ends(cut(source, small)))
      },
    ),
  )
})

test('chunks keep the limits, and only the last may be shorter', () => {
  const chunks = cut(noise(200_000), small)
  for (const { length } of chunks.slice(0, -1)) assert.ok(length > small.min && length <= small.max)
  const average = 200_000 / chunks.length
  assert.ok(average > 48 && average < 112, `the average is ${average}`)
})

test('streams around the limits are cut where they must be', () => {
  const zeros = (length: number): number[] => ends(cut(new Uint8Array(length), small))
  assert.deepEqual(zeros(0), [])
  assert.deepEqual(zeros(1), [1])
  assert.deepEqual(zeros(small.max - 1), [255])
  assert.deepEqual(zeros(small.max), [256])
  assert.deepEqual(zeros(small.max + 1), [256, 257])
  for (const length of [small.min - 1, small.min]) assert.deepEqual(ends(cut(noise(length), small)), [length])
})

const names = (bytes: Uint8Array): string[] => cut(bytes, treeCut).map((chunk) => cipher.sha256(chunk).toHex())

test('an inserted byte changes a bounded number of chunks', () => {
  const before = noise(4 << 20)
  const known = new Set(names(before))
  for (let i = 0; i < 20; i++) {
    const at = Math.floor((before.length * i) / 20)
    const after = concatBytes(before.subarray(0, at), Uint8Array.of(7), before.subarray(at))
    const fresh = names(after).filter((name) => !known.has(name))
    assert.ok(fresh.length >= 1 && fresh.length <= 8, `${fresh.length} new chunks after an insertion at ${at}`)
  }
})

test('another key cuts elsewhere', () => {
  const other = makeGear(cipher, testKeys(2).gearKey)
  const bytes = noise(1 << 20)
  assert.notDeepEqual(
    cutEnds(() => other, treeCut, bytes, true),
    cutEnds(ready, treeCut, bytes, true),
  )
})
