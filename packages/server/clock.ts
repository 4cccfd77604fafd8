/**
 * The time of day, as something that is passed in: what waits or expires is tested with a clock that is told the time.
 */

export type Clock = { nowMs(): number }

export const systemClock: Clock = { nowMs: () => Date.now() }
