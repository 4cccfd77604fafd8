/**
 * Tokens: 32 random bytes that prove who calls. The server keeps only their SHA-256, so its disk opens nothing.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { tokenBytes } from '@anysync/protocol/limits.ts'

export type TokenHash = string & { readonly [tokenHash]: true }
declare const tokenHash: unique symbol

export const newToken = (): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(tokenBytes))

export const hashToken = (token: Uint8Array): TokenHash => parseTokenHash(hash('sha256', token, 'buffer'))

/** From the hash's 32 bytes. */
export const parseTokenHash = (bytes: Uint8Array): TokenHash =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where token hashes are made
  bytes.toHex() as TokenHash

/** The token of an `Authorization: Bearer …` header; null when there is none or it has not the form of one. */
export const tokenOfHeader = (header: string | undefined): Uint8Array | null => {
  const text = header === undefined ? null : /^Bearer ([A-Za-z0-9_-]{43})=?$/i.exec(header)?.[1]
  return text === null || text === undefined ? null : new Uint8Array(Buffer.from(text, 'base64url'))
}

/** In a time that does not depend on where they differ. */
export const sameTokenHash = (a: TokenHash, b: TokenHash): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
