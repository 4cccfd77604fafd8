/**
 * How long to wait before trying again what failed.
 */
import { retryMsMax, retryMsMin } from '@anysync/protocol/limits.ts'
import type { Chance } from '../ports.ts'

/** Doubled with each failure, and spread so that many devices do not come at once. */
export const retryDelayMs = (failures: number, chance: Chance): number => {
  const ceiling = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(failures, 16))
  const [spread = 0] = chance.bytes(1)
  return Math.round(ceiling / 2 + (ceiling / 2) * (spread / 255))
}
