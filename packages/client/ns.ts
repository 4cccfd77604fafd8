/** Times in nanoseconds, as states and records have them. */

/** Of milliseconds, to the nearest one. */
export const nsOf = (ms: number): bigint => BigInt(Math.round(ms)) * 1_000_000n
