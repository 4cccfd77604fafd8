import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { ContentKind, ContentSchema, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { chunkIdFromBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import { fetchBytesMax, treeBytesMax } from '@anysync/protocol/limits.ts'
import { createTestStore, noise, prose, testKeys, type TestStore } from './store.suite.ts'

const { DATA, TREE, LIST } = ContentKind

const write = async (store: TestStore, kind: typeof DATA | typeof TREE, sources: Uint8Array[]): Promise<Content[]> => {
  const writer = store.writer()
  const contents: Content[] = []
  for (const source of sources) contents.push(await writer.write(kind, source))
  await writer.finish()
  return contents
}

const firstId = (content: Content): ChunkId => chunkIdFromBytes(content.chunks[0]!)

const isCorrupt = (error: unknown): boolean => isTrouble(error, 'corrupt')

test('files that share a segment cost one fetch', async () => {
  const store = createTestStore()
  const sources = Array.from({ length: 40 }, (_, i) => prose(5000, i))
  const contents = await write(store, DATA, sources)
  const reader = store.reader()
  for (const [i, content] of contents.entries()) assert.deepEqual(await reader.bytes(DATA, content), sources[i])
  assert.equal(store.fetches.length, 1)
})

test('whoever asks while a segment is fetched gets the same', async () => {
  const store = createTestStore()
  const [content] = await write(store, DATA, [noise(1_000)])
  const reader = store.reader()
  const results = await Promise.all(Array.from({ length: 10 }, () => reader.bytes(DATA, content!)))
  for (const result of results) assert.deepEqual(result, noise(1_000))
  assert.equal(store.fetches.length, 1)
})

test('neighbours that are expected are fetched together, up to 8 MiB at once', async () => {
  const store = createTestStore()
  const sources = Array.from({ length: 30 }, (_, i) => noise(500_000, i))
  const contents = await write(store, DATA, sources)
  const reader = store.reader()
  reader.expect(contents)
  for (const [i, content] of contents.entries()) assert.deepEqual(await reader.bytes(DATA, content), sources[i])
  assert.ok(store.fetches.length <= 3, `${store.fetches.length} fetches`)
  for (const { length } of store.fetches) assert.ok(length <= fetchBytesMax)
})

test('a small gap is bridged, a large one is not', async () => {
  const store = createTestStore()
  const sources = [noise(300_000, 1), prose(600_000), noise(300_000, 2), noise(300_000, 3), noise(300_000, 4)]
  const contents = await write(store, DATA, sources)
  const reader = store.reader()
  const read = [0, 2, 4].map((i) => contents[i]!)
  reader.expect(read)
  for (const content of read) await reader.bytes(DATA, content)
  assert.deepEqual(
    store.fetches.map(({ length }) => length > 600_000),
    [true, false],
  )
})

test('what is expected but never read is never fetched', async () => {
  const store = createTestStore()
  const contents = await write(store, DATA, [noise(300_000, 1), noise(300_000, 2)])
  store.reader().expect(contents)
  assert.equal(store.fetches.length, 0)
})

test('a large file is fetched in few ranges', async () => {
  const store = createTestStore()
  const [content] = await write(store, DATA, [noise(15_000_000)])
  let size = 0
  for await (const portion of store.reader().stream(content!)) size += portion.length
  assert.equal(size, 15_000_000)
  assert.ok(store.fetches.length <= 3, `${store.fetches.length} fetches`)
})

test('an abandoned stream is no trouble', async () => {
  const store = createTestStore()
  const [content] = await write(store, DATA, [noise(15_000_000)])
  for await (const portion of store.reader().stream(content!)) {
    assert.ok(portion.length > 0)
    break
  }
})

test('fetches are bounded, however many ask', async () => {
  const store = createTestStore()
  const sources = Array.from({ length: 20 }, (_, i) => noise(300_000, i))
  const contents = await write(store, DATA, sources)
  let running = 0
  let most = 0
  const reader = store.reader({
    fetch: async (pack, offset, length) => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      return store.packs.get(pack)!.subarray(offset, offset + length)
    },
  })
  const results = await Promise.all(contents.map((content) => reader.bytes(DATA, content)))
  assert.deepEqual(results, sources)
  assert.equal(most, 4)
})

test('a fetch that fails is passed on, and the next read tries again', async () => {
  const store = createTestStore()
  const contents = await write(store, DATA, [noise(300_000, 1), noise(300_000, 2)])
  const trouble = new SyncError('remote', 'unavailable', 'the line is cut')
  let isCut = true
  const reader = store.reader({
    fetch: (pack, offset, length) =>
      isCut ? Promise.reject(trouble) : Promise.resolve(store.packs.get(pack)!.subarray(offset, offset + length)),
  })
  reader.expect(contents)
  await assert.rejects(reader.bytes(DATA, contents[0]!), trouble)
  isCut = false
  assert.deepEqual(await reader.bytes(DATA, contents[1]!), noise(300_000, 2))
  isCut = true
  reader.expect(contents)
  const tries = await Promise.allSettled(contents.map((content) => reader.bytes(DATA, content)))
  for (const each of tries) assert.ok(each.status === 'rejected' && each.reason === trouble)
  isCut = false
  for (const [i, content] of contents.entries())
    assert.deepEqual(await reader.bytes(DATA, content), noise(300_000, i + 1))
})

test('a fetch that gives fewer or more bytes is refused', async () => {
  const store = createTestStore()
  const [content] = await write(store, DATA, [noise(300_000)])
  for (const change of [-1, 1]) {
    const reader = store.reader({
      fetch: (pack, offset, length) =>
        Promise.resolve(store.packs.get(pack)!.subarray(offset, offset + length + change)),
    })
    await assert.rejects(reader.bytes(DATA, content!), isCorrupt)
  }
})

test('a flipped byte in a pack is refused, and the error names pack and chunk', async () => {
  const store = createTestStore()
  const [content] = await write(store, DATA, [noise(1000)])
  const { id, bytes } = store.stored[0]!
  bytes[100] = bytes[100]! ^ 1
  const named = new RegExp(`${firstId(content!)}.*${id}`)
  await assert.rejects(store.reader().bytes(DATA, content!), (error) => {
    assert.ok(isCorrupt(error))
    assert.match(String(error), named)
    return true
  })
})

test('segments and chunks that changed places are refused', async () => {
  const store = createTestStore()
  const contents = await write(store, DATA, [noise(1000, 1), noise(1000, 2), noise(300_000, 3), noise(300_000, 4)])
  const [a, b, c, d] = contents.map(firstId) as [ChunkId, ChunkId, ChunkId, ChunkId]
  for (const [one, other] of [
    [a, b],
    [c, d],
    [a, c],
  ] as const) {
    const reader = store.reader({ locate: (id) => store.places.get(id === one ? other : id)! })
    const content = contents.find((each) => firstId(each) === one)!
    await assert.rejects(reader.bytes(DATA, content), isCorrupt)
  }
})

test('a chunk that no pack holds, and a chunk of another kind, are refused', async () => {
  const store = createTestStore()
  const [content] = await write(store, DATA, [noise(1000)])
  await assert.rejects(store.reader({ locate: () => null }).bytes(DATA, content!), isCorrupt)
  await assert.rejects(store.reader().bytes(TREE, content!), isCorrupt)
})

test('a reader of another vault gets nothing', async () => {
  const store = createTestStore()
  const [content] = await write(store, DATA, [noise(1000)])
  await assert.rejects(store.reader({ keys: testKeys(2) }).bytes(DATA, content!), isCorrupt)
})

test('dropped, repeated and cut chunks are refused by the size of their content', async () => {
  const store = createTestStore()
  const [content] = await write(store, DATA, [noise(5_000_000)])
  const { size, chunks } = content!
  const wrong = [chunks.slice(1), chunks.slice(0, -1), [...chunks, chunks[0]!]]
  for (const list of wrong) {
    const changed = create(ContentSchema, { size, depth: 0, chunks: list })
    await assert.rejects(store.reader().bytes(DATA, changed), isCorrupt)
  }
  const short = create(ContentSchema, { size: size - 1n, depth: 0, chunks })
  await assert.rejects(store.reader().bytes(DATA, short), isCorrupt)
})

test('a stream stops at the size of its content', async () => {
  const store = createTestStore()
  const [content] = await write(store, DATA, [noise(300_000)])
  const chunks = Array.from({ length: 5 }, () => content!.chunks[0]!)
  const repeated = create(ContentSchema, { size: 600_000n, depth: 0, chunks })
  let given = 0
  const reading = async (): Promise<void> => {
    for await (const portion of store.reader().stream(repeated)) given += portion.length
  }
  await assert.rejects(reading(), isCorrupt)
  assert.equal(given, 600_000)
})

test('a list that is not a list is refused', async () => {
  const store = createTestStore()
  const [content] = await write(store, DATA, [noise(1000)])
  const place = store.places.get(firstId(content!))!
  const asList = create(ContentSchema, { size: 1000n, depth: 1, chunks: content!.chunks })
  await assert.rejects(store.reader().bytes(DATA, asList), isCorrupt)
  const lying = store.reader({ locate: () => ({ ...place, kind: LIST }) })
  await assert.rejects(lying.bytes(DATA, asList), isCorrupt)
})

test('a tree beyond the limit is refused before anything is fetched', async () => {
  const store = createTestStore()
  const chunks = Array.from({ length: 1000 }, () => new Uint8Array(32))
  const huge = create(ContentSchema, { size: BigInt(treeBytesMax) + 1n, depth: 0, chunks })
  await assert.rejects(store.reader().bytes(TREE, huge), isCorrupt)
  assert.equal(store.fetches.length, 0)
})

test('trees come from the cache, and a cache that lies is not believed', async () => {
  const store = createTestStore()
  const [tree] = await write(store, TREE, [prose(5000)])
  const cache = new Map<ChunkId, Uint8Array>()
  const reader = store.reader({
    cachedChunk: (id) => cache.get(id) ?? null,
    cacheChunk: (id, plaintext) => cache.set(id, plaintext.slice()),
  })
  assert.deepEqual(await reader.bytes(TREE, tree!), prose(5000))
  assert.equal(cache.size, 1)
  const offline = store.reader({ cachedChunk: (id) => cache.get(id) ?? null, locate: () => null })
  assert.deepEqual(await offline.bytes(TREE, tree!), prose(5000))
  cache.set(firstId(tree!), prose(5000, 1))
  assert.deepEqual(await reader.bytes(TREE, tree!), prose(5000))
  await assert.rejects(offline.bytes(TREE, { ...tree!, size: 4999n }), isCorrupt)
})

test('an empty content needs nothing', async () => {
  const reader = createTestStore().reader()
  assert.equal((await reader.bytes(DATA, create(ContentSchema))).length, 0)
})
