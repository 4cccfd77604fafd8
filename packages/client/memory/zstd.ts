/**
 * zstd without a native library: reads every frame that we write, and writes frames that every decoder reads but that
 * are hardly smaller, for compressing in a script pays for nobody.
 */
import { Decompress } from 'fzstd'
import { concatBytes } from '../crypto/bytes.ts'
import { isPlainFrame, zstdBlockBytesMax } from '../crypto/zstd-frame.ts'

const rawBlock = 0
const repeatBlock = 1

/** One frame with its content size: a block of one byte value is stored as that byte, all others as they are (RFC 8878 §3.1.1). */
export const compressRaw = (plaintext: Uint8Array): Uint8Array<ArrayBuffer> => {
  const parts: Uint8Array[] = [frameHeader(plaintext.length)]
  let offset = 0
  do {
    const block = plaintext.subarray(offset, offset + zstdBlockBytesMax)
    offset += zstdBlockBytesMax
    const isLast = offset >= plaintext.length
    const isRepeat = block.length > 1 && block.every((byte) => byte === block[0])
    parts.push(blockHeader(isLast, isRepeat ? repeatBlock : rawBlock, block.length))
    parts.push(isRepeat ? block.subarray(0, 1) : block)
  } while (offset < plaintext.length)
  return concatBytes(...parts)
}

/** Null when the frame is not valid or does not open to exactly `length` bytes. */
export const decompressChecked = (frame: Uint8Array, length: number): Uint8Array<ArrayBuffer> | null => {
  if (!isPlainFrame(frame, length)) return null
  const plaintext = new Uint8Array(length)
  let offset = 0
  try {
    new Decompress((block) => {
      plaintext.set(block, offset)
      offset += block.length
    }).push(frame, true)
  } catch {
    // Whatever is thrown, by fzstd or by `set` beyond the end, says that the frame is not valid.
    return null
  }
  return offset === length ? plaintext : null
}

/** Magic number, a descriptor that says "single segment, content size in 4 bytes", the content size. */
const frameHeader = (length: number): Uint8Array => {
  const header = new DataView(new ArrayBuffer(9))
  header.setUint32(0, 0xfd2fb528, true)
  header.setUint8(4, 0b1010_0000)
  header.setUint32(5, length, true)
  return new Uint8Array(header.buffer)
}

const blockHeader = (isLast: boolean, type: number, size: number): Uint8Array => {
  const header = (size << 3) | (type << 1) | (isLast ? 1 : 0)
  return Uint8Array.of(header & 0xff, (header >> 8) & 0xff, header >> 16)
}
