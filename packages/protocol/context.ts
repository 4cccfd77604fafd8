/**
 * The bytes that a signature or a seal is bound to: a list that can be read one way only, so bytes made for one
 * place fit no other. Here because both sides of the wire speak of them: the server checks the login's signature.
 */
import { demand } from './errors.ts'

export type ContextField = string | Uint8Array | number | bigint

/**
 * 'anysync/v1' and then the fields, each as its length (u32, big-endian) and its bytes. Texts are UTF-8; numbers are
 * 8 bytes, big-endian, and at least 0. The first field says the kind. Throws `invalid` for lone surrogates:
 * two texts must never become the same bytes.
 */
export const encodeContext = (...fields: ContextField[]): Uint8Array<ArrayBuffer> => {
  const encoded = ['anysync/v1', ...fields].map(encodeField)
  const bytes = new Uint8Array(encoded.reduce((length, field) => length + 4 + field.length, 0))
  const view = new DataView(bytes.buffer)
  let offset = 0
  for (const field of encoded) {
    view.setUint32(offset, field.length)
    bytes.set(field, offset + 4)
    offset += 4 + field.length
  }
  return bytes
}

const encoder = new TextEncoder()

const encodeField = (field: ContextField): Uint8Array => {
  if (field instanceof Uint8Array) return field
  if (typeof field === 'string') {
    demand(field.isWellFormed(), 'context.encode', 'invalid', 'the text is not valid Unicode; type it again')
    return encoder.encode(field)
  }
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(field))
  return bytes
}
