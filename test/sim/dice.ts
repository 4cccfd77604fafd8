/**
 * Choices from a seed, and the numbers that say whether two runs made the same ones.
 */

export type Dice = {
  below(count: number): number
  pick<Thing>(things: readonly Thing[]): Thing
  /** True once in so many times. */
  oneIn(count: number): boolean
  /** A seed for other dice. */
  seed(): number
}

/** SplitMix32: one multiplication chain a throw, and every seed a sequence of its own. */
export const diceOf = (seed: number): Dice => {
  let mixed = Math.imul(seed ^ 0x5eed, 0x85ebca6b) | 0
  const next = (): number => {
    mixed = (mixed + 0x9e3779b9) | 0
    let word = mixed
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    return (word ^ (word >>> 15)) >>> 0
  }
  const below = (count: number): number => next() % count
  return {
    below,
    pick: <Thing>(things: readonly Thing[]): Thing => things[below(things.length)] as Thing,
    oneIn: (count) => below(count) === 0,
    seed: next,
  }
}

/** A rolling hash of all that happened: two runs with the same one did the same. */
export class Trace {
  #hash = 0x811c9dc5

  get hash(): number {
    return this.#hash >>> 0
  }

  number(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193) ^ (this.#hash >>> 15)
  }

  text(text: string): void {
    for (let index = 0; index < text.length; index++) this.number(text.charCodeAt(index))
  }

  big(value: bigint): void {
    this.number(Number(BigInt.asIntN(32, value)))
  }

  /** The length and the first and last bytes: enough for bytes that are sealed, which differ everywhere or nowhere. */
  bytes(bytes: Uint8Array): void {
    this.number(bytes.length)
    for (let index = 0; index < 4; index++) {
      this.number(bytes[index] ?? 0)
      this.number(bytes[bytes.length - 1 - index] ?? 0)
    }
  }
}
