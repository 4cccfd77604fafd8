/**
 * The NaCl box: bytes from one key pair to another (X25519, XSalsa20-Poly1305; Bernstein, "Cryptography in NaCl").
 * For tokens and keys only, so speed does not matter.
 */
import { demand } from '@anysync/protocol/errors.ts'
import { keyBytes } from '@anysync/protocol/limits.ts'
import nacl from 'tweetnacl'
import type { Chance } from '../ports.ts'
import { concatBytes } from './bytes.ts'

const nonceBytes = nacl.box.nonceLength

/** What boxing adds: nonce 24 ‖ tag 16. */
export const boxOverheadBytes = nonceBytes + nacl.box.overheadLength

/** X25519, 32 bytes each. */
export type BoxKeyPair = { publicKey: Uint8Array; secretKey: Uint8Array }

export const newBoxKeyPair = (chance: Chance): BoxKeyPair => boxKeyPair(chance.bytes(keyBytes))

/** The pair of a secret key of 32 bytes. */
export const boxKeyPair = (secretKey: Uint8Array): BoxKeyPair => nacl.box.keyPair.fromSecretKey(secretKey)

/** nonce ‖ tag ‖ ciphertext, with a fresh nonce. Throws `corrupt` when the recipient's key is none. */
export const sealBox = (
  chance: Chance,
  plaintext: Uint8Array,
  recipientPublicKey: Uint8Array,
  senderSecretKey: Uint8Array,
): Uint8Array<ArrayBuffer> => {
  checkBoxKey('box.seal', recipientPublicKey, senderSecretKey)
  const nonce = chance.bytes(nonceBytes)
  return concatBytes(nonce, nacl.box(plaintext, nonce, recipientPublicKey, senderSecretKey))
}

/** Throws `corrupt` when the bytes are not what this sender boxed for this recipient. */
export const openBox = (
  sealed: Uint8Array,
  senderPublicKey: Uint8Array,
  recipientSecretKey: Uint8Array,
): Uint8Array => {
  checkBoxKey('box.open', senderPublicKey, recipientSecretKey)
  const message = 'a box was altered, or was made by or for another key'
  demand(sealed.length >= boxOverheadBytes, 'box.open', 'corrupt', message)
  const nonce = sealed.subarray(0, nonceBytes)
  const plaintext = nacl.box.open(sealed.subarray(nonceBytes), nonce, senderPublicKey, recipientSecretKey)
  demand(plaintext !== null, 'box.open', 'corrupt', message)
  return plaintext
}

/** Refuses keys of small order, as libsodium does: with them the shared secret is zero whatever our key is (RFC 7748 §6.1). */
const checkBoxKey = (operation: string, publicKey: Uint8Array, secretKey: Uint8Array): void => {
  const isKey =
    publicKey.length === keyBytes && nacl.scalarMult(secretKey, publicKey).reduce((any, byte) => any | byte, 0) !== 0
  demand(isKey, operation, 'corrupt', 'the other side of a box gave a public key that is none')
}
