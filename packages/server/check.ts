/**
 * The forms of what crosses the wire, checked once on arrival: lengths and floors, no meaning.
 */
import { demand } from '@anysync/protocol/errors.ts'
import { saltBytes, scryptCeiling, scryptFloor } from '@anysync/protocol/limits.ts'
import type { Kdf } from '@anysync/protocol/gen/anysync/v1/format_pb.js'

/** Throws `invalid` unless the field has exactly so many bytes. */
export const checkLength = (operation: string, what: string, bytes: Uint8Array, length: number): void =>
  demand(bytes.length === length, operation, 'invalid', `${what} is ${length} bytes, got ${bytes.length}`)

/** Throws `invalid` unless the field has 1 to `max` bytes. */
export const checkBytes = (operation: string, what: string, bytes: Uint8Array, max: number): void =>
  demand(
    bytes.length >= 1 && bytes.length <= max,
    operation,
    'invalid',
    `${what} is 1 to ${max} bytes, got ${bytes.length}`,
  )

/** Throws `invalid` unless the text has 1 to `max` bytes of printable UTF-8. */
export const checkText = (operation: string, what: string, text: string, max: number): void => {
  const bytes = Buffer.byteLength(text)
  demand(
    bytes >= 1 && bytes <= max && !/\p{Cc}/u.test(text),
    operation,
    'invalid',
    `${what} is 1 to ${max} bytes of text without control characters`,
  )
}

/** A server that accepted weak parameters would help an attacker who made a client send them. */
export const checkKdf = (operation: string, kdf: Kdf | undefined): Kdf => {
  demand(kdf !== undefined, operation, 'invalid', 'the key derivation parameters are missing')
  checkLength(operation, 'a salt', kdf.salt, saltBytes)
  const { n, r, p } = kdf
  demand(
    n >= scryptFloor.n && n <= scryptCeiling.n && (n & (n - 1)) === 0 && r === scryptFloor.r,
    operation,
    'invalid',
    `scrypt takes n ${scryptFloor.n} to ${scryptCeiling.n}, a power of two, and r ${scryptFloor.r}`,
  )
  demand(p >= scryptFloor.p && p <= scryptCeiling.p, operation, 'invalid', `scrypt takes p 1 to ${scryptCeiling.p}`)
  return kdf
}
