/**
 * The `Range` header (RFC 9110 §14): one range of bytes, or none.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import type { ByteRange } from './store/store.ts'

/**
 * Null for the whole. `a-b`, `a-` and `-n`; an end beyond the pack is cut to it. Throws `invalid` for a range that
 * begins beyond the pack or is not one: a client that asked for a part must never take the whole for it.
 */
export const parseRange = (header: string | undefined, length: number): ByteRange | null => {
  if (header === undefined) return null
  const match = /^bytes=(\d{1,15})?-(\d{1,15})?$/.exec(header)
  const [, from, to] = match ?? []
  if (match === null || (from === undefined && to === undefined)) {
    throw new SyncError('object.get', 'invalid', 'the Range header must have the form bytes=first-last')
  }
  const first = from === undefined ? Math.max(0, length - Number(to)) : Number(from)
  const last = from === undefined || to === undefined ? length - 1 : Math.min(Number(to), length - 1)
  if (first >= length || last < first) {
    throw new SyncError('object.get', 'invalid', `the range ${header} does not lie in the pack's ${length} bytes`)
  }
  return { first, last }
}
