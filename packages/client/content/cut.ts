/**
 * Cuts bytes into chunks where their content says so, so that an edit changes only the chunks around it.
 * FastCDC (Xia et al., USENIX ATC 2016; the 2020 TPDS article) with a gear table of the vault's own: without the
 * key nobody can predict where a known file is cut. Knows bytes only.
 */
import type { Cipher } from '../ports.ts'

/** 256 random 32-bit numbers, one for each value of a byte. */
export type Gear = Int32Array

/** Bytes of a chunk. `average` is a power of two; only the last chunk may be shorter than `min`. */
export type CutLimits = { min: number; average: number; max: number }

/** Each number is the first 4 bytes, big-endian, of HMAC-SHA256(gear key, the byte). */
export const makeGear = (cipher: Cipher, gearKey: Uint8Array): Gear => {
  const mac = cipher.mac(gearKey)
  return Int32Array.from({ length: 256 }, (_, byte) => new DataView(mac(Uint8Array.of(byte)).buffer).getInt32(0))
}

/** Cuts one stream. The cuts are the same whatever the sizes of the buffers that bring it. */
export type Cutter = {
  /**
   * The chunks that these bytes complete; must be run to its end before the next push. Chunks are copies: the buffer
   * may be used again.
   */
  push(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>, void, void>
  /** The last chunk, or null when the stream ended with a cut or is empty. Then the next stream may begin. */
  finish(): Uint8Array<ArrayBuffer> | null
}

/** `gear` is asked for only when there is something to look at: short contents, which most are, need none. */
export const createCutter = (gear: () => Gear, limits: CutLimits): Cutter => {
  const scanner = createScanner(gear, limits)
  let held = new Uint8Array(0)
  let heldLength = 0

  const hold = (bytes: Uint8Array): void => {
    const length = heldLength + bytes.length
    if (length > held.length) {
      const larger = new Uint8Array(Math.min(limits.max, Math.max(length, 2 * held.length)))
      larger.set(held.subarray(0, heldLength))
      held = larger
    }
    held.set(bytes, heldLength)
    heldLength = length
  }

  const take = (last: Uint8Array): Uint8Array<ArrayBuffer> => {
    const chunk = new Uint8Array(heldLength + last.length)
    chunk.set(held.subarray(0, heldLength))
    chunk.set(last, heldLength)
    heldLength = 0
    return chunk
  }

  return {
    *push(bytes) {
      let start = 0
      for (let end = scanner.next(bytes, 0); end >= 0; end = scanner.next(bytes, start)) {
        yield take(bytes.subarray(start, end))
        start = end
      }
      hold(bytes.subarray(start))
    },
    finish() {
      scanner.reset()
      return heldLength === 0 ? null : take(new Uint8Array(0))
    },
  }
}

/** Finds cuts and remembers, between buffers, how far the chunk has come and its hash. */
type Scanner = {
  /** Where the chunk that goes on at `start` ends, or -1 when it goes on after these bytes. */
  next(bytes: Uint8Array, start: number): number
  reset(): void
}

const createScanner = (gear: () => Gear, limits: CutLimits): Scanner => {
  const bits = Math.log2(limits.average)
  // Normalised chunking, level 2: cuts are 4 times rarer before the average and 4 times more frequent after it.
  const strictMask = topBits(bits + 2)
  const looseMask = topBits(bits - 2)
  const rolling = { hash: 0 }
  let length = 0

  const find = (bytes: Uint8Array, start: number): number => {
    const origin = start - length
    const averageAt = Math.min(origin + limits.average, bytes.length)
    const maxAt = Math.min(origin + limits.max, bytes.length)
    // No chunk ends in its first `min` bytes, so they are not even looked at.
    const from = Math.max(start, Math.min(origin + limits.min, bytes.length))
    if (from < maxAt) {
      const early = scan(gear(), bytes, from, averageAt, strictMask, rolling)
      if (early >= 0) return early
      const late = scan(gear(), bytes, Math.max(from, averageAt), maxAt, looseMask, rolling)
      if (late >= 0) return late
    }
    return maxAt === origin + limits.max ? maxAt : -1
  }

  const reset = (): void => {
    rolling.hash = 0
    length = 0
  }

  return {
    next(bytes, start) {
      const end = find(bytes, start)
      if (end < 0) length += bytes.length - start
      else reset()
      return end
    },
    reset,
  }
}

/** The highest bits depend on the most bytes, 32 of them for the first: a cut looks at a window of that size. */
const topBits = (count: number): number => -1 << (32 - count)

/**
 * The hot loop: the end of the first byte in from..to after which the hash has no bit of the mask, or -1. Eight times
 * unrolled, which makes it half as fast again; `?? 0` costs nothing there, for no index is ever out of bounds.
 */
const scan = (
  gear: Gear,
  bytes: Uint8Array,
  from: number,
  to: number,
  mask: number,
  rolling: { hash: number },
): number => {
  let hash = rolling.hash
  let i = from
  for (; i + 8 <= to; i += 8) {
    hash = ((hash << 1) + (gear[bytes[i] ?? 0] ?? 0)) | 0
    if ((hash & mask) === 0) return i + 1
    hash = ((hash << 1) + (gear[bytes[i + 1] ?? 0] ?? 0)) | 0
    if ((hash & mask) === 0) return i + 2
    hash = ((hash << 1) + (gear[bytes[i + 2] ?? 0] ?? 0)) | 0
    if ((hash & mask) === 0) return i + 3
    hash = ((hash << 1) + (gear[bytes[i + 3] ?? 0] ?? 0)) | 0
    if ((hash & mask) === 0) return i + 4
    hash = ((hash << 1) + (gear[bytes[i + 4] ?? 0] ?? 0)) | 0
    if ((hash & mask) === 0) return i + 5
    hash = ((hash << 1) + (gear[bytes[i + 5] ?? 0] ?? 0)) | 0
    if ((hash & mask) === 0) return i + 6
    hash = ((hash << 1) + (gear[bytes[i + 6] ?? 0] ?? 0)) | 0
    if ((hash & mask) === 0) return i + 7
    hash = ((hash << 1) + (gear[bytes[i + 7] ?? 0] ?? 0)) | 0
    if ((hash & mask) === 0) return i + 8
  }
  for (; i < to; i++) {
    hash = ((hash << 1) + (gear[bytes[i] ?? 0] ?? 0)) | 0
    if ((hash & mask) === 0) return i + 1
  }
  rolling.hash = hash
  return -1
}
