/** Chance as a number. */
import type { Chance } from './ports.ts'

/** From 0 to just below 1, in 2^32 steps that are as likely as each other. */
export const fractionOf = (chance: Chance): number => new DataView(chance.bytes(4).buffer).getUint32(0) / 2 ** 32
