/**
 * The Cipher of Node: OpenSSL and zstd as they come with it.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hash,
  hkdfSync,
  scrypt,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { concatBytes, discard } from '@anysync/client/crypto/bytes.ts'
import { isPlainFrame } from '@anysync/client/crypto/zstd-frame.ts'
import type { Cipher } from '@anysync/client/ports.ts'
import { keyBytes } from '@anysync/protocol/limits.ts'

const tagBytes = 16
const blockBytes = 16
const gcm = 'aes-256-gcm'

// The frame of an Ed25519 key around its 32 bytes (RFC 8410 §7 and §4).
const seedPrefix = Uint8Array.fromHex('302e020100300506032b657004220420')
const publicKeyPrefix = Uint8Array.fromHex('302a300506032b6570032100')

export const nodeCipher: Cipher = {
  sha256: (...parts) => {
    const [first] = parts
    if (first && parts.length === 1) return plain(hash('sha256', first, 'buffer'))
    const digest = createHash('sha256')
    for (const part of parts) digest.update(part)
    return plain(digest.digest())
  },

  mac: (key) => {
    const secret = createSecretKey(key)
    return (...parts) => {
      const digest = createHmac('sha256', secret)
      for (const part of parts) digest.update(part)
      return plain(digest.digest())
    }
  },

  hkdf: (secret, info, length) => new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), info, length)),

  scrypt: (password, salt, { n, r, p }) =>
    new Promise((resolve, reject) => {
      // What OpenSSL counts: p blocks, the table of n, and two blocks of its own.
      const maxmem = 128 * r * (n + p + 2) + 1024
      scrypt(password, salt, keyBytes, { N: n, r, p, maxmem }, (error, key) => {
        if (error) reject(error)
        else resolve(plain(key))
      })
    }),

  aesBlock: (key) => {
    // ECB keeps no state between blocks, so one context serves them all.
    const cipher = createCipheriv('aes-256-ecb', createSecretKey(key), null).setAutoPadding(false)
    return (block) => plain(cipher.update(block.subarray(0, blockBytes)))
  },

  gcmSeal: (key, nonce, plaintext, associated, front = new Uint8Array()) => {
    const cipher = createCipheriv(gcm, createSecretKey(key), nonce).setAAD(associated)
    const ciphertext = cipher.update(plaintext)
    cipher.final()
    const sealed = concatBytes(front, ciphertext, cipher.getAuthTag())
    discard(ciphertext)
    return sealed
  },

  gcmOpen: (key, nonce, sealed, associated) => {
    if (sealed.length < tagBytes) return null
    const end = sealed.length - tagBytes
    const decipher = createDecipheriv(gcm, createSecretKey(key), nonce, { authTagLength: tagBytes })
      .setAAD(associated)
      .setAuthTag(sealed.subarray(end))
    const plaintext = decipher.update(sealed.subarray(0, end))
    try {
      decipher.final()
    } catch {
      // The one way in which `final` of GCM fails: the tag does not hold.
      return null
    }
    return plain(plaintext)
  },

  signPublicKey: (seed) =>
    plain(createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' })).slice(publicKeyPrefix.length),

  sign: (seed, message) => plain(sign(null, message, privateKey(seed))),

  verify: (publicKeyBytes, message, signature) => {
    const key = publicKeyBytes.length === keyBytes ? publicKey(publicKeyBytes) : null
    return key !== null && verify(null, message, key, signature)
  },

  compress: (plaintext, level) =>
    plain(
      zstdCompressSync(plaintext, {
        chunkSize: plaintext.length + (plaintext.length >> 7) + 1024,
        params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_contentSizeFlag]: 1 },
      }),
    ),

  decompress: (frame, length) => {
    if (!isPlainFrame(frame, length)) return null
    try {
      // One byte of room more than is needed, else Node asks for a second buffer to see whether more comes.
      const plaintext = zstdDecompressSync(frame, { chunkSize: Math.max(64, length + 1) })
      return plaintext.length === length ? plain(plaintext) : null
    } catch {
      // zstd throws for one reason only: the frame is not valid.
      return null
    }
  },
}

/** The same memory without Buffer's habits. */
const plain = (buffer: Buffer<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)

const privateKey = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([seedPrefix, seed]), format: 'der', type: 'pkcs8' })

/** Null when the 32 bytes are no Ed25519 key. */
const publicKey = (bytes: Uint8Array): KeyObject | null => {
  try {
    return createPublicKey({ key: Buffer.concat([publicKeyPrefix, bytes]), format: 'der', type: 'spki' })
  } catch {
    return null
  }
}
