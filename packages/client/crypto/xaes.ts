/**
 * Seals and opens bytes with XAES-256-GCM (C2SP, XAES-256-GCM.md): AES-256-GCM under a key and nonce that derive from
 * a 24-byte random nonce, so one key seals without a limit worth counting. Knows keys and contexts; knows nothing of
 * files or vaults. The context is bound in: bytes sealed for one place do not open in another.
 */
import { demand } from '@anysync/protocol/errors.ts'
import type { Chance, Cipher } from '../ports.ts'
import { concatBytes } from './bytes.ts'

const nonceBytes = 24
const tagBytes = 16
const blockBytes = 16

/** What sealing adds: nonce 24 ‖ ciphertext ‖ tag 16. */
export const sealOverheadBytes = nonceBytes + tagBytes

/** One key, ready to use. */
export type SealKey = {
  /** nonce ‖ ciphertext ‖ tag, with a fresh nonce. */
  seal: (plaintext: Uint8Array, context: Uint8Array) => Uint8Array<ArrayBuffer>
  /** Throws `corrupt` when the bytes are not what this key sealed in this context. */
  open: (sealed: Uint8Array, context: Uint8Array) => Uint8Array<ArrayBuffer>
}

/** One key that only opens: what needs no chance. */
export type OpenKey = Pick<SealKey, 'open'>

export const sealKey = (cipher: Cipher, chance: Chance, key: Uint8Array): SealKey => {
  const derive = deriver(cipher, key)
  return {
    seal: (plaintext, context) => {
      const nonce = chance.bytes(nonceBytes)
      return cipher.gcmSeal(derive(nonce), nonce.subarray(12), plaintext, context, nonce)
    },
    open: opener(cipher, derive),
  }
}

export const openKey = (cipher: Cipher, key: Uint8Array): OpenKey => ({ open: opener(cipher, deriver(cipher, key)) })

const opener =
  (cipher: Cipher, derive: Derive): SealKey['open'] =>
  (sealed, context) => {
    const nonce = sealed.subarray(0, nonceBytes)
    const plaintext =
      sealed.length < sealOverheadBytes
        ? null
        : cipher.gcmOpen(derive(nonce), nonce.subarray(12), sealed.subarray(nonceBytes), context)
    const message = 'sealed bytes were altered, or were sealed elsewhere or by another key'
    demand(plaintext !== null, 'seal.open', 'corrupt', message)
    return plaintext
  }

/** The AES-256-GCM key of a nonce. */
type Derive = (nonce: Uint8Array) => Uint8Array

/**
 * CMAC-based key derivation in counter mode (SP 800-108r1) with L and K1 computed once per key.
 * Kx = AES(K, M1 ⊕ K1) ‖ AES(K, M2 ⊕ K1), where Mi = 00 0i 'X' 00 ‖ nonce[0..12).
 */
const deriver = (cipher: Cipher, key: Uint8Array): Derive => {
  const encrypt = cipher.aesBlock(key)
  const k1 = double(encrypt(new Uint8Array(blockBytes)))
  return (nonce) => {
    const half = (counter: number): Uint8Array => {
      const block = concatBytes(Uint8Array.of(0, counter, 0x58, 0), nonce.subarray(0, 12))
      return encrypt(block.map((byte, i) => byte ^ (k1[i] ?? 0)))
    }
    return concatBytes(half(1), half(2))
  }
}

/** Doubling in GF(2^128), without a branch on the secret: SP 800-38B §6.1. */
const double = (block: Uint8Array): Uint8Array => {
  const carry = (block[0] ?? 0) >> 7
  const shifted = block.map((byte, i) => (byte << 1) | ((block[i + 1] ?? 0) >> 7))
  return shifted.map((byte, i) => (i === blockBytes - 1 ? byte ^ (carry * 0x87) : byte))
}
