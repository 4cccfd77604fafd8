import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeChance } from '@anysync/cli/ports/chance.ts'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { shake128 } from '@noble/hashes/sha3.js'
import * as fc from 'fast-check'
import { seededChance } from '../memory/chance.ts'
import { memoryCipher } from '../memory/cipher.ts'
import type { Chance } from '../ports.ts'
import { concatBytes, utf8 } from './bytes.ts'
import { encodeContext } from './context.ts'
import { goldenVectors, hex } from './golden.suite.ts'
import { openKey, sealKey, sealOverheadBytes } from './xaes.ts'

const nonce = 'ABCDEFGHIJKLMNOPQRSTUVWX'

/** Chance that has but one answer: the nonce of a vector. */
const fixed = (bytes: Uint8Array): Chance => ({ bytes: () => bytes.slice() })

/** From C2SP, XAES-256-GCM.md: what the key's first block, K1 and the derived key are does not show, the ciphertext does. */
const published = [
  {
    key: '01'.repeat(32),
    nonce: utf8(nonce).toHex(),
    plaintext: utf8('XAES-256-GCM').toHex(),
    context: '',
    ciphertext: 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271',
  },
  {
    key: '03'.repeat(32),
    nonce: utf8(nonce).toHex(),
    plaintext: utf8('XAES-256-GCM').toHex(),
    context: utf8('c2sp.org/XAES-256-GCM').toHex(),
    ciphertext: '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d',
  },
]

const accumulated = {
  10_000: 'e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939',
  1_000_000: '2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15',
}

type Seal = { key: string; context: string; sealed: string }

/** Seals of our own: the valid ones by a seed, the invalid ones from a valid one by one lie each. */
const ourSeals = (): { valid: (Seal & { plaintext: string })[]; invalid: (Seal & { why: string })[] } => {
  const chance = seededChance(24)
  const key = chance.bytes(32)
  const valid = [0, 1, 15, 16, 17, 100].map((length) => {
    const plaintext = chance.bytes(length)
    const context = encodeContext('record', chance.bytes(16), length, 'étude', 2n ** 64n - 1n)
    const sealed = sealKey(nodeCipher, chance, key).seal(plaintext, context)
    return { key: key.toHex(), context: context.toHex(), plaintext: plaintext.toHex(), sealed: sealed.toHex() }
  })
  const { plaintext: _, ...good } = valid[3]!
  const sealed = hex(good.sealed)
  const flipped = (index: number): string => sealed.map((byte, i) => (i === index ? byte ^ 0x10 : byte)).toHex()
  const lie = (why: string, seal: Partial<Seal>): Seal & { why: string } => ({ ...good, ...seal, why })
  const invalid = [
    lie('empty', { sealed: '' }),
    lie('shorter than a nonce', { sealed: sealed.subarray(0, 23).toHex() }),
    lie('nonce only', { sealed: sealed.subarray(0, 24).toHex() }),
    lie('shorter than nonce and tag', { sealed: sealed.subarray(0, 39).toHex() }),
    lie('last byte cut off', { sealed: sealed.subarray(0, -1).toHex() }),
    lie('first byte cut off', { sealed: sealed.subarray(1).toHex() }),
    lie('a byte appended', { sealed: good.sealed + '00' }),
    lie('a bit flipped in the nonce half that derives the key', { sealed: flipped(0) }),
    lie('a bit flipped in the nonce half that AES-GCM gets', { sealed: flipped(23) }),
    lie('a bit flipped in the ciphertext', { sealed: flipped(24) }),
    lie('a bit flipped in the tag', { sealed: flipped(sealed.length - 1) }),
    lie('the tag of another seal', {
      sealed: concatBytes(sealed.subarray(0, -16), hex(valid[4]!.sealed).subarray(-16)).toHex(),
    }),
    lie('the nonce of another seal', {
      sealed: concatBytes(hex(valid[4]!.sealed).subarray(0, 24), sealed.subarray(24)).toHex(),
    }),
    lie('no context', { context: '' }),
    lie('the context of another seal', { context: valid[4]!.context }),
    lie('the context with a byte appended', { context: good.context + '00' }),
    lie('another key', { key: '07'.repeat(32) }),
    lie('a key that differs in one bit', { key: key.map((byte, i) => (i === 31 ? byte ^ 1 : byte)).toHex() }),
  ]
  return { valid, invalid }
}

const isCorrupt = (error: unknown): boolean => error instanceof SyncError && error.kind === 'corrupt'

for (const [name, cipher] of [
  ["Node's cipher", nodeCipher],
  ['the memory cipher', memoryCipher],
] as const) {
  test(`${name}: XAES-256-GCM seals and opens as published`, () => {
    for (const { key, nonce, plaintext, context, ciphertext } of published) {
      const { seal, open } = sealKey(cipher, fixed(hex(nonce)), hex(key))
      const sealed = seal(hex(plaintext), hex(context))
      assert.equal(sealed.toHex(), nonce + ciphertext)
      assert.equal(open(sealed, hex(context)).toHex(), plaintext)
    }
  })

  test(`${name}: our own seals open, and none that was altered`, () => {
    const { valid, invalid } = goldenVectors('xaes-256-gcm', {
      source: 'published: C2SP, XAES-256-GCM.md; valid and invalid: our own (sealed = nonce | ciphertext | tag)',
      published,
      accumulated,
      ...ourSeals(),
    })
    for (const { key, context, plaintext, sealed } of valid) {
      assert.equal(openKey(cipher, hex(key)).open(hex(sealed), hex(context)).toHex(), plaintext)
    }
    for (const { key, context, sealed, why } of invalid) {
      assert.throws(() => openKey(cipher, hex(key)).open(hex(sealed), hex(context)), isCorrupt, why)
    }
  })
}

test('XAES-256-GCM passes the accumulated test', () => {
  // By the memory cipher this takes three times as long and would say no more than the vectors above.
  const iterations = process.env['SLOW'] === '1' ? 1_000_000 : 10_000
  const source = shake128.create({})
  const sink = shake128.create({ dkLen: 32 })
  assert.equal(shake128.create({}).xof(16).toHex(), '7f9c2ba4e88f827d616045507605853e')
  for (let i = 0; i < iterations; i++) {
    const key = source.xof(32)
    const nonce = source.xof(24)
    const plaintext = source.xof(source.xof(1)[0]!)
    const context = source.xof(source.xof(1)[0]!)
    const { seal, open } = sealKey(nodeCipher, fixed(nonce), key)
    const sealed = seal(plaintext, context)
    sink.update(sealed.subarray(24))
    assert.equal(Buffer.compare(open(sealed, context), plaintext), 0)
  }
  assert.equal(sink.digest().toHex(), accumulated[iterations])
})

test('what one key sealed it opens again in the same context only, at any length', () => {
  const { seal, open } = sealKey(nodeCipher, nodeChance, nodeChance.bytes(32))
  const bytes = fc.uint8Array({ maxLength: 200 })
  fc.assert(
    fc.property(bytes, bytes, bytes, (plaintext, context, another) => {
      const sealed = seal(plaintext, context)
      assert.equal(sealed.length, plaintext.length + sealOverheadBytes)
      assert.deepEqual(open(sealed, context), plaintext)
      if (Buffer.compare(context, another) !== 0) assert.throws(() => open(sealed, another), isCorrupt)
    }),
  )
})

test('no seal opens with any one bit flipped', () => {
  const { seal, open } = sealKey(nodeCipher, nodeChance, nodeChance.bytes(32))
  const sealed = seal(utf8('a few bytes of plaintext'), utf8('a context'))
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const altered = sealed.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
    assert.throws(() => open(altered, utf8('a context')), isCorrupt)
  }
})

test('two seals of the same bytes share nothing', () => {
  const { seal } = sealKey(nodeCipher, nodeChance, nodeChance.bytes(32))
  const [one, two] = [seal(new Uint8Array(32), utf8('')), seal(new Uint8Array(32), utf8(''))]
  assert.notDeepEqual(one.subarray(0, 24), two.subarray(0, 24))
  assert.notDeepEqual(one.subarray(24), two.subarray(24))
})
