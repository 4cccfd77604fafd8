/**
 * Chance from a seed: the same seed, the same bytes. For tests and the simulator; it keeps no secret from anyone.
 */
import type { Chance } from '../ports.ts'

/** xoshiro128** (Blackman, Vigna, "Scrambled Linear Pseudorandom Number Generators"), seeded by SplitMix32. */
export const seededChance = (seed: number): Chance => {
  let mixed = seed | 0
  const mix = (): number => {
    mixed = (mixed + 0x9e3779b9) | 0
    let word = mixed
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    return word ^ (word >>> 15)
  }
  let a = mix()
  let b = mix()
  let c = mix()
  let d = mix()

  const next = (): number => {
    const product = Math.imul(b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9)
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result
  }

  return {
    bytes: (length) => {
      const view = new DataView(new ArrayBuffer(Math.ceil(length / 4) * 4))
      for (let offset = 0; offset < length; offset += 4) view.setInt32(offset, next(), true)
      return new Uint8Array(view.buffer, 0, length).slice()
    },
  }
}
