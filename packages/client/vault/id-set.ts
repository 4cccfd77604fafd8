/**
 * A set of ids that are as good as random (chunk ids and hashes are), for very many of them: 96 bits of each in flat
 * arrays, so ten million take about 200 MB. Two of a vault's ids that share 96 bits do not happen.
 */
import { assert } from '@anysync/protocol/errors.ts'
import { discard } from '../crypto/bytes.ts'

/** 32-bit words that are kept of an id. All zero stands for an empty place. */
const words = 3
const placesMin = 16
/** An array doubles when more than this share of it is taken. */
const loadMax = 0.75
/** One array of all would need half as much again while it doubles. */
const parts = 64

export class IdSet {
  readonly #parts = Array.from({ length: parts }, () => new Part())

  get size(): number {
    return this.#parts.reduce((sum, { size }) => sum + size, 0)
  }

  /** By hex, of at least 24 digits. False when it was there already. */
  add(id: string): boolean {
    const [a, b, c] = [wordOf(id, 0), wordOf(id, 1), wordOf(id, 2)]
    return this.#partOf(b).add(a, b, c)
  }

  has(id: string): boolean {
    const [a, b, c] = [wordOf(id, 0), wordOf(id, 1), wordOf(id, 2)]
    return this.#partOf(b).has(a, b, c)
  }

  /** Not by the word that decides the place within it. */
  #partOf(word: number): Part {
    const part = this.#parts[word & (parts - 1)]
    assert(part !== undefined, 'there is a part for every word')
    return part
  }
}

class Part {
  #table = new Uint32Array(placesMin * words)
  #places = placesMin
  size = 0

  add(a: number, b: number, c: number): boolean {
    if (this.size >= this.#places * loadMax) this.#grow()
    const isNew = put(this.#table, this.#places, a, b, c)
    if (isNew) this.size += 1
    return isNew
  }

  has(a: number, b: number, c: number): boolean {
    return find(this.#table, this.#places, a, b, c).isThere
  }

  #grow(): void {
    const before = this.#table
    const table = new Uint32Array(before.length * 2)
    const places = this.#places * 2
    for (let at = 0; at < before.length; at += words) {
      const [a, b, c] = [before[at] ?? 0, before[at + 1] ?? 0, before[at + 2] ?? 0]
      if ((a | b | c) !== 0) put(table, places, a, b, c)
    }
    this.#table = table
    this.#places = places
    discard(new Uint8Array(before.buffer))
  }
}

const wordOf = (id: string, index: number): number => {
  const word = Number.parseInt(id.slice(index * 8, index * 8 + 8), 16)
  // An id that begins with 96 zeros would look like an empty place.
  return index === words - 1 && word === 0 ? 1 : word
}

/** Open addressing: the place of the id, or the empty one where it belongs. */
const find = (
  table: Uint32Array,
  places: number,
  a: number,
  b: number,
  c: number,
): { at: number; isThere: boolean } => {
  for (let place = a & (places - 1); ; place = (place + 1) & (places - 1)) {
    const at = place * words
    if (table[at] === a && table[at + 1] === b && table[at + 2] === c) return { at, isThere: true }
    if (table[at] === 0 && table[at + 1] === 0 && table[at + 2] === 0) return { at, isThere: false }
  }
}

const put = (table: Uint32Array, places: number, a: number, b: number, c: number): boolean => {
  const { at, isThere } = find(table, places, a, b, c)
  if (isThere) return false
  table[at] = a
  table[at + 1] = b
  table[at + 2] = c
  return true
}
