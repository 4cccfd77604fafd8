/**
 * The associated data of every seal and the message of every signature: a list that can be read one way only,
 * so bytes made for one place fit no other.
 */
import { concatBytes, u32, u64, utf8 } from './bytes.ts'

export type ContextField = string | Uint8Array | number | bigint

/**
 * 'anysync/v1' and then the fields, each as its length (u32, big-endian) and its bytes. Texts are UTF-8; numbers are
 * 8 bytes, big-endian, and at least 0. The first field says the kind.
 */
export const encodeContext = (...fields: ContextField[]): Uint8Array<ArrayBuffer> => {
  const parts: Uint8Array[] = []
  for (const field of ['anysync/v1', ...fields]) {
    const bytes = encodeField(field)
    parts.push(u32(bytes.length), bytes)
  }
  return concatBytes(...parts)
}

const encodeField = (field: ContextField): Uint8Array => {
  if (typeof field === 'string') return utf8(field)
  return field instanceof Uint8Array ? field : u64(field)
}
