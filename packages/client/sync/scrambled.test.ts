/** What counts as scrambled, as a table: ransomware does, and what people and programs do to many files does not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { seededChance } from '../memory/chance.ts'
import { entropy } from '../content/entropy.ts'
import { isRecognisable, looksScrambled, type Before } from './scrambled.ts'

const random = (bytes: number, seed = 1): Uint8Array => seededChance(seed).bytes(bytes)
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Array.from(text, (character) => character.charCodeAt(0)))
const after = (start: string, rest: Uint8Array): Uint8Array => new Uint8Array([...bytesOf(start), ...rest])
const words = Array.from({ length: 3000 }, (_, i) => `line ${i * 7919} of a letter to ${i % 13} people\n`).join('')
const text = bytesOf(words)
const noisy = Uint8Array.from(random(16_384), (byte) => (byte >> 1) + (byte & 1))

const was = (name: string, storedShare: number | null = null): Before => ({ name, storedShare })

const rows: [what: string, before: Before, head: Uint8Array, isScrambled: boolean][] = [
  // Ransomware.
  ['an encrypted letter', was('letter.docx', 1), random(16_384), true],
  ['an encrypted note', was('note.txt', 0.3), random(16_384), true],
  ['an encrypted photo', was('IMG_1.JPG', 1), random(16_384), true],
  ['an encrypted song', was('song.mp3', 1), random(16_384), true],
  ['an encrypted short note', was('note.md', 0.4), random(512), true],
  ['an encrypted note of which nothing is known', was('note.txt'), random(700), true],
  ['an encrypted program without an extension', was('Makefile', 0.3), random(16_384), true],
  ['a mark before what is encrypted', was('table.xlsx', 1), after('WANACRY!', random(16_376)), true],
  // What people and programs do.
  ['an edited note', was('note.txt', 0.3), text.subarray(0, 16_384), false],
  ['a note as base64', was('note.txt', 0.3), bytesOf(Buffer.from(random(12_000)).toString('base64')), false],
  ['a note as hexadecimal digits', was('note.txt', 0.3), bytesOf(Buffer.from(random(8_000)).toString('hex')), false],
  ['a photo that was encoded again', was('a.jpg', 1), after('\xff\xd8\xff\xe0', random(16_380)), false],
  ['a video that was cut', was('a.mp4', 1), after('\0\0\0 ftypisom', random(16_370)), false],
  ['a photo under a wrong name', was('a.png', 1), after('\xff\xd8\xff\xe0', random(16_380)), false],
  ['a letter that was saved', was('a.docx', 1), after('PK\x03\x04', random(16_380)), false],
  ['an archive that was packed anew', was('a.tar.gz', 1), gzipSync(text), false],
  ['a picture of noise', was('a.bmp', 0.9), after('BM', noisy), false],
  ['a file of Git objects', was('pack-1.pack', 1), after('PACK', random(16_380)), false],
  ['a Git object', was('0a1b', 1), deflateSync(random(4000)), false],
  ['an encrypted container', was('vault.hc', 1), random(16_384), false],
  ['a file of a folder that another program encrypts', was('k3jx7a', 1), random(16_384), false],
  ['the same, stored beside text', was('k3jx7a', 0.7), random(16_384), false],
  ['text that always was random', was('secret.txt', 1), random(16_384), false],
  ['a file of a browser cache', was('f_0001', 1), brotliCompressSync(random(9000)), false],
  ['a short key', was('key.txt', 0.9), random(511), false],
  ['an empty file', was('a.docx', 1), new Uint8Array(), false],
  ['zeros', was('a.jpg', 1), new Uint8Array(16_384), false],
]

for (const [what, before, head, isScrambled] of rows) {
  test(`${what} is ${isScrambled ? '' : 'not '}scrambled`, () => {
    assert.equal(isRecognisable(before) && looksScrambled(head), isScrambled, `entropy ${entropy(head)}`)
  })
}

test('random bytes look scrambled whatever they are, and entropy is in bits a byte', () => {
  for (let seed = 0; seed < 200; seed++) {
    assert.equal(looksScrambled(random(512, seed)), true, `seed ${seed}: ${entropy(random(512, seed))}`)
    assert.equal(looksScrambled(random(16_384, seed)), true)
  }
  assert.equal(entropy(new Uint8Array()), 0)
  assert.equal(entropy(new Uint8Array(100)), 0)
})
