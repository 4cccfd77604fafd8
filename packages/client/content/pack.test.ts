import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { create } from '@bufbuild/protobuf'
import {
  ContentKind,
  IndexedPackSchema,
  SegmentSchema,
  type IndexedPack,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { idToBytes, packIdFromBytes, parsePackId } from '@anysync/protocol/ids.ts'
import { packBytesMax, segmentChunksMax } from '@anysync/protocol/limits.ts'
import vectors from '../../../vectors/pack.json' with { type: 'json' }
import { concatBytes } from '../crypto/bytes.ts'
import { sealOverheadBytes } from '../crypto/xaes.ts'
import { seededChance } from '../memory/chance.ts'
import type { ChunkPlace } from '../ports.ts'
import { chunkIdOf } from './chunk-id.ts'
import { sealDirectory } from './directory.ts'
import type { Chunk } from './identify.ts'
import { buildPack, indexedPack, readDirectory, type SealedPack } from './pack.ts'
import { padmeLength } from './padme.ts'
import { placesOf } from './places.ts'
import { openChunk, openSegment, type SealedSegment } from './segment.ts'
import { cipher, noise, replayedChance, testKeys, sealSegment, testWork } from './store.suite.ts'

type Valid = {
  why: string
  segments: { kind: ContentKind; chunks: string[] }[]
  chance?: string
  name: string
  pack: string
}
const valid = vectors.valid as unknown as Valid[]

const keys = testKeys()
const parts = { cipher, chance: seededChance(3), keys, work: testWork(keys) }

const chunkOf = (kind: ContentKind, plaintext: Uint8Array): Chunk => ({
  kind,
  plaintext,
  id: chunkIdOf(keys, kind, plaintext),
})

const sealNoise = (kind: ContentKind, ...lengths: number[]): SealedSegment =>
  sealSegment(
    parts,
    kind,
    lengths.map((length, i) => chunkOf(kind, noise(length, i))),
  )

const readChunk = (bytes: Uint8Array, place: ChunkPlace, chunk: Chunk): Uint8Array => {
  const sealed = bytes.subarray(place.segmentOffset, place.segmentOffset + place.sealedLength)
  return openChunk(keys, place, openSegment(parts, place, sealed, chunk.id), chunk.id)
}

for (const vector of valid) {
  test(`a pack of the vectors tells and gives what it holds: ${vector.why}`, () => {
    const bytes = Uint8Array.fromHex(vector.pack)
    const places = [...placesOf(readDirectory(parts, parsePackId(vector.name), bytes))]
    const chunks = vector.segments.flatMap(({ kind, chunks }) =>
      chunks.map((chunk) => chunkOf(kind, Uint8Array.fromHex(chunk))),
    )
    assert.deepEqual(
      places.map(({ id }) => id),
      chunks.map(({ id }) => id),
    )
    for (const [i, chunk] of chunks.entries()) {
      assert.deepEqual(readChunk(bytes, places[i]!.place, chunk), chunk.plaintext)
    }
  })
}

test('a pack that is not compressed is built as in the vectors, byte for byte', async () => {
  const { chance, segments, pack, name } = valid[0]!
  const replayed = replayedChance(chance!)
  const replayedKeys = testKeys(1, 0, replayed)
  const replayedParts = { cipher, chance: replayed, keys: replayedKeys, work: testWork(replayedKeys) }
  const sealed = segments.map(({ kind, chunks }) =>
    sealSegment(
      replayedParts,
      kind,
      chunks.map((chunk) => chunkOf(kind, Uint8Array.fromHex(chunk))),
    ),
  )
  const built = await buildPack(replayedParts, sealed)
  assert.equal(built.bytes.toHex(), pack)
  assert.equal(built.id, name)
})

for (const { why, kind, reason, name, pack } of vectors.invalid) {
  test(`a pack of the vectors is refused: ${why}`, () => {
    assert.throws(
      () => readDirectory(parts, parsePackId(name), Uint8Array.fromHex(pack)),
      (error) => error instanceof SyncError && error.kind === kind && error.message.includes(reason),
    )
  })
}

test('any flipped bit of a pack is refused', async () => {
  const { id, bytes } = await buildPack(parts, [sealNoise(ContentKind.DATA, 50)])
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice()
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7))
    assert.throws(
      () => readDirectory(parts, id, flipped),
      (error) => isTrouble(error, 'corrupt'),
    )
  }
})

test('what was built is read, and every chunk lies in its place', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }), {
        minLength: 1,
        maxLength: 5,
      }),
      async (lengths) => {
        const pack = await buildPack(
          parts,
          lengths.map((each) => sealNoise(ContentKind.DATA, ...each)),
        )
        const read = readDirectory(parts, pack.id, pack.bytes)
        assert.deepEqual(read, indexedPack(pack))
        const chunks = lengths.flatMap((each) => each.map((length, i) => chunkOf(ContentKind.DATA, noise(length, i))))
        for (const [i, { id, place }] of [...placesOf(read)].entries()) {
          assert.equal(id, chunks[i]!.id)
          assert.deepEqual(readChunk(pack.bytes, place, chunks[i]!), chunks[i]!.plaintext)
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('the lengths of a pack and of its sealed directory are Padmé lengths', async () => {
  for (let count = 1; count < 120; count++) {
    const segment = sealNoise(ContentKind.DATA, ...Array.from({ length: count }, () => 1))
    const { bytes, directory } = await buildPack(parts, [segment])
    assert.equal(bytes.length, padmeLength(bytes.length))
    const sealedLength = sealDirectory(keys, directory).length
    assert.equal(sealedLength, padmeLength(sealedLength))
    assert.equal(new DataView(bytes.buffer).getUint32(bytes.length - 8), sealedLength)
  }
})

const directoryOf = (segments: object[]): IndexedPack =>
  create(IndexedPackSchema, {
    pack: new Uint8Array(32),
    directory: { segments: segments.map((segment) => create(SegmentSchema, segment)) },
  })

const refuses = (pack: IndexedPack, reason: RegExp): void =>
  assert.throws(
    () => placesOf(pack),
    (error) => isTrouble(error, 'corrupt') && reason.test(error.message),
  )

const id = new Uint8Array(32)
const large = {
  kind: 1,
  compression: 1,
  sealedLength: 4 * 1024 * 1024 + sealOverheadBytes,
  plainLength: 4 * 1024 * 1024,
  chunks: [{ id, length: 4 * 1024 * 1024 }],
}

test('places are not given for what cannot be a pack', () => {
  refuses(create(IndexedPackSchema, { pack: new Uint8Array(32) }), /without its directory/)
  refuses(create(IndexedPackSchema, { ...directoryOf([large]), pack: new Uint8Array(31) }), /31 bytes/)
  refuses(directoryOf([]), /0 segments/)
  refuses(directoryOf([large, { ...large, sealedLength: 4_294_967_295 }]), /sealed bytes/)
  const most = Math.floor((packBytesMax - 20) / large.sealedLength)
  assert.equal([...placesOf(directoryOf(Array.from({ length: most }, () => large)))].length, most)
  refuses(directoryOf(Array.from({ length: most + 1 }, () => large)), /more than a pack holds/)
})

const directoryOfChunks = (count: number): IndexedPack =>
  directoryOf([
    {
      kind: 1,
      compression: 1,
      sealedLength: count + sealOverheadBytes,
      plainLength: count,
      chunks: Array.from({ length: count }, () => ({ id, length: 1 })),
    },
  ])

test('a segment has at most 65,536 chunks', () => {
  assert.equal([...placesOf(directoryOfChunks(segmentChunksMax))].length, segmentChunksMax)
  refuses(directoryOfChunks(segmentChunksMax + 1), /65537 chunks/)
})

test('a pack opens in its own vault only, and in any later epoch', async () => {
  const pack: SealedPack = await buildPack(parts, [sealNoise(ContentKind.DATA, 10)])
  assert.throws(() => readDirectory({ cipher, keys: testKeys(2) }, pack.id, pack.bytes), /sealed elsewhere/)
  const later = { cipher, keys: testKeys(1, 1) }
  assert.deepEqual(readDirectory(later, pack.id, pack.bytes), indexedPack(pack))
})

test('an epoch that the header lies about is refused', async () => {
  const later = testKeys(1, 1)
  const { bytes } = await buildPack({ ...parts, keys: later }, [sealNoise(ContentKind.DATA, 10)])
  const lying = concatBytes(bytes.subarray(0, 11), Uint8Array.of(0), bytes.subarray(12))
  const name = packIdFromBytes(cipher.sha256(lying))
  assert.equal(idToBytes(name).length, 32)
  assert.throws(
    () => readDirectory({ cipher, keys: later }, name, lying),
    (error) => isTrouble(error, 'corrupt'),
  )
})
