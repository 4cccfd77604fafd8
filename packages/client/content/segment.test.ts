import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Compression, ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { SyncError } from '@anysync/protocol/errors.ts'
import { packIdFromBytes } from '@anysync/protocol/ids.ts'
import { segmentAloneBytes } from '@anysync/protocol/limits.ts'
import vectors from '../../../vectors/segment.json' with { type: 'json' }
import { concatBytes } from '../crypto/bytes.ts'
import { memoryCipher } from '../memory/cipher.ts'
import type { Cipher, ChunkPlace } from '../ports.ts'
import { chunkIdOf } from './chunk-id.ts'
import type { Chunk } from './identify.ts'
import { openChunk, openSegment, type SealedSegment } from './segment.ts'
import { cipher, noise, prose, replayedChance, testKeys, sealSegment } from './store.suite.ts'

/** A vector's numbers as what they mean. */
type Meant<Vector> = Omit<Vector, 'kind' | 'compression'> & { kind: ContentKind; compression: Compression }
const valid = vectors.valid as unknown as Meant<(typeof vectors.valid)[0]>[]
const invalid = vectors.invalid as unknown as Meant<(typeof vectors.invalid)[0]>[]

const keys = testKeys()
const parts = { cipher, keys }
const pack = packIdFromBytes(new Uint8Array(32).fill(9))

const chunkOf = (kind: ContentKind, plaintext: Uint8Array): Chunk => ({
  kind,
  plaintext,
  id: chunkIdOf(keys, kind, plaintext),
})

const placeOf = (segment: Pick<ChunkPlace, 'kind' | 'compression' | 'plainLength' | 'sealedLength'>): ChunkPlace => ({
  ...segment,
  pack,
  segmentOffset: 12,
  offset: 0,
  length: segment.plainLength,
})

const wanted = chunkOf(ContentKind.DATA, noise(1)).id

/** Refused as it must be: the pack and the chunk are named. */
const refuses = (act: () => unknown): void =>
  assert.throws(act, (error) => {
    assert.ok(error instanceof SyncError, String(error))
    assert.equal(error.kind, 'corrupt')
    assert.match(error.message, new RegExp(`${wanted}.*${pack}`))
    return true
  })

for (const each of [cipher, memoryCipher]) {
  for (const vector of valid) {
    test(`a segment of the vectors opens (${each === cipher ? 'Node' : 'memory'}): ${vector.why}`, () => {
      const sealed = Uint8Array.fromHex(vector.sealed)
      const chunks = vector.chunks.map((chunk) => Uint8Array.fromHex(chunk))
      const place = placeOf({ ...vector, sealedLength: sealed.length })
      assert.deepEqual(openSegment({ cipher: each, keys }, place, sealed, wanted), concatBytes(...chunks))
    })
  }

  for (const vector of invalid) {
    test(`a segment of the vectors is refused (${each === cipher ? 'Node' : 'memory'}): ${vector.why}`, () => {
      const sealed = Uint8Array.fromHex(vector.sealed)
      const place = placeOf({ ...vector, sealedLength: sealed.length })
      refuses(() => openSegment({ cipher: each, keys }, place, sealed, wanted))
    })
  }
}

test('segments that are not compressed are sealed as in the vectors', () => {
  const whole = valid.filter(({ compression }) => compression === Compression.NONE)
  assert.equal(whole.length, 3)
  for (const { kind, chunks, chance, sealed } of whole) {
    const replayed = { cipher, keys: testKeys(1, 0, replayedChance(chance)) }
    const list = chunks.map((chunk) => chunkOf(kind, Uint8Array.fromHex(chunk)))
    assert.equal(sealSegment(replayed, kind, list).bytes.toHex(), sealed)
  }
})

const open = (segment: SealedSegment, bytes = segment.bytes): Uint8Array =>
  openSegment(parts, placeOf(segment.entry), bytes, wanted)

test('what was sealed opens, and each chunk lies in its place', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 2000 }), { minLength: 1, maxLength: 8 }),
      fc.constantFrom(ContentKind.DATA, ContentKind.TREE, ContentKind.LIST, ContentKind.INDEX),
      (plaintexts, kind) => {
        const chunks = plaintexts.map((plaintext) => chunkOf(kind, plaintext))
        const segment = sealSegment(parts, kind, chunks)
        const plaintext = open(segment)
        let offset = 0
        for (const chunk of chunks) {
          const place = { ...placeOf(segment.entry), offset, length: chunk.plaintext.length }
          assert.deepEqual(openChunk(keys, place, plaintext, chunk.id), chunk.plaintext)
          offset += chunk.plaintext.length
        }
      },
    ),
    { numRuns: 50 },
  )
})

test('any flipped bit is refused', () => {
  const { entry, bytes } = sealSegment(parts, ContentKind.DATA, [chunkOf(ContentKind.DATA, prose(300))])
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice()
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7))
    refuses(() => open({ entry, bytes: flipped }))
  }
})

test('fewer or more bytes than the segment has are refused before they are opened', () => {
  const { entry, bytes } = sealSegment(parts, ContentKind.DATA, [chunkOf(ContentKind.DATA, noise(100))])
  for (const wrong of [bytes.subarray(1), bytes.subarray(0, -1), concatBytes(bytes, bytes), new Uint8Array(0)]) {
    refuses(() => open({ entry, bytes: wrong }))
    assert.throws(() => open({ entry, bytes: wrong }), /segment came as/)
  }
})

test('other bytes in the place of a chunk are refused', () => {
  const chunk = chunkOf(ContentKind.DATA, noise(100))
  const segment = sealSegment(parts, ContentKind.DATA, [chunk])
  const place = placeOf(segment.entry)
  refuses(() => openChunk(keys, place, open(segment), wanted))
  const shorter = { ...place, length: 99 }
  assert.throws(() => openChunk(keys, shorter, open(segment), chunk.id), /other bytes/)
  const beyond = { ...place, offset: 1 }
  assert.throws(() => openChunk(keys, beyond, open(segment), chunk.id), /other bytes/)
})

test('a chunk of one kind is not taken for another', () => {
  const tree = chunkOf(ContentKind.TREE, noise(100))
  const segment = sealSegment(parts, ContentKind.TREE, [tree])
  refuses(() => openSegment(parts, placeOf({ ...segment.entry, kind: ContentKind.DATA }), segment.bytes, wanted))
  const asData = { ...placeOf(segment.entry), kind: ContentKind.DATA }
  assert.throws(() => openChunk(keys, asData, noise(100), tree.id), /other bytes/)
})

test('an older epoch still opens, a newer one does not', () => {
  const old = sealSegment(parts, ContentKind.DATA, [chunkOf(ContentKind.DATA, noise(100))])
  const newer = { cipher, keys: testKeys(1, 2) }
  assert.deepEqual(openSegment(newer, placeOf(old.entry), old.bytes, wanted), noise(100))
  const fresh = sealSegment(newer, ContentKind.DATA, [chunkOf(ContentKind.DATA, noise(100))])
  refuses(() => open(fresh))
})

const compressionOf = (plaintext: Uint8Array): Compression =>
  sealSegment(parts, ContentKind.DATA, [chunkOf(ContentKind.DATA, plaintext)]).entry.compression

test('a segment is compressed when that saves at least 3 %', () => {
  assert.equal(compressionOf(prose(10_000)), Compression.ZSTD)
  assert.equal(compressionOf(noise(10_000)), Compression.NONE)
  assert.equal(compressionOf(concatBytes(noise(9_900), new Uint8Array(100))), Compression.NONE)
  assert.equal(compressionOf(concatBytes(noise(9_000), new Uint8Array(1_000))), Compression.ZSTD)
})

test('large data is stored as it is when 64 KiB from all over it do not shrink', () => {
  let compressed = 0
  const counting: Cipher = {
    ...cipher,
    compress: (plaintext, level) => {
      compressed += plaintext.length
      return cipher.compress(plaintext, level)
    },
  }
  const compressionOfLarge = (plaintext: Uint8Array): Compression => {
    compressed = 0
    return sealSegment({ cipher: counting, keys }, ContentKind.DATA, [chunkOf(ContentKind.DATA, plaintext)]).entry
      .compression
  }
  assert.equal(compressionOfLarge(noise(500_000)), Compression.NONE)
  assert.equal(compressed, 65_536)
  const half = new Uint8Array(segmentAloneBytes)
  for (const mixed of [concatBytes(noise(262_144), half), concatBytes(half, noise(262_144))]) {
    assert.equal(compressionOfLarge(mixed), Compression.ZSTD)
    assert.equal(compressed, mixed.length, 'so much of it is alike that it needs no trial')
  }
  const repeated = concatBytes(...Array.from({ length: 100 }, () => noise(4096)))
  assert.equal(compressionOfLarge(repeated), Compression.ZSTD)
  assert.equal(compressed, 65_536 + repeated.length)
})
