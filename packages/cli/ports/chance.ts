/**
 * The Chance of Node: the system's generator.
 */
import { randomFillSync } from 'node:crypto'
import type { Chance } from '@anysync/client/ports.ts'

export const nodeChance: Chance = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
}
