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

/**
 * Where the chunks end that begin at the first byte, in order. A chunk depends on its own bytes alone, so a long stream
 * may be cut in windows: each begins where the last cut of the one before was. What comes after the last cut belongs to
 * the next window, or is the last chunk when `isLast` says that nothing follows. `gear` is asked for only when there is
 * something to look at: short contents, which most are, need none.
 */
export const cutEnds = (gear: () => Gear, limits: CutLimits, bytes: Uint8Array, isLast: boolean): number[] => {
  const masks = masksOf(limits)
  const ends: number[] = []
  let start = 0
  for (let end = endOf(gear, limits, masks, bytes, 0); end >= 0; end = endOf(gear, limits, masks, bytes, start)) {
    ends.push(end)
    start = end
  }
  if (isLast && start < bytes.length) ends.push(bytes.length)
  return ends
}

type Masks = { strict: number; loose: number }

/** Normalised chunking, level 2: cuts are 4 times rarer before the average and 4 times more frequent after it. */
const masksOf = ({ average }: CutLimits): Masks => {
  const bits = Math.log2(average)
  return { strict: topBits(bits + 2), loose: topBits(bits - 2) }
}

/** Where the chunk that begins at `origin` ends, or -1 when it goes on after these bytes. */
const endOf = (gear: () => Gear, limits: CutLimits, masks: Masks, bytes: Uint8Array, origin: number): number => {
  const averageAt = Math.min(origin + limits.average, bytes.length)
  const maxAt = Math.min(origin + limits.max, bytes.length)
  // No chunk ends in its first `min` bytes, so they are not even looked at.
  const from = Math.min(origin + limits.min, bytes.length)
  if (from < maxAt) {
    const rolling = { hash: 0 }
    const early = scan(gear(), bytes, from, averageAt, masks.strict, rolling)
    if (early >= 0) return early
    const late = scan(gear(), bytes, Math.max(from, averageAt), maxAt, masks.loose, rolling)
    if (late >= 0) return late
  }
  return maxAt === origin + limits.max ? maxAt : -1
}

/** The highest bits depend on the most bytes, 32 of them for the first: a cut looks at a window of that size. */
const topBits = (count: number): number => -1 << (32 - count)

/** Whether the lowest byte of a number lies first in memory. */
const isLowestFirst = new Uint8Array(Int32Array.of(1).buffer)[0] === 1

/**
 * The hot loop: the end of the first byte in from..to after which the hash has no bit of the mask, or -1. Bytes are read
 * four at a time, and sixteen are one round, which makes it twice as fast; `?? 0` costs nothing there, for no index is
 * ever out of bounds.
 */
const scan = (
  gear: Gear,
  bytes: Uint8Array,
  from: number,
  to: number,
  mask: number,
  rolling: { hash: number },
): number => {
  // Words lie at multiples of four bytes.
  const wordsFrom = Math.min(from + (-(bytes.byteOffset + from) & 3), to)
  const rounds = isLowestFirst ? (to - wordsFrom) >> 4 : 0
  const early = scanBytes(gear, bytes, from, wordsFrom, mask, rolling)
  if (early >= 0) return early
  const words = new Int32Array(bytes.buffer, rounds === 0 ? 0 : bytes.byteOffset + wordsFrom, 4 * rounds)
  let hash = rolling.hash
  for (let i = 0; i < 4 * rounds; i += 4) {
    const a = words[i] ?? 0
    const b = words[i + 1] ?? 0
    const c = words[i + 2] ?? 0
    const d = words[i + 3] ?? 0
    hash = ((hash << 1) + (gear[a & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 1
    hash = ((hash << 1) + (gear[(a >>> 8) & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 2
    hash = ((hash << 1) + (gear[(a >>> 16) & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 3
    hash = ((hash << 1) + (gear[a >>> 24] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 4
    hash = ((hash << 1) + (gear[b & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 5
    hash = ((hash << 1) + (gear[(b >>> 8) & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 6
    hash = ((hash << 1) + (gear[(b >>> 16) & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 7
    hash = ((hash << 1) + (gear[b >>> 24] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 8
    hash = ((hash << 1) + (gear[c & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 9
    hash = ((hash << 1) + (gear[(c >>> 8) & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 10
    hash = ((hash << 1) + (gear[(c >>> 16) & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 11
    hash = ((hash << 1) + (gear[c >>> 24] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 12
    hash = ((hash << 1) + (gear[d & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 13
    hash = ((hash << 1) + (gear[(d >>> 8) & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 14
    hash = ((hash << 1) + (gear[(d >>> 16) & 255] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 15
    hash = ((hash << 1) + (gear[d >>> 24] ?? 0)) | 0
    if ((hash & mask) === 0) return wordsFrom + 4 * i + 16
  }
  rolling.hash = hash
  return scanBytes(gear, bytes, wordsFrom + 16 * rounds, to, mask, rolling)
}

/** The same, a byte at a time: before the first word and after the last. */
const scanBytes = (
  gear: Gear,
  bytes: Uint8Array,
  from: number,
  to: number,
  mask: number,
  rolling: { hash: number },
): number => {
  let hash = rolling.hash
  for (let i = from; i < to; i++) {
    hash = ((hash << 1) + (gear[bytes[i] ?? 0] ?? 0)) | 0
    if ((hash & mask) === 0) return i + 1
  }
  rolling.hash = hash
  return -1
}
