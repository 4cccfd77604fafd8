/**
 * What every Cipher must do: the published vectors of its primitives, and their edges.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes, utf8 } from '../crypto/bytes.ts'
import { hex, readVectors } from '../crypto/golden.suite.ts'
import type { Cipher } from '../ports.ts'
import { hmacVectors, gcmVectors, sha256Vectors } from './cipher-vectors.suite.ts'

type HkdfVectors = { valid: { secret: string; info: string; length: number; output: string }[] }
type ScryptVectors = { valid: { password: string; salt: string; n: number; r: number; p: number; output: string }[] }
type Signed = { publicKey: string; message: string; signature: string }
type SignVectors = { valid: (Signed & { seed: string })[]; invalid: (Signed & { why: string })[] }

export const cipherSuite = (name: string, makeCipher: () => Cipher): void => {
  const cipher = makeCipher()

  test(`${name}: SHA-256 gives the published hashes, in one part or in many`, () => {
    for (const { message, output } of sha256Vectors) {
      assert.equal(cipher.sha256(message).toHex(), output)
      const middle = message.length >> 1
      const parts = [message.subarray(0, middle), new Uint8Array(), message.subarray(middle)]
      assert.equal(cipher.sha256(...parts).toHex(), output)
    }
    assert.equal(cipher.sha256().toHex(), sha256Vectors[0]?.output)
  })

  test(`${name}: HMAC-SHA256 gives the outputs of RFC 4231, however often one key is used`, () => {
    for (const { key, message, output } of hmacVectors) {
      const mac = cipher.mac(key)
      assert.equal(mac(message).toHex(), output)
      assert.equal(mac(message.subarray(0, 3), message.subarray(3)).toHex(), output)
    }
  })

  test(`${name}: a key may be overwritten by its owner once it is prepared`, () => {
    const key = new Uint8Array(32).fill(7)
    const mac = cipher.mac(key)
    const block = cipher.aesBlock(key)
    const before = [mac(key).toHex(), block(new Uint8Array(16)).toHex()]
    const message = key.slice()
    key.fill(0)
    assert.deepEqual([mac(message).toHex(), block(new Uint8Array(16)).toHex()], before)
  })

  test(`${name}: HKDF-SHA256 gives the output of RFC 5869`, () => {
    for (const { secret, info, length, output } of (readVectors('hkdf') as HkdfVectors).valid) {
      assert.equal(cipher.hkdf(hex(secret), info, length).toHex(), output)
    }
  })

  test(`${name}: HKDF-SHA256 binds its info as RFC 5869 says`, () => {
    const info = 'anysync/v1/é'
    const extracted = cipher.mac(new Uint8Array(32))(utf8('secret'))
    const expanded = cipher.mac(extracted)(utf8(info), Uint8Array.of(1))
    assert.deepEqual(cipher.hkdf(utf8('secret'), info, 32), expanded)
  })

  test(`${name}: scrypt gives the outputs of RFC 7914`, async () => {
    for (const { password, salt, output, ...cost } of (readVectors('scrypt') as ScryptVectors).valid) {
      assert.equal((await cipher.scrypt(utf8(password), utf8(salt), cost)).toHex(), output)
    }
  })

  test(`${name}: AES-256 gives the block of FIPS 197, and keeps no state between blocks`, () => {
    const block = cipher.aesBlock(hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'))
    for (let i = 0; i < 3; i++) {
      assert.equal(block(hex('00112233445566778899aabbccddeeff')).toHex(), '8ea2b7ca516745bfeafc49904b496089')
    }
  })

  test(`${name}: AES-256-GCM seals and opens as published`, () => {
    for (const { key, nonce, plaintext, associated, sealed } of gcmVectors) {
      assert.equal(cipher.gcmSeal(key, nonce, plaintext, associated).toHex(), sealed.toHex())
      const behind = cipher.gcmSeal(key, nonce, plaintext, associated, utf8('front'))
      assert.equal(behind.toHex(), concatBytes(utf8('front'), sealed).toHex())
      assert.deepEqual(cipher.gcmOpen(key, nonce, sealed, associated), plaintext)
    }
  })

  test(`${name}: AES-256-GCM opens nothing that was altered in any bit`, () => {
    const { key, nonce, sealed, associated } = gcmVectors.at(-1)!
    for (const part of [key, nonce, sealed, associated]) {
      for (let bit = 0; bit < part.length * 8; bit += 7) {
        part[bit >> 3]! ^= 1 << (bit & 7)
        assert.equal(cipher.gcmOpen(key, nonce, sealed, associated), null)
        part[bit >> 3]! ^= 1 << (bit & 7)
      }
    }
    for (const length of [0, 1, 15, 16, sealed.length - 1]) {
      assert.equal(cipher.gcmOpen(key, nonce, sealed.subarray(0, length), associated), null)
    }
    assert.equal(cipher.gcmOpen(key, nonce, concatBytes(sealed, Uint8Array.of(0)), associated), null)
    assert.notEqual(cipher.gcmOpen(key, nonce, sealed, associated), null)
  })

  test(`${name}: AES-256-GCM takes bytes at any alignment and leaves its inputs as they were`, () => {
    const key = new Uint8Array(32).fill(1)
    const nonce = new Uint8Array(12).fill(2)
    for (const offset of [0, 1, 2, 3]) {
      const plaintext = new Uint8Array(100).map((_, i) => i).subarray(offset, offset + 50)
      const before = plaintext.slice()
      const sealed = cipher.gcmSeal(key, nonce, plaintext, new Uint8Array())
      const shifted = concatBytes(new Uint8Array(offset), sealed).subarray(offset)
      assert.deepEqual(cipher.gcmOpen(key, nonce, shifted, new Uint8Array()), before)
      assert.deepEqual(plaintext, before)
      assert.deepEqual(shifted, sealed)
    }
  })

  test(`${name}: Ed25519 signs as RFC 8032 does, and refuses every other signature`, () => {
    const { valid, invalid } = readVectors('ed25519') as SignVectors
    for (const { seed, publicKey, message, signature } of valid) {
      assert.equal(cipher.signPublicKey(hex(seed)).toHex(), publicKey)
      assert.equal(cipher.sign(hex(seed), hex(message)).toHex(), signature)
      assert.ok(cipher.verify(hex(publicKey), hex(message), hex(signature)))
    }
    for (const { publicKey, message, signature, why } of invalid) {
      assert.equal(cipher.verify(hex(publicKey), hex(message), hex(signature)), false, why)
    }
  })

  test(`${name}: what it returns is plain bytes that nobody else holds`, () => {
    const results = [
      cipher.sha256(),
      cipher.mac(new Uint8Array(32))(),
      cipher.hkdf(new Uint8Array(32), '', 32),
      cipher.aesBlock(new Uint8Array(32))(new Uint8Array(16)),
      cipher.gcmSeal(new Uint8Array(32), new Uint8Array(12), new Uint8Array(3), new Uint8Array()),
      cipher.signPublicKey(new Uint8Array(32)),
      cipher.sign(new Uint8Array(32), new Uint8Array()),
      cipher.compress(new Uint8Array(10), 3),
    ]
    for (const bytes of results) assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype)
  })
}
