import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { dataCut, treeCut } from '@anysync/protocol/limits.ts'
import vectors from '../../../vectors/cut.json' with { type: 'json' }
import { concatBytes } from '../crypto/bytes.ts'
import { createCutter, makeGear, type CutLimits } from './cut.ts'
import { cipher, noise, testKeys } from './store.suite.ts'

const gear = makeGear(cipher, testKeys().gearKey)
const ready = () => gear
const small: CutLimits = { min: 16, average: 64, max: 256 }

const cut = (bytes: Uint8Array, limits: CutLimits, bufferSize = bytes.length): Uint8Array[] => {
  const cutter = createCutter(ready, limits)
  const chunks: Uint8Array[] = []
  for (let start = 0; start < bytes.length; start += bufferSize) {
    const buffer = bytes.slice(start, start + bufferSize)
    chunks.push(...cutter.push(buffer))
    // Chunks are copies: the buffer may be used again.
    buffer.fill(0)
  }
  const last = cutter.finish()
  return last ? [...chunks, last] : chunks
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
  const bytes = noise(300_000)
  assert.deepEqual(cut(bytes, treeCut, 1), cut(bytes, treeCut))
})

test('chunks laid end to end are what was cut, whatever the sizes of the buffers', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.integer({ min: 1, max: 600 }),
      fc.nat(255),
      (bytes, bufferSize, seed) => {
        const source = concatBytes(bytes, noise(bytes.length, seed))
        const chunks = cut(source, small, bufferSize)
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
  const other = createCutter(() => makeGear(cipher, testKeys(2).gearKey), treeCut)
  assert.notDeepEqual(ends([...other.push(noise(1 << 20))]), ends(cut(noise(1 << 20), treeCut)).slice(0, -1))
})

test('a cutter that finished begins anew', () => {
  const cutter = createCutter(ready, small)
  const round = (): Uint8Array[] => [...cutter.push(noise(1000)), cutter.finish() ?? new Uint8Array(0)]
  assert.deepEqual(round(), round())
})
