/**
 * Which snapshots are kept, and why: a pure function of the snapshots and of rules in restic's words. Whatever no rule
 * keeps may be forgotten. Ages count from the newest snapshot, not from a clock, so a wrong clock forgets nothing.
 */
import { demand } from '@anysync/protocol/errors.ts'
import type { SnapshotInfo } from './vault-types.ts'

export const spans = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
export type Span = (typeof spans)[number]

/** Years, months, days and hours, as in '1y6m7d12h'. */
export type Duration = { years: number; months: number; days: number; hours: number }

export type KeepRules = {
  /** The newest so many. */
  last?: number
  /** The newest of each of the newest so many hours, days … that have one; Infinity: of all. */
  every?: Partial<Record<Span, number>>
  /** All that are no older than this. */
  within?: Duration
  /** The newest of each hour, day … no older than this. */
  everyWithin?: Partial<Record<Span, Duration>>
  /** All with one of these labels. */
  tags?: string[]
}

/** Everything for 30 days, then one a day for a year, then one a month. */
export const usualRules: KeepRules = {
  within: { years: 0, months: 0, days: 30, hours: 0 },
  everyWithin: { daily: { years: 1, months: 0, days: 0, hours: 0 } },
  every: { monthly: Infinity },
}

export type Judged = Pick<SnapshotInfo, 'sequence' | 'timeNs' | 'isPartial' | 'label' | 'isPinned'>

/**
 * Why each snapshot is kept, by sequence, in the words of the rules; no reasons: no rule keeps it. The newest and pinned
 * ones always are. One in the middle of a push counts for `last` and `within` only.
 */
export const judge = (snapshots: readonly Judged[], rules: KeepRules): Map<number, string[]> => {
  const newestFirst = snapshots.toSorted((a, b) => b.sequence - a.sequence)
  const newestNs = newestFirst.reduce((newest, { timeNs }) => (timeNs > newest ? timeNs : newest), 0n)
  const reasons = new Map<number, string[]>(newestFirst.map(({ sequence }) => [sequence, []]))
  const keep = ({ sequence }: Judged, why: string): void => void reasons.get(sequence)?.push(why)

  for (const [index, snapshot] of newestFirst.entries()) {
    if (index === 0) keep(snapshot, 'newest')
    if (snapshot.isPinned) keep(snapshot, 'pinned')
    if (index < (rules.last ?? 0)) keep(snapshot, 'last')
    if (rules.within !== undefined && snapshot.timeNs >= before(newestNs, rules.within)) keep(snapshot, 'within')
    if (snapshot.label !== '' && rules.tags?.includes(snapshot.label) === true) keep(snapshot, 'tag')
  }
  const whole = newestFirst.filter(({ isPartial }) => !isPartial)
  for (const span of spans) {
    keepNewestOfEach(whole, span, rules.every?.[span] ?? 0, (snapshot) => keep(snapshot, span))
    const within = rules.everyWithin?.[span]
    if (within === undefined) continue
    const from = before(newestNs, within)
    const recent = whole.filter(({ timeNs }) => timeNs >= from)
    keepNewestOfEach(recent, span, Infinity, (snapshot) => keep(snapshot, `within ${span}`))
  }
  return reasons
}

/** The sequences that no rule keeps, ascending. */
export const forgettable = (snapshots: readonly Judged[], rules: KeepRules): number[] =>
  [...judge(snapshots, rules)]
    .filter(([, reasons]) => reasons.length === 0)
    .map(([sequence]) => sequence)
    .toSorted((a, b) => a - b)

const keepNewestOfEach = (newestFirst: Judged[], span: Span, count: number, keep: (snapshot: Judged) => void): void => {
  const seen = new Set<string>()
  for (const snapshot of newestFirst) {
    if (seen.size >= count) return
    const key = keyOf(snapshot.timeNs, span)
    if (seen.has(key)) continue
    seen.add(key)
    keep(snapshot)
  }
}

/** In UTC: every device comes to the same, wherever it is. */
const keyOf = (timeNs: bigint, span: Span): string => {
  const date = new Date(Number(timeNs / 1_000_000n))
  const iso = date.toISOString()
  switch (span) {
    case 'hourly':
      return iso.slice(0, 13)
    case 'daily':
      return iso.slice(0, 10)
    case 'weekly':
      // Days since a Monday.
      return String(Math.floor((Math.floor(date.getTime() / 86_400_000) + 3) / 7))
    case 'monthly':
      return iso.slice(0, 7)
    case 'yearly':
      return iso.slice(0, 4)
  }
}

const before = (timeNs: bigint, { years, months, days, hours }: Duration): bigint => {
  const date = new Date(Number(timeNs / 1_000_000n))
  date.setUTCFullYear(date.getUTCFullYear() - years, date.getUTCMonth() - months, date.getUTCDate() - days)
  return BigInt(date.getTime() - hours * 3_600_000) * 1_000_000n
}

/** '1y6m7d12h': years, months, days and hours, any of them. `invalid` for anything else. */
export const parseDuration = (text: string): Duration => {
  const match = /^(?=\d)(?:(\d{1,4})y)?(?:(\d{1,5})m)?(?:(\d{1,6})d)?(?:(\d{1,7})h)?$/.exec(text)
  const message = `'${text}' is no duration: give one like 30d, 1y or 1y6m7d12h (years, months, days, hours)`
  demand(match !== null, 'retention.parse', 'invalid', message)
  const [, years = '0', months = '0', days = '0', hours = '0'] = match
  return { years: Number(years), months: Number(months), days: Number(days), hours: Number(hours) }
}

const words = ({ years, months, days, hours }: Duration): string =>
  [`${years}y`, `${months}m`, `${days}d`, `${hours}h`].filter((part) => !part.startsWith('0')).join('') || '0h'

/** The rules in restic's words, for people and for the log. */
export const describeRules = ({ last, every, within, everyWithin, tags }: KeepRules): string =>
  [
    ...(last === undefined ? [] : [`keep-last ${last}`]),
    ...(within === undefined ? [] : [`keep-within ${words(within)}`]),
    ...spans.flatMap((span) => {
      const duration = everyWithin?.[span]
      return duration === undefined ? [] : [`keep-within-${span} ${words(duration)}`]
    }),
    ...spans.flatMap((span) => {
      const count = every?.[span]
      return count === undefined ? [] : [`keep-${span} ${count === Infinity ? 'unlimited' : count}`]
    }),
    ...(tags ?? []).map((tag) => `keep-tag ${tag}`),
  ].join(', ')
