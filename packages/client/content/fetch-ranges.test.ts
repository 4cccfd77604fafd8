import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Compression, ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { expectedSegmentsMax, MiB } from '@anysync/protocol/limits.ts'
import { packIdFromBytes } from '@anysync/protocol/ids.ts'
import type { ChunkPlace } from '../ports.ts'
import { createRangeFetcher, type RangeFetcher, type Taken } from './fetch-ranges.ts'

const pack = packIdFromBytes(new Uint8Array(32))

const placeAt = (segmentOffset: number, sealedLength: number): ChunkPlace => ({
  pack,
  segmentOffset,
  sealedLength,
  plainLength: sealedLength - 40,
  kind: ContentKind.DATA,
  compression: Compression.NONE,
  offset: 0,
  length: sealedLength - 40,
})

const allocate = (length: number) => new Uint8Array(length)

/** A fetcher of zeros, and the lengths that it asked for. */
const counted = (): { fetcher: RangeFetcher; lengths: number[] } => {
  const lengths: number[] = []
  const fetcher = createRangeFetcher((_, __, length) => {
    lengths.push(length)
    return Promise.resolve(new Uint8Array(length))
  }, allocate)
  return { fetcher, lengths }
}

test('no more than 32 MiB are held: the oldest range is let go, and what is still wanted of it fetched by itself', async () => {
  const { fetcher, lengths } = counted()
  const places = Array.from({ length: 12 }, (_, i) => placeAt(12 + i * 4 * MiB, 4 * MiB))
  fetcher.expect(places)
  for (const place of places.filter((_, i) => i % 2 === 0)) await fetcher.take(place)
  assert.deepEqual(
    lengths.splice(0),
    [1, 2, 3, 4, 5, 6].map(() => 8 * MiB),
  )
  for (const place of places.filter((_, i) => i % 2 === 1)) await fetcher.take(place)
  assert.deepEqual(lengths, [4 * MiB, 4 * MiB])
})

test('a range is let go when all of it was taken', async () => {
  const { fetcher, lengths } = counted()
  for (let round = 0; round < 3; round++) {
    const places = [placeAt(12, 100), placeAt(112, 100)]
    fetcher.expect(places)
    for (const place of places) assert.equal((await fetcher.take(place)).bytes.length, 100)
  }
  assert.deepEqual(lengths, [200, 200, 200])
})

test('segments of different packs are never fetched together', async () => {
  const { fetcher, lengths } = counted()
  const other = { ...placeAt(112, 100), pack: packIdFromBytes(new Uint8Array(32).fill(1)) }
  fetcher.expect([placeAt(12, 100), other])
  await fetcher.take(placeAt(12, 100))
  await fetcher.take(other)
  assert.deepEqual(lengths, [100, 100])
})

test('the oldest hints are forgotten when there are too many', async () => {
  const { fetcher, lengths } = counted()
  const places = Array.from({ length: expectedSegmentsMax + 2 }, (_, i) => placeAt(12 + i * 100, 100))
  fetcher.expect(places)
  await fetcher.take(places[0]!)
  await fetcher.take(places[2]!)
  assert.equal(lengths[0], 100)
  assert.ok(lengths[1]! > 1_000_000)
})

test('no more than four ranges are fetched at once, or as many as are asked for', async () => {
  for (const [fetchingMax, expected] of [
    [undefined, 4],
    [() => 1, 1],
    [() => 7, 7],
  ] as const) {
    const waiting: (() => void)[] = []
    const fetcher = createRangeFetcher(
      async (_, __, length) => {
        await new Promise<void>((resolve) => waiting.push(resolve))
        return new Uint8Array(length)
      },
      allocate,
      fetchingMax,
    )
    const taken = Array.from({ length: 9 }, (_, i) => fetcher.take(placeAt(12 + i * 100, 100)))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(waiting.length, expected)
    for (let answered = 0; answered < 9; await new Promise((resolve) => setImmediate(resolve))) {
      for (const answer of waiting.splice(0)) {
        answer()
        answered++
      }
    }
    await Promise.all(taken)
  }
})

test('what is fetched ahead is what will be wanted next, whatever the names of the packs', async () => {
  const asked: number[] = []
  const fetcher = createRangeFetcher((pack, _, length) => {
    asked.push(Number(pack.slice(0, 2)))
    return Promise.resolve(new Uint8Array(length))
  }, allocate)
  const order = [7, 3, 9, 1, 5]
  const places = order.map((number) => {
    return { ...placeAt(12, 4 * MiB), pack: packIdFromBytes(new Uint8Array(32).fill(number)) }
  })
  fetcher.expect(places)
  for (const [i, place] of places.entries()) {
    ;(await fetcher.take(place)).release()
    assert.deepEqual(asked, order.slice(0, i + 2))
  }
})

test('while one range is taken from, the one after it is fetched', async () => {
  const { fetcher, lengths } = counted()
  const places = Array.from({ length: 6 }, (_, i) => placeAt(12 + i * 4 * MiB, 4 * MiB))
  fetcher.expect(places)
  await fetcher.take(places[0]!)
  assert.deepEqual(lengths, [8 * MiB, 8 * MiB])
  await fetcher.take(places[1]!)
  assert.equal(lengths.length, 2)
  await fetcher.take(places[2]!)
  assert.deepEqual(lengths, [8 * MiB, 8 * MiB, 8 * MiB])
})

/** A fetcher of bytes that tell the place in their pack, 1 MiB each, and how often memory was taken for it. */
const telling = () => {
  const made = { memories: 0 }
  const fetcher = createRangeFetcher(
    async (_, offset, length, memory = new Uint8Array(length)) => {
      for (let at = 0; at < length; at += MiB) memory.fill((offset + at) / MiB, at, at + MiB)
      return memory.subarray(0, length)
    },
    (length) => {
      made.memories += 1
      return allocate(length)
    },
  )
  return { fetcher, made }
}

const places = Array.from({ length: 100 }, (_, i) => placeAt(i * MiB, MiB))
const isAsTold = ({ bytes }: Taken, place: ChunkPlace): boolean =>
  Buffer.alloc(MiB, place.segmentOffset / MiB).equals(bytes)

test('memory is used again for other ranges, and not before all of it was released', async () => {
  const { fetcher, made } = telling()
  fetcher.expect(places)
  const held: [Taken, ChunkPlace][] = []
  for (const place of places) {
    held.push([await fetcher.take(place), place])
    if (held.length > 12) held.shift()?.[0].release()
    for (const [taken, place] of held) assert.ok(isAsTold(taken, place))
  }
  assert.ok(made.memories < 8, `${made.memories} times`)
})

test('a range that is let go while something was taken from it keeps its memory for that', async () => {
  const { fetcher } = telling()
  fetcher.expect(places)
  // One of each range, so that more are held than may be.
  const wanted = places.filter((_, i) => i % 8 === 0)
  const taken = await Promise.all(wanted.map((place) => fetcher.take(place)))
  for (const [i, one] of taken.entries()) assert.ok(isAsTold(one, wanted[i]!))
  for (const one of taken) one.release()
  for (const place of places.filter((_, i) => i % 8 === 1)) {
    const one = await fetcher.take(place)
    assert.ok(isAsTold(one, place))
    one.release()
  }
})

test('when all was released no memory is kept', async () => {
  const { fetcher, made } = telling()
  for (const round of [1, 2]) {
    const one = await fetcher.take(places[0]!)
    one.release()
    assert.equal(made.memories, round)
  }
})
