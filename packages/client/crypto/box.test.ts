import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { seededChance } from '../memory/chance.ts'
import type { Chance } from '../ports.ts'
import { concatBytes, utf8 } from './bytes.ts'
import { boxKeyPair, boxOverheadBytes, newBoxKeyPair, openBox, sealBox } from './box.ts'
import { hex, readVectors } from './golden.suite.ts'

type BoxVectors = {
  valid: {
    senderSecretKey: string
    senderPublicKey: string
    recipientSecretKey: string
    recipientPublicKey: string
    nonce: string
    plaintext: string
    box: string
  }[]
  invalid: { sealed: string; senderPublicKey: string; recipientSecretKey: string; why: string }[]
}

const fixed = (bytes: Uint8Array): Chance => ({ bytes: () => bytes.slice() })
const isCorrupt = (error: unknown): boolean => error instanceof SyncError && error.kind === 'corrupt'

test('a box is the one of NaCl, in both directions', () => {
  for (const vector of (readVectors('nacl-box') as BoxVectors).valid) {
    const senderSecretKey = hex(vector.senderSecretKey)
    const recipientSecretKey = hex(vector.recipientSecretKey)
    assert.equal(boxKeyPair(senderSecretKey).publicKey.toHex(), vector.senderPublicKey)
    assert.equal(boxKeyPair(recipientSecretKey).publicKey.toHex(), vector.recipientPublicKey)
    const chance = fixed(hex(vector.nonce))
    const sealed = sealBox(chance, hex(vector.plaintext), hex(vector.recipientPublicKey), senderSecretKey)
    assert.equal(sealed.toHex(), vector.nonce + vector.box)
    assert.equal(openBox(sealed, hex(vector.senderPublicKey), recipientSecretKey).toHex(), vector.plaintext)
    // The shared key is the same from either side, as NaCl means it to be.
    assert.equal(openBox(sealed, hex(vector.recipientPublicKey), senderSecretKey).toHex(), vector.plaintext)
  }
})

test('a box that was altered, or is from or for another, does not open', () => {
  for (const { sealed, senderPublicKey, recipientSecretKey, why } of (readVectors('nacl-box') as BoxVectors).invalid) {
    assert.throws(() => openBox(hex(sealed), hex(senderPublicKey), hex(recipientSecretKey)), isCorrupt, why)
  }
})

test('a box opens for its recipient alone, at any length', () => {
  const chance = seededChance(1)
  const [server, client, stranger] = [newBoxKeyPair(chance), newBoxKeyPair(chance), newBoxKeyPair(chance)]
  for (const length of [0, 1, 31, 32, 33, 1000]) {
    const plaintext = chance.bytes(length)
    const sealed = sealBox(chance, plaintext, client.publicKey, server.secretKey)
    assert.equal(sealed.length, length + boxOverheadBytes)
    assert.deepEqual(openBox(sealed, server.publicKey, client.secretKey), plaintext)
    assert.throws(() => openBox(sealed, server.publicKey, stranger.secretKey), isCorrupt)
    assert.throws(() => openBox(sealed, stranger.publicKey, client.secretKey), isCorrupt)
  }
})

test('no box opens with any one bit flipped', () => {
  const chance = seededChance(2)
  const [sender, recipient] = [newBoxKeyPair(chance), newBoxKeyPair(chance)]
  const sealed = sealBox(chance, utf8('token'), recipient.publicKey, sender.secretKey)
  for (let bit = 0; bit < sealed.length * 8; bit += 3) {
    const altered = sealed.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
    assert.throws(() => openBox(altered, sender.publicKey, recipient.secretKey), isCorrupt)
  }
  assert.throws(() => openBox(concatBytes(sealed, Uint8Array.of(0)), sender.publicKey, recipient.secretKey), isCorrupt)
})

test('nothing is boxed for a key of small order, which would let anyone read it', () => {
  const chance = seededChance(3)
  const { secretKey } = newBoxKeyPair(chance)
  for (const key of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31)), new Uint8Array(31).fill(9)]) {
    assert.throws(() => sealBox(chance, utf8('token'), key, secretKey), isCorrupt)
  }
})
