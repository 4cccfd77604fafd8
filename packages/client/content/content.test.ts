import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import * as fc from 'fast-check'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { chunkBytesMax, contentChunksMax, dataCut } from '@anysync/protocol/limits.ts'
import vectors from '../../../vectors/chunk.json' with { type: 'json' }
import { ContentKind, ContentSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { concatBytes } from '../crypto/bytes.ts'
import { damaged } from '../crypto/damage.suite.ts'
import { parseMessage } from '../crypto/message.ts'
import { MessageReader } from '../crypto/message-reader.ts'
import { MessageWriter } from '../crypto/message-writer.ts'
import { chunkIdOf } from './chunk-id.ts'
import {
  checkContent,
  contentBytes,
  emptyContent,
  parseContent,
  readContent,
  sameContent,
  writeContent,
} from './content.ts'
import { createIdentify, type Chunk, type IdentifyLimits } from './identify.ts'
import { noise, sourceOf, testKeys, testWork } from './store.suite.ts'

const keys = testKeys()
const identify = createIdentify(testWork(keys))

test('chunk ids are as in the vectors', () => {
  const ids = vectors.ids as unknown as { kind: ContentKind; plaintext: string; id: string }[]
  for (const { kind, plaintext, id } of ids) {
    assert.equal(chunkIdOf(keys, kind, Uint8Array.fromHex(plaintext)), id)
  }
})

for (const { length, limits, depth, content } of vectors.contents) {
  test(`the content of ${length} bytes, lists ${depth} deep, is as in the vectors`, async () => {
    const changes: Partial<IdentifyLimits> = typeof limits === 'string' ? {} : limits
    const found = await createIdentify(testWork(keys), changes)(ContentKind.DATA, noise(length))
    assert.equal(contentBytes(found).toHex(), content)
    assert.equal(found.depth, depth)
    assert.ok(sameContent(parseContent(Uint8Array.fromHex(content)), found))
  })
}

const numbers64 = fc.oneof(fc.bigInt({ min: 0n, max: 1000n }), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }))
const anyContent = fc
  .record({
    size: numbers64,
    depth: fc.oneof(fc.nat(4), fc.nat(0xffff_ffff)),
    chunks: fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 5 }),
  })
  .map((fields) => create(ContentSchema, fields))

test('a content is written and read as by the library', () => {
  fc.assert(
    fc.property(anyContent, (content) => {
      const writer = new MessageWriter(0)
      writeContent(writer, content)
      const bytes = writer.finish()
      assert.deepEqual(bytes, toBinary(ContentSchema, content))
      assert.deepEqual({ ...readContent(new MessageReader(bytes, { operation: 'a', name: 'b' })) }, { ...content })
    }),
  )
})

/** What is read, or that it is refused. */
const outcome = (read: () => unknown): unknown => {
  try {
    return read()
  } catch (error) {
    assert.ok(isTrouble(error, 'corrupt'), String(error))
    return 'refused'
  }
}

test('a content that is damaged is read, or refused, as by the library', () => {
  const bytes = [emptyContent(), create(ContentSchema, { size: 7n << 20n, chunks: [noise(32), noise(32)] })].map(
    contentBytes,
  )
  fc.assert(
    fc.property(damaged(...bytes), (given) => {
      const byLibrary = outcome(() => {
        const content = parseMessage(ContentSchema, given, 'a', 'b')
        checkContent(content)
        return { ...content }
      })
      const found = outcome(() => ({ ...parseContent(given) }))
      assert.deepEqual(found, byLibrary)
    }),
    { numRuns: 2000 },
  )
})

test('a file up to the least chunk is one chunk, and an empty file has none', async () => {
  const chunks = async (length: number): Promise<number> =>
    (await identify(ContentKind.DATA, noise(length))).chunks.length
  assert.equal(await chunks(0), 0)
  assert.equal(await chunks(1), 1)
  assert.equal(await chunks(dataCut.min - 1), 1)
  assert.equal(await chunks(dataCut.min), 1)
  assert.ok(sameContent(await identify(ContentKind.DATA, noise(0)), emptyContent()))
})

test('the same bytes are the same content, from memory or read on and on', async () => {
  const bytes = noise(3_000_000)
  const whole = await identify(ContentKind.DATA, bytes)
  assert.ok(sameContent(await identify(ContentKind.DATA, sourceOf(bytes)), whole))
  assert.ok(!sameContent(await identify(ContentKind.TREE, bytes), whole))
  const changed = bytes.slice()
  changed[1_500_000] = 1 ^ changed[1_500_000]!
  assert.ok(!sameContent(await identify(ContentKind.DATA, changed), whole))
})

test('list chunks are given after the chunks that they list', async () => {
  const limits = { dataCut: { min: 16, average: 64, max: 256 }, contentChunksMax: 4, listChunkBytesMax: 8 * 32 }
  const given: { kind: ContentKind; plaintext: Uint8Array }[] = []
  const content = await createIdentify(testWork(keys), limits)(ContentKind.DATA, noise(9000), ({ chunks }) => {
    for (const chunk of chunks) look(chunk)
  })
  function look(chunk: Chunk): void {
    if (chunk.kind === ContentKind.LIST) {
      const listed = given.map(({ kind, plaintext }) => chunkIdOf(keys, kind, plaintext))
      for (let i = 0; i < chunk.plaintext.length; i += 32) {
        assert.ok(listed.includes(chunk.plaintext.subarray(i, i + 32).toHex() as (typeof listed)[0]))
      }
    }
    given.push(chunk)
  }
  assert.ok(content.depth > 1 && content.chunks.length <= 4)
  const data = given.filter(({ kind }) => kind === ContentKind.DATA).map(({ plaintext }) => plaintext)
  assert.deepEqual(concatBytes(...data), noise(9000))
})

const id = new Uint8Array(32).fill(1)
const refused: [string, { size: bigint; depth: number; chunks: Uint8Array[] }][] = [
  ['bytes without a chunk', { size: 1n, depth: 0, chunks: [] }],
  ['a chunk without bytes', { size: 0n, depth: 0, chunks: [id] }],
  ['fewer bytes than chunks', { size: 1n, depth: 0, chunks: [id, id] }],
  ['more bytes than a chunk holds', { size: BigInt(chunkBytesMax) + 1n, depth: 0, chunks: [id] }],
  ['more bytes than a number counts', { size: 1n << 63n, depth: 3, chunks: Array.from({ length: 1000 }, () => id) }],
  ['too many chunks', { size: 5000n, depth: 0, chunks: Array.from({ length: contentChunksMax + 1 }, () => id) }],
  ['lists too deep', { size: 5n, depth: 4, chunks: [id] }],
  ['lists of nothing', { size: 0n, depth: 1, chunks: [] }],
  ['a short chunk id', { size: 5n, depth: 0, chunks: [id.subarray(1)] }],
]

for (const [what, fields] of refused) {
  test(`a content is refused: ${what}`, () => {
    const content = create(ContentSchema, fields)
    assert.throws(
      () => checkContent(content),
      (error) => isTrouble(error, 'corrupt'),
    )
    assert.throws(
      () => parseContent(contentBytes(content)),
      (error) => isTrouble(error, 'corrupt'),
    )
  })
}

test('a content has one serialised form', () => {
  const bytes = toBinary(ContentSchema, create(ContentSchema, { size: 5n, depth: 0, chunks: [id] }))
  assert.ok(sameContent(parseContent(bytes), create(ContentSchema, { size: 5n, depth: 0, chunks: [id] })))
  for (const other of [
    concatBytes(bytes, Uint8Array.of(0x10, 0)),
    concatBytes(bytes, Uint8Array.of(0x20, 1)),
    noise(20),
  ]) {
    assert.throws(
      () => parseContent(other),
      (error) => isTrouble(error, 'corrupt'),
    )
  }
})
