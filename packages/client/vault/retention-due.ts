/**
 * When the rules of what is kept are applied by themselves: every week, at a moment that differs from device to device, and
 * never while a person is asked whether something is wrong. Pure; knows no clock.
 */
import { nsOf } from '../ns.ts'
import { retentionMsEvery, retentionMsSpread } from '@anysync/protocol/limits.ts'

export type RetentionTimes = {
  nowNs: bigint
  /** As `nextRetentionNs` said after the last time; null when there was none. */
  nextNs: bigint | null
  /** Whether no alarm and nothing that waits for a person stands. */
  isCalm: boolean
}

/** Whether it is due now. A time that is further ahead than any can be was noted by a clock that went back since. */
export const isRetentionDue = ({ nowNs, nextNs, isCalm }: RetentionTimes): boolean => {
  if (!isCalm) return false
  if (nextNs === null || nowNs >= nextNs) return true
  return nextNs - nowNs > nsOf(retentionMsEvery + retentionMsSpread)
}

/** When it is due again after a time. `chance`: 0 to 1. */
export const nextRetentionNs = (nowNs: bigint, chance: number): bigint =>
  nowNs + nsOf(retentionMsEvery) + nsOf(Math.floor(retentionMsSpread * chance))
