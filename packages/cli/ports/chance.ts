/**
 * The Chance of Node: the system's generator. Asking it costs 5 µs, whatever the length, so bytes for ids and nonces are drawn
 * ahead. Each is given once, and not kept here once it was given.
 */
import { randomFillSync } from 'node:crypto'
import type { Chance } from '@anysync/client/ports.ts'

const drawn = new Uint8Array(4096)
let used = drawn.length

/** More are drawn at once: keys of 32 bytes are few, and are drawn when they are needed. */
const aheadBytesMax = 24

export const nodeChance: Chance = {
  bytes(length) {
    const bytes = new Uint8Array(length)
    if (length > aheadBytesMax) return randomFillSync(bytes)
    if (used + length > drawn.length) {
      randomFillSync(drawn)
      used = 0
    }
    const next = drawn.subarray(used, (used += length))
    bytes.set(next)
    next.fill(0)
    return bytes
  },
}
