/**
 * Chance from a seed: the same seed gives the same numbers and bytes on every machine.
 */
import { createCipheriv, createHash } from 'node:crypto'

export class Dice {
  readonly seed: string
  #counter = 0

  constructor(seed: string) {
    this.seed = seed
  }

  /** Bytes that do not shrink, at the speed of AES. */
  bytes(length: number): Buffer {
    const key = createHash('sha256').update(`${this.seed} ${this.#counter++}`).digest()
    const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
    return cipher.update(Buffer.alloc(length))
  }

  /** 0 to below 1. */
  fraction(): number {
    return this.bytes(4).readUInt32LE() / 2 ** 32
  }

  /** 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  pick<Thing>(things: readonly Thing[]): Thing {
    const thing = things[this.below(things.length)]
    if (thing === undefined) throw new Error('there is nothing to pick from')
    return thing
  }
}

/** A seed for this run, unless ANYSYNC_SEED names one to repeat. */
export const seedOfRun = (): string => process.env['ANYSYNC_SEED'] ?? String(Date.now())
