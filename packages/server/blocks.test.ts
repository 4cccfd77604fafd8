/**
 * The bytes that come out are those that went in, however they were cut, and pieces are given back.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { blocksOf } from './blocks.ts'

async function* piecesOf(pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces
}

/** Memory of its own, as a connection gives it. */
const ownBytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

for (const { name, lengths, blocks } of [
  { name: 'no piece', lengths: [], blocks: [] },
  { name: 'an empty piece', lengths: [0], blocks: [] },
  { name: 'less than a block', lengths: [3, 4], blocks: [7] },
  { name: 'a block', lengths: [10], blocks: [10] },
  { name: 'a block and one more', lengths: [6, 5], blocks: [10, 1] },
  { name: 'a piece of many blocks', lengths: [1, 35, 4], blocks: [10, 10, 10, 10] },
]) {
  test(`blocks of 10 bytes: ${name}`, async () => {
    const pieces = lengths.map(ownBytes)
    const wanted = Buffer.concat(pieces)
    // Copied, for the block is filled again.
    const got = await Array.fromAsync(blocksOf(piecesOf(pieces), 10), (block) => Buffer.from(block))
    assert.deepEqual(
      got.map(({ length }) => length),
      blocks,
    )
    assert.deepEqual(Buffer.concat(got), wanted)
    assert.ok(pieces.every(({ length }) => length === 0))
  })
}

test('pieces that share their memory are left alone', async () => {
  const whole = ownBytes(64)
  const wanted = Buffer.from(whole)
  const got: Buffer[] = []
  const pieces = [whole.subarray(0, 20), whole.subarray(20, 64)]
  for await (const block of blocksOf(piecesOf(pieces), 16)) got.push(Buffer.from(block))
  assert.deepEqual(Buffer.concat(got), wanted)
  assert.deepEqual(Buffer.from(whole), wanted)
})

async function* broken(): AsyncGenerator<Uint8Array> {
  yield ownBytes(3)
  throw new Error('the line broke')
}

test('what a body throws is thrown', async () => {
  await assert.rejects(Array.fromAsync(blocksOf(broken(), 10)), { message: 'the line broke' })
})
