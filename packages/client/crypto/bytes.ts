/**
 * Bytes laid end to end, compared and numbered: the few helpers that every format shares.
 */
import { demand } from '@anysync/protocol/errors.ts'

const encoder = new TextEncoder()

/** UTF-8 of a text. Throws `invalid` for lone surrogates: two texts must never become the same bytes. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => {
  demand(text.isWellFormed(), 'text.encode', 'invalid', 'the text is not valid Unicode; type it again')
  return encoder.encode(text)
}

export const concatBytes = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => {
  let length = 0
  for (const part of parts) length += part.length
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

/** Smaller memory may be that of others as well. */
const sharedBytesMax = 128 * 1024
/** Less is not worth the call. */
const discardBytesMin = 4 * 1024

/**
 * Gives the memory of large bytes back at once, which nobody else may hold: the garbage collector sees how little is left
 * only when much more than that was wasted. They are empty afterwards.
 */
export const discard = (bytes: Uint8Array): void => {
  const { buffer, byteLength } = bytes
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < discardBytesMin) return
  if (buffer.byteLength === byteLength || buffer.byteLength >= sharedBytesMax) buffer.transfer(0)
}

/** Whether two byte strings are equal, in a time that depends on their lengths only. */
export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}

/** Where a number becomes bytes: a view of its own for each would cost ten times that. */
const number = new Uint8Array(8)
const view = new DataView(number.buffer)

/** A number as 4 bytes, big-endian. */
export const u32 = (value: number): Uint8Array<ArrayBuffer> => {
  view.setUint32(0, value)
  return number.slice(0, 4)
}

/** A number as 8 bytes, big-endian. */
export const u64 = (value: number | bigint): Uint8Array<ArrayBuffer> => {
  view.setBigUint64(0, BigInt(value))
  return number.slice()
}
