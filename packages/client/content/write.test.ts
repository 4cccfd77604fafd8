import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ContentKind, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { packIdFromBytes } from '@anysync/protocol/ids.ts'
import { chunkBytesMax, packBytesTarget } from '@anysync/protocol/limits.ts'
import { concatBytes } from '../crypto/bytes.ts'
import { sameContent } from './content.ts'
import { createIdentify, type ByteSource } from './identify.ts'
import { indexedPack, readDirectory } from './pack.ts'
import { cipher, createTestStore, noise, sourceOf, prose, testKeys, testWork, type TestStore } from './store.suite.ts'

const tiny = {
  dataCut: { min: 16, average: 64, max: 256 },
  treeCut: { min: 16, average: 64, max: 256 },
  contentChunksMax: 4,
  listChunkBytesMax: 8 * 32,
}

const kindsOf = (store: TestStore, pack: number): ContentKind[] =>
  store.stored[pack]!.directory.segments.map(({ kind }) => kind)

const storedBytes = (store: TestStore): number => store.stored.reduce((sum, { bytes }) => sum + bytes.length, 0)

test('many small and some large contents come back as they were written', async () => {
  const store = createTestStore()
  const writer = store.writer()
  const sources = [
    ...Array.from({ length: 300 }, (_, i) => prose((i * 37) % 5000, i % 256)),
    noise(3_000_000, 1),
    prose(1_500_000, 2),
    noise(262_144, 3),
    noise(262_145, 4),
    new Uint8Array(6_000_000),
  ]
  const contents: Content[] = []
  const next = sources.entries()
  await Promise.all(
    [1, 2, 3, 4].map(async () => {
      for (const [i, source] of next) contents[i] = await writer.write(ContentKind.DATA, sourceOf(source))
    }),
  )
  const packs = await writer.finish()
  assert.deepEqual(packs, store.stored.map(indexedPack))
  const reader = store.reader()
  for (const [i, content] of contents.entries()) {
    assert.deepEqual(await reader.bytes(ContentKind.DATA, content), sources[i])
  }
})

test('any bytes of any kind come back, through lists as well', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ length: fc.nat(12_000), seed: fc.nat(3), isTree: fc.boolean() }), { maxLength: 6 }),
      async (wanted) => {
        const store = createTestStore()
        const writer = store.writer({ limits: tiny })
        const contents = await Promise.all(
          wanted.map(({ length, seed, isTree }) =>
            writer.write(isTree ? ContentKind.TREE : ContentKind.DATA, sourceOf(noise(length, seed))),
          ),
        )
        await writer.finish()
        const reader = store.reader()
        for (const [i, { length, seed, isTree }] of wanted.entries()) {
          const bytes = await reader.bytes(isTree ? ContentKind.TREE : ContentKind.DATA, contents[i]!)
          assert.deepEqual(bytes, noise(length, seed))
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('a content of more than 1,000 chunks is held in lists', async () => {
  const store = createTestStore()
  const writer = store.writer({ limits: { dataCut: tiny.dataCut } })
  const content = await writer.write(ContentKind.DATA, noise(120_000))
  await writer.finish()
  assert.equal(content.depth, 1)
  assert.equal(content.chunks.length, 1)
  assert.ok(store.places.size > 1000)
  assert.deepEqual(await store.reader().bytes(ContentKind.DATA, content), noise(120_000))
})

test('each pack says itself what it holds', async () => {
  const store = createTestStore()
  const writer = store.writer()
  await writer.write(ContentKind.DATA, noise(1_000_000))
  const packs = await writer.finish()
  const read = store.stored.map(({ id, bytes }) => readDirectory({ cipher, keys: store.keys }, id, bytes))
  assert.deepEqual(read, packs)
})

test('what was written is known by the writer before it is stored, and by the vault after', async () => {
  const store = createTestStore()
  const writer = store.writer()
  const first = await writer.write(ContentKind.DATA, noise(500_000))
  const second = await writer.write(ContentKind.DATA, noise(500_000))
  await writer.finish()
  assert.ok(sameContent(first, second))
  const before = storedBytes(store)
  assert.ok(before < 600_000)
  const third = await writer.write(ContentKind.DATA, noise(500_000))
  assert.deepEqual(await writer.finish(), [])
  assert.ok(sameContent(first, third))
  assert.deepEqual(await store.reader().bytes(ContentKind.DATA, third), noise(500_000))
})

test('identical sources that are written at the same time are stored once', async () => {
  const store = createTestStore()
  const writer = store.writer()
  await Promise.all([1, 2, 3, 4].map(() => writer.write(ContentKind.DATA, sourceOf(noise(2_000_000)))))
  await writer.finish()
  assert.ok(storedBytes(store) < 2_400_000)
})

test('nine bytes in the middle of a large file cost a few chunks, and the whole file comes back', async () => {
  const store = createTestStore()
  const writer = store.writer()
  const before = noise(30_000_000)
  const after = concatBytes(before.subarray(0, 15_000_000), noise(9, 1), before.subarray(15_000_000))
  await writer.write(ContentKind.DATA, before)
  await writer.finish()
  const stored = storedBytes(store)
  const content = await writer.write(ContentKind.DATA, after)
  await writer.finish()
  assert.ok(storedBytes(store) - stored < 10_000_000)
  assert.equal(content.size, 30_000_009n)
  const back = concatBytes(...(await Array.fromAsync(store.reader().stream(content), (portion) => portion.slice())))
  assert.equal(cipher.sha256(back).toHex(), cipher.sha256(after).toHex())
})

test('trees come before data in a pack that both share', async () => {
  const store = createTestStore()
  const writer = store.writer({ limits: tiny })
  await writer.write(ContentKind.DATA, noise(3000))
  await writer.write(ContentKind.TREE, noise(3000, 1))
  await writer.finish()
  assert.equal(store.stored.length, 1)
  const { TREE, LIST, DATA } = ContentKind
  assert.deepEqual(kindsOf(store, 0), [TREE, LIST, DATA, LIST])
})

test('trees are in packs of their own when much is pushed', async () => {
  const store = createTestStore()
  const writer = store.writer()
  await writer.write(ContentKind.TREE, noise(2_000_000, 1))
  await writer.write(ContentKind.DATA, noise(packBytesTarget + 7_000_000))
  await writer.finish()
  const kinds = store.stored.map((_, i) => new Set(kindsOf(store, i)))
  assert.deepEqual(kinds, [new Set([ContentKind.DATA]), new Set([ContentKind.TREE]), new Set([ContentKind.DATA])])
  for (const { bytes } of store.stored) assert.ok(bytes.length < packBytesTarget * 1.05)
})

test('an index is one chunk in a pack of its own, stored even when it is known', async () => {
  const store = createTestStore()
  const writer = store.writer()
  await writer.write(ContentKind.DATA, noise(100))
  await writer.write(ContentKind.INDEX, noise(600_000))
  const content = await writer.write(ContentKind.INDEX, noise(200))
  assert.equal((await writer.finish()).length, 2)
  assert.deepEqual(kindsOf(store, 1), [ContentKind.INDEX, ContentKind.INDEX])
  await writer.write(ContentKind.INDEX, noise(600_000))
  assert.equal((await writer.finish()).length, 1)
  assert.deepEqual(await store.reader().bytes(ContentKind.INDEX, content), noise(200))
  assert.equal((await writer.write(ContentKind.INDEX, noise(chunkBytesMax))).chunks.length, 1)
  const tooLarge = writer.write(ContentKind.INDEX, noise(chunkBytesMax + 1))
  await assert.rejects(tooLarge, (error) => isTrouble(error, 'invalid'))
})

test('small neighbours share a segment, and chunks of one source stay together', async () => {
  const store = createTestStore()
  const writer = store.writer()
  for (let i = 0; i < 50; i++) await writer.write(ContentKind.DATA, noise(10_000, i))
  await writer.finish()
  assert.equal(kindsOf(store, 0).length, 1)

  const trees = createTestStore()
  const treeWriter = trees.writer()
  const contents = await Promise.all(
    [1, 2, 3, 4].map((seed) => treeWriter.write(ContentKind.TREE, sourceOf(noise(400_000, seed)))),
  )
  await treeWriter.finish()
  const order = [...trees.places.keys()] as string[]
  for (const { chunks } of contents) {
    const at = order.indexOf(chunks[0]!.toHex())
    assert.deepEqual(
      order.slice(at, at + chunks.length),
      chunks.map((id) => id.toHex()),
    )
  }
})

test('tiny files do not make a directory larger than an index chunk', async () => {
  const store = createTestStore()
  const writer = store.writer({ limits: { dataCut: { min: 1, average: 16, max: 16 } } })
  await writer.write(ContentKind.DATA, noise(900_000))
  await writer.finish()
  assert.ok(store.places.size > 60_000)
  assert.ok(store.stored.length > 1)
  for (const { directory } of store.stored) {
    assert.ok(directory.segments.reduce((sum, { chunks }) => sum + chunks.length, 0) < 60_000)
  }
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** So many MiB of noise, and how many were read. */
const noiseOf = (lengthMiB: number): { source: ByteSource; readMiB: () => number } => {
  let read = 0
  const source: ByteSource = {
    size: lengthMiB << 20,
    read: async (memory) => {
      const length = Math.min(memory.length, (lengthMiB << 20) - read)
      for (let at = 0; at < length; at += 1 << 20)
        memory.set(noise(Math.min(1 << 20, length - at), (read + at) >> 20), at)
      read += length
      return length
    },
  }
  return { source, readMiB: () => read / (1 << 20) }
}

/** The most packs of 100 MiB that are stored at once. */
const mostStoredAtOnce = async (storingMax?: () => number): Promise<number> => {
  const store = createTestStore()
  const waiting: (() => void)[] = []
  let most = 0
  const writer = store.writer({
    storePack: async () => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        most = Math.max(most, waiting.length)
      })
    },
    ...(storingMax ? { storingMax } : {}),
  })
  const { source, readMiB } = noiseOf(100)
  const writing = writer.write(ContentKind.DATA, source)
  for (let turns = 0; turns < 20; turns++) await turn()
  const packMiB = packBytesTarget / (1 << 20)
  assert.ok(readMiB() < 28 + packMiB * most, `${readMiB()} MiB were read while ${most} packs of ${packMiB} MiB wait`)
  const finished = writing.then(() => writer.finish())
  for (let packs = null; packs === null; packs = await Promise.race([finished, turn().then(() => null)]))
    waiting.shift()?.()
  assert.ok((await finished).length >= 100 / packMiB)
  return most
}

test('no more than two packs are stored at once, or as many as are asked for, and writing waits for them', async () => {
  assert.equal(await mostStoredAtOnce(), 2)
  assert.equal(await mostStoredAtOnce(() => 1), 1)
  assert.equal(await mostStoredAtOnce(() => 4), 4)
})

test('packs lie in memory that is used again, and stay as they are until they are stored', async () => {
  const memories = new Set<ArrayBufferLike>()
  let packs = 0
  const writer = createTestStore().writer({
    storingMax: () => 3,
    storePack: async ({ id, bytes }) => {
      packs++
      memories.add(bytes.buffer)
      for (let turns = 0; turns < 10; turns++) await turn()
      assert.equal(packIdFromBytes(cipher.sha256(bytes)), id)
    },
  })
  const large = concatBytes(...Array.from({ length: 80 }, (_, i) => noise(1 << 20, i)))
  await writer.write(ContentKind.DATA, sourceOf(large))
  await writer.finish()
  assert.ok(packs >= 9 && memories.size <= 4, `${packs} packs lay in ${memories.size} pieces of memory`)
})

test('a failed store fails the writer for good', async () => {
  const store = createTestStore()
  const trouble = new SyncError('store', 'unavailable', 'the line is cut')
  const writer = store.writer({ storePack: () => Promise.reject(trouble) })
  await writer.write(ContentKind.DATA, noise(1000))
  const same = (error: unknown): boolean => error === trouble
  await assert.rejects(writer.finish(), same)
  await assert.rejects(writer.write(ContentKind.DATA, noise(1)), same)
  await assert.rejects(writer.write(ContentKind.DATA, new Uint8Array(0)), same)
  await assert.rejects(writer.finish(), same)
})

test('a store that fails in the middle stops a large write', async () => {
  const store = createTestStore()
  const { source, readMiB } = noiseOf(200)
  const writer = store.writer({
    storePack: () => {
      throw new SyncError('store', 'full', 'the quota is used up')
    },
  })
  await assert.rejects(writer.write(ContentKind.DATA, source), /quota/)
  assert.ok(readMiB() < 40)
})

test('a source that fails makes only its own write fail', async () => {
  const store = createTestStore()
  const writer = store.writer()
  const [failed, other] = await Promise.allSettled([
    writer.write(ContentKind.DATA, sourceOf(noise(700_000), 0)),
    writer.write(ContentKind.DATA, noise(900_000, 1)),
  ])
  assert.equal(failed.status, 'rejected')
  assert.ok(other.status === 'fulfilled')
  await writer.finish()
  assert.deepEqual(await store.reader().bytes(ContentKind.DATA, other.value), noise(900_000, 1))
})

test('the chunks of trees are given to the cache, those of data are not', async () => {
  const store = createTestStore()
  const cached: number[] = []
  const writer = store.writer({ cacheTree: (_, plaintext) => cached.push(plaintext.length) })
  await writer.write(ContentKind.TREE, prose(5000))
  await writer.write(ContentKind.DATA, prose(6000))
  assert.deepEqual(cached, [5000])
})

test('nothing written is nothing stored', async () => {
  const store = createTestStore()
  const writer = store.writer()
  await writer.write(ContentKind.DATA, new Uint8Array(0))
  assert.deepEqual(await writer.finish(), [])
  assert.equal(store.stored.length, 0)
})

test('a writer and an identifier of the same vault agree, those of two vaults do not', async () => {
  const content = await createTestStore().writer().write(ContentKind.DATA, noise(2_000_000))
  const identify = createIdentify(testWork(testKeys()))
  assert.ok(sameContent(await identify(ContentKind.DATA, noise(2_000_000)), content))
  const elsewhere = createIdentify(testWork(testKeys(2)))
  assert.ok(!sameContent(await elsewhere(ContentKind.DATA, noise(2_000_000)), content))
})
