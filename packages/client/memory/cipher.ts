/**
 * The Cipher in plain TypeScript: runs wherever the client runs. Slower than a native one and not proof against a
 * listener on the same machine, so devices use their own where they have one; both pass one suite.
 */
import { ecb, gcm } from '@noble/ciphers/aes.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { keyBytes, signatureBytes } from '@anysync/protocol/limits.ts'
import { concatBytes, utf8 } from '../crypto/bytes.ts'
import type { Cipher } from '../ports.ts'
import { compressRaw, decompressChecked } from './zstd.ts'

const tagBytes = 16

export const memoryCipher: Cipher = {
  sha256: (...parts) => {
    const digest = sha256.create()
    for (const part of parts) digest.update(part)
    return digest.digest()
  },

  mac: (key) => {
    const keyed = hmac.create(sha256, key)
    return (...parts) => {
      const digest = keyed.clone()
      for (const part of parts) digest.update(part)
      return digest.digest()
    }
  },

  hkdf: (secret, info, length) => hkdf(sha256, secret, new Uint8Array(), utf8(info), length),

  scrypt: (password, salt, { n, r, p }) =>
    scryptAsync(password, salt, { N: n, r, p, dkLen: keyBytes, maxmem: 128 * r * (n + p + 2) + 1024 }),

  aesBlock: (key) => {
    const own = key.slice()
    return (block) => ecb(own, { disablePadding: true }).encrypt(block)
  },

  gcmSeal: (key, nonce, plaintext, associated, front = new Uint8Array()) =>
    concatBytes(front, gcm(key, nonce, associated).encrypt(plaintext)),

  gcmOpen: (key, nonce, sealed, associated) => {
    if (sealed.length < tagBytes) return null
    try {
      return gcm(key, nonce, associated).decrypt(sealed)
    } catch {
      // Lengths are right, so the one thing left to throw for is the tag.
      return null
    }
  },

  signPublicKey: (seed) => ed25519.getPublicKey(seed),

  sign: (seed, message) => ed25519.sign(message, seed),

  verify: (publicKey, message, signature) =>
    publicKey.length === keyBytes &&
    signature.length === signatureBytes &&
    ed25519.verify(signature, message, publicKey, { zip215: false }),

  compress: (plaintext) => compressRaw(plaintext),

  decompress: (frame, length) => decompressChecked(frame, length),
}
