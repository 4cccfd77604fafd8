/**
 * Every sub-key of the system in one table: one purpose a key, and nobody derives outside it.
 */
import { keyBytes } from '@anysync/protocol/limits.ts'
import type { Cipher } from '../ports.ts'

/** What a sub-key is for, and the secret that it comes from. */
export const purposes = {
  'slot-wrap': 'password key',
  'slot-commitment': 'password key',
  login: 'password key',
  grant: 'file key',
  label: 'file key',
  content: 'vault key',
  index: 'vault key',
  log: 'vault key',
  'chunk-id': 'vault key of epoch 0',
  gear: 'vault key of epoch 0',
} as const

export type Purpose = keyof typeof purposes

/** HKDF-SHA256 (RFC 5869), empty salt, info `anysync/v1/<purpose>`, 32 bytes. */
export const deriveKey = (cipher: Cipher, secret: Uint8Array, purpose: Purpose): Uint8Array<ArrayBuffer> =>
  cipher.hkdf(secret, `anysync/v1/${purpose}`, keyBytes)
