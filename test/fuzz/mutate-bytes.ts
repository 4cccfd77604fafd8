/**
 * Changes bytes as damage and malice do: a bit, a length, a piece that is gone, twice there, or of another input.
 */
import { concatBytes } from '@anysync/client/crypto/bytes.ts'
import type { Dice } from '../sim/dice.ts'

const telling = [0, 1, 2, 0x08, 0x0a, 0x12, 0x1a, 0x7f, 0x80, 0xff]

type Change = (dice: Dice, bytes: Uint8Array, other: Uint8Array) => Uint8Array

const at = (dice: Dice, bytes: Uint8Array): number => dice.below(bytes.length + 1)

const span = (dice: Dice, bytes: Uint8Array): [number, number] => {
  const from = at(dice, bytes)
  // Mostly few bytes, as a field has.
  const most = dice.oneIn(4) ? bytes.length : 40
  return [from, Math.min(bytes.length, from + dice.below(most + 1))]
}

const replaced = (bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array =>
  concatBytes(bytes.subarray(0, from), by, bytes.subarray(to))

const changes: Change[] = [
  (dice, bytes) => {
    const copy = bytes.slice()
    const place = dice.below(copy.length || 1)
    copy.set([(copy[place] ?? 0) ^ (1 << dice.below(8))].slice(0, copy.length), Math.min(place, copy.length))
    return copy
  },
  (dice, bytes) => {
    const place = at(dice, bytes)
    return replaced(bytes, place, Math.min(place + 1, bytes.length), Uint8Array.of(dice.pick(telling)))
  },
  (dice, bytes) => replaced(bytes, ...span(dice, bytes), new Uint8Array()),
  (dice, bytes) => {
    const [from, to] = span(dice, bytes)
    return replaced(bytes, to, to, bytes.subarray(from, to))
  },
  (dice, bytes) => bytes.slice(0, at(dice, bytes)),
  (dice, bytes) => replaced(bytes, bytes.length, bytes.length, Uint8Array.of(dice.pick(telling), dice.below(256))),
  (dice, bytes, other) => replaced(bytes, ...span(dice, bytes), other.subarray(...span(dice, other))),
  (dice, bytes) => {
    const [from, to] = span(dice, bytes)
    return replaced(bytes, from, to, new Uint8Array(to - from))
  },
  (dice, bytes) => {
    const [from, to] = span(dice, bytes)
    return replaced(bytes, from, to, new Uint8Array(1 + dice.below(11)).fill(0xff))
  },
]

/** One to four changes. It may happen that they end in the same bytes. */
export const mutateBytes = (dice: Dice, bytes: Uint8Array, other: Uint8Array): Uint8Array => {
  let changed = bytes
  for (let left = 1 + dice.below(dice.oneIn(3) ? 4 : 1); left > 0; left--)
    changed = dice.pick(changes)(dice, changed, other)
  return changed
}
