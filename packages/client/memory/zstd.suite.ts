/**
 * What every Cipher must make of zstd frames: open the right ones, and say null to all others without being led to
 * reserve more memory than was asked for.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes, utf8 } from '../crypto/bytes.ts'
import { hex } from '../crypto/golden.suite.ts'
import { zstdBlockBytesMax } from '../crypto/zstd-frame.ts'
import type { Cipher } from '../ports.ts'
import { seededChance } from './chance.ts'

const lengths = [0, 1, 2, 255, 256, 257, 65_791, 65_792, zstdBlockBytesMax, zstdBlockBytesMax + 1, 4 * 1024 * 1024]

const sentence = 'The quick brown fox jumps over the lazy dog. '

export const zstdSuite = (name: string, makeCipher: () => Cipher, others: () => Cipher[]): void => {
  const cipher = makeCipher()
  const chance = seededChance(1)

  const plaintexts = (length: number): Uint8Array[] => {
    const random = chance.bytes(length)
    const words = utf8(sentence).slice()
    return [random, new Uint8Array(length), random.map((byte, i) => words[(i + (byte >> 7)) % words.length] ?? 0)]
  }

  test(`${name}: what any cipher compressed, at any length, it decompresses`, () => {
    for (const length of lengths) {
      for (const plaintext of plaintexts(length)) {
        for (const writer of others()) {
          const opened = cipher.decompress(writer.compress(plaintext, 3), length)
          assert.ok(opened !== null && Buffer.compare(opened, plaintext) === 0, `${length} bytes`)
        }
      }
    }
  })

  test(`${name}: what any cipher compressed at any level, it decompresses`, () => {
    const plaintext = utf8(sentence.repeat(3000))
    for (const writer of others()) {
      for (const level of [1, 3, 9, 19]) {
        assert.deepEqual(cipher.decompress(writer.compress(plaintext, level), plaintext.length), plaintext)
      }
    }
  })

  test(`${name}: a frame that opens to another length than asked for is null`, () => {
    for (const plaintext of plaintexts(1000)) {
      const frame = cipher.compress(plaintext, 3)
      for (const length of [0, 1, 999, 1001, 2 ** 31]) assert.equal(cipher.decompress(frame, length), null)
    }
  })

  test(`${name}: two frames, a skippable frame, trailing bytes and a cut frame are null`, () => {
    for (const plaintext of plaintexts(1000)) {
      const frame = cipher.compress(plaintext, 3)
      const skippable = hex('502a4d1800000000')
      const empty = cipher.compress(new Uint8Array(), 3)
      const wrong = [
        concatBytes(frame, frame),
        concatBytes(frame, empty),
        concatBytes(frame, skippable),
        concatBytes(skippable, frame),
        concatBytes(frame, Uint8Array.of(0)),
        ...Array.from({ length: Math.min(40, frame.length) }, (_, i) => frame.subarray(0, i)),
        frame.subarray(0, frame.length - 1),
      ]
      for (const bytes of wrong) assert.equal(cipher.decompress(bytes, plaintext.length), null)
      assert.equal(cipher.decompress(concatBytes(frame, frame), plaintext.length * 2), null)
    }
  })

  test(`${name}: random bytes, and a frame with random bytes in it, never throw`, () => {
    const frame = cipher.compress(utf8(sentence.repeat(20)), 3)
    for (let i = 0; i < 2000; i++) {
      const bytes = frame.slice()
      bytes.set(chance.bytes(3), 9 + (i % (frame.length - 12)))
      const opened = cipher.decompress(bytes, sentence.length * 20)
      assert.ok(opened === null || opened.length === sentence.length * 20)
      assert.equal(cipher.decompress(chance.bytes(i % 100), 1000), null)
    }
  })

  test(`${name}: frames that lie about their size, window or blocks are null`, () => {
    for (const [frame, opened] of honest)
      assert.equal(cipher.decompress(hex(frame), opened.length / 2)?.toHex(), opened)
    for (const [why, frame, length] of liars) assert.equal(cipher.decompress(hex(frame), length), null, why)
  })

  test(`${name}: a frame may ask for no window beyond the length asked for`, () => {
    const block = new Uint8Array(4000)
    const blocks = concatBytes(hex('007d00'), block, hex('017d00'), block)
    const frame = (window: number): Uint8Array =>
      concatBytes(hex('28b52ffd80'), Uint8Array.of(window), hex('401f0000'), blocks)
    // Windows of 2, 4 and 8 KiB and 2 TiB (RFC 8878 §3.1.1.1.2). No block is longer than the window.
    assert.equal(cipher.decompress(frame(1 << 3), 8000), null)
    assert.equal(cipher.decompress(frame(2 << 3), 8000)?.length, 8000)
    assert.equal(cipher.decompress(frame(3 << 3), 8000), null)
    assert.equal(cipher.decompress(frame(31 << 3), 8000), null)
  })
}

/** Frames of one block and what they open to: stored, repeated, empty. */
const honest: [frame: string, opened: string][] = [
  ['28b52ffd2003190000aabbcc', 'aabbcc'],
  ['28b52ffd20031b0000aa', 'aaaaaa'],
  ['28b52ffd2000010000', ''],
]

/** The same with a lie each, and the length that is asked for. */
const liars: [why: string, frame: string, length: number][] = [
  ['no content size', '28b52ffd0000190000aabbcc', 3],
  ['less in its blocks than its content size', '28b52ffd2004190000aabbcc', 4],
  ['more in its blocks than its content size', '28b52ffd2002190000aabbcc', 2],
  ['a run longer than its content size', '28b52ffd20022b0000aa', 2],
  ['a run shorter than its content size', '28b52ffd200a2b0000aa', 10],
  ['a reserved block type', '28b52ffd20031f0000aabbcc', 3],
  ['no last block', '28b52ffd2003180000aabbcc', 3],
  ['a reserved bit in the descriptor', '28b52ffd2803190000aabbcc', 3],
  ['an unused bit in the descriptor', '28b52ffd3003190000aabbcc', 3],
  ['a checksum', '28b52ffd2403190000aabbcc00000000', 3],
  ['a dictionary', '28b52ffd210103190000aabbcc', 3],
  ['another magic number', '27b52ffd2003190000aabbcc', 3],
  ['a content size of 2^53', '28b52ffde00000000000002000190000aabbcc', 3],
  ['a block over 128 KiB', '28b52ffda0010002000b0010aa', 131_073],
]
