/**
 * A Cipher that remembers: every function of a cipher is pure, and in a household of devices one seals what all others
 * open, so most of it need not be worked out twice. It remembers what another cipher answered and passes the same suite.
 */
import { concatBytes } from '@anysync/client/crypto/bytes.ts'
import type { Cipher, Mac } from '@anysync/client/ports.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** What is longer is worked out anew: looking it up would cost as much. */
const rememberedBytesMax = 4096
/** So many answers, then it forgets all: a history has far fewer. */
const answersMax = 20_000

export type RememberingCipher = Cipher & {
  /** From now on remembers for good all that it remembers now. */
  keep(): void
  /** Forgets what it does not remember for good. */
  forget(): void
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

/** Each text with its length before it, so that no two lists are one. */
const keyOf = (...parts: (Uint8Array | string | number)[]): string =>
  parts
    .map((part) => {
      const text = part instanceof Uint8Array ? textOf(part) : String(part)
      return `${text.length}:${text}`
    })
    .join('')

const isShort = (...parts: Uint8Array[]): boolean => parts.every(({ length }) => length <= rememberedBytesMax)

export const rememberingCipher = (inner: Cipher): RememberingCipher => {
  const answers = new Map<string, Bytes>()
  const verified = new Set<string>()
  const kept = new Map<string, Bytes>()
  const macs = new Map<string, Mac>()
  const blocks = new Map<string, (block: Uint8Array) => Bytes>()

  const find = (key: string): Bytes | undefined => answers.get(key) ?? kept.get(key)
  /** The answer, from memory or by work. Callers own what they get, so memory keeps a copy. */
  const answer = (key: string, work: () => Bytes): Bytes => {
    const known = find(key)
    if (known) return known.slice()
    if (answers.size > answersMax) answers.clear()
    const made = work()
    answers.set(key, made.slice())
    return made
  }
  const note = (key: string, bytes: Uint8Array): void => void answers.set(key, bytes.slice())

  return {
    keep() {
      for (const [key, bytes] of answers) kept.set(key, bytes)
    },
    forget() {
      answers.clear()
      verified.clear()
    },

    sha256: (...parts) => inner.sha256(...parts),

    mac: (key) => {
      const name = textOf(key)
      const known = macs.get(name)
      if (known) return known
      const keyed = inner.mac(key)
      const remembering: Mac = (...parts) =>
        isShort(...parts) ? answer(`mac ${keyOf(name, ...parts)}`, () => keyed(...parts)) : keyed(...parts)
      macs.set(name, remembering)
      return remembering
    },

    hkdf: (secret, info, length) =>
      answer(`hkdf ${keyOf(secret, info, length)}`, () => inner.hkdf(secret, info, length)),

    scrypt: (password, salt, cost) => inner.scrypt(password, salt, cost),

    aesBlock: (key) => {
      const name = textOf(key)
      const known = blocks.get(name)
      if (known) return known
      const block = inner.aesBlock(key)
      const remembering = (input: Uint8Array): Bytes =>
        answer(`aes ${keyOf(name, input.subarray(0, 16))}`, () => block(input))
      // Keys of single messages come and go.
      if (blocks.size > answersMax) blocks.clear()
      blocks.set(name, remembering)
      return remembering
    },

    gcmSeal: (key, nonce, plaintext, associated, front = new Uint8Array()) => {
      if (!isShort(plaintext, associated)) return inner.gcmSeal(key, nonce, plaintext, associated, front)
      const sealed = answer(`seal ${keyOf(key, nonce, plaintext, associated)}`, () =>
        inner.gcmSeal(key, nonce, plaintext, associated),
      )
      note(`open ${keyOf(key, nonce, sealed, associated)}`, plaintext)
      return front.length === 0 ? sealed : concatBytes(front, sealed)
    },

    gcmOpen: (key, nonce, sealed, associated) => {
      const known = isShort(sealed, associated) ? find(`open ${keyOf(key, nonce, sealed, associated)}`) : undefined
      return known ? known.slice() : inner.gcmOpen(key, nonce, sealed, associated)
    },

    signPublicKey: (seed) => answer(`public ${keyOf(seed)}`, () => inner.signPublicKey(seed)),

    sign: (seed, message) => {
      const signature = answer(`sign ${keyOf(seed, message)}`, () => inner.sign(seed, message))
      const publicKey = answer(`public ${keyOf(seed)}`, () => inner.signPublicKey(seed))
      verified.add(keyOf(publicKey, message, signature))
      return signature
    },

    verify: (publicKey, message, signature) => {
      const key = keyOf(publicKey, message, signature)
      if (verified.has(key)) return true
      const isRight = inner.verify(publicKey, message, signature)
      if (isRight) verified.add(key)
      return isRight
    },

    compress: (plaintext, level) => {
      if (!isShort(plaintext)) return inner.compress(plaintext, level)
      const frame = answer(`compress ${keyOf(plaintext, level)}`, () => inner.compress(plaintext, level))
      note(`decompress ${keyOf(frame, plaintext.length)}`, plaintext)
      return frame
    },

    decompress: (frame, length) => {
      const known = isShort(frame) ? find(`decompress ${keyOf(frame, length)}`) : undefined
      return known ? known.slice() : inner.decompress(frame, length)
    },
  }
}
