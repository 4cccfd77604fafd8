/**
 * How bytes go from one thread to another: shared memory as it is; what is large and nobody else's by moving it; the
 * rest as a copy of no more than what is meant.
 */

/** Smaller ones are copied: that costs less, and Node lays small buffers into one that others use as well. */
const movedBytesMin = 128 * 1024

export const allocateShared = (length: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(length))

export const isShared = (bytes: Uint8Array): boolean => bytes.buffer instanceof SharedArrayBuffer

/** A view of little of a large buffer would take all of it along. */
export const sendable = (bytes: Uint8Array): Uint8Array =>
  isShared(bytes) || bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice()

/** Buffers behind these bytes, or the bytes in this object or list, that can be moved. The sender has them no longer. */
export const movable = (value: unknown): ArrayBuffer[] => {
  if (typeof value !== 'object' || value === null) return []
  const parts: unknown[] = value instanceof Uint8Array ? [value] : Object.values(value)
  return parts.flatMap((part) =>
    part instanceof Uint8Array && part.buffer instanceof ArrayBuffer && part.buffer.byteLength >= movedBytesMin
      ? [part.buffer]
      : [],
  )
}
