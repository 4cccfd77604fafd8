/**
 * How even the bytes of a sample are spread: what looks random shrinks by nothing, and what does not shrinks at least by
 * the difference.
 */

/** Bits a byte, 0 to 8, with the correction of Miller and Madow for samples that are short. */
export const entropy = (sample: Uint8Array): number => {
  const counts = new Uint32Array(256)
  for (const byte of sample) counts[byte] = (counts[byte] ?? 0) + 1
  let bits = 0
  let distinct = 0
  for (const count of counts) {
    if (count === 0) continue
    distinct += 1
    bits -= (count / sample.length) * Math.log2(count / sample.length)
  }
  return sample.length === 0 ? 0 : bits + (distinct - 1) / (2 * Math.LN2 * sample.length)
}
