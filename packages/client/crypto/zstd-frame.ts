/**
 * Reads the outline of a zstd frame (RFC 8878 §3.1.1) before anything is decompressed, so that every decompressor is
 * asked only for frames of the shape that we write, and says the same of all others.
 */

/** Blocks hold at most so many bytes, compressed or not. */
export const zstdBlockBytesMax = 128 * 1024

/**
 * Whether the bytes are exactly one frame that says it opens to `length` bytes, needs no dictionary and no window
 * beyond that length, and carries no checksum (the seal around it is one). Says nothing of the blocks' insides.
 */
export const isPlainFrame = (bytes: Uint8Array, length: number): boolean => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 6 || view.getUint32(0, true) !== 0xfd2fb528) return false
  const descriptor = view.getUint8(4)
  // Unused bit, reserved bit, checksum flag and dictionary flag: all must be 0.
  if ((descriptor & 0b0001_1111) !== 0) return false
  const isSingleSegment = (descriptor & 0b0010_0000) !== 0
  const start = isSingleSegment ? 5 : 6
  const size = contentSize(view, start, descriptor >> 6, isSingleSegment)
  if (size === null || size.value !== BigInt(length)) return false
  const window = isSingleSegment ? length : windowSize(view.getUint8(5))
  if (window > length) return false
  return endOfBlocks(view, start + size.bytes, Math.min(window, zstdBlockBytesMax)) === bytes.length
}

const contentSize = (
  view: DataView,
  offset: number,
  flag: number,
  isSingleSegment: boolean,
): { value: bigint; bytes: number } | null => {
  if (flag === 0 && !isSingleSegment) return null
  const bytes = 1 << flag
  if (offset + bytes > view.byteLength) return null
  if (flag === 0) return { value: BigInt(view.getUint8(offset)), bytes }
  if (flag === 1) return { value: BigInt(view.getUint16(offset, true) + 256), bytes }
  if (flag === 2) return { value: BigInt(view.getUint32(offset, true)), bytes }
  return { value: view.getBigUint64(offset, true), bytes }
}

const windowSize = (descriptor: number): number => {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

/** Where the frame's last block ends, or null when a block is too long or reaches beyond the bytes. */
const endOfBlocks = (view: DataView, start: number, blockBytesMax: number): number | null => {
  let offset = start
  for (;;) {
    if (offset + 3 > view.byteLength) return null
    const header = view.getUint16(offset, true) | (view.getUint8(offset + 2) << 16)
    const isLast = (header & 1) === 1
    const type = (header >> 1) & 3
    const size = header >> 3
    if (type === 3) return null
    // An RLE block (type 1) stores one byte, whatever its size.
    offset += 3 + (type === 1 ? 1 : size)
    if (offset > view.byteLength || size > blockBytesMax) return null
    if (isLast) return offset
  }
}
