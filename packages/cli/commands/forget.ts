/**
 * `anysync forget`: takes old snapshots out of what is kept, by rules in restic's words.
 */
import { forget } from '@anysync/client/vault/forget.ts'
import {
  describeRules,
  judge,
  parseDuration,
  usualRules,
  type Duration,
  type KeepRules,
} from '@anysync/client/vault/retention.ts'
import { UsageError } from '../output/fail.ts'
import { openHistory, snapshotDocument, type HistoryOptions } from '../history.ts'
import { createOutput, table } from '../output/print.ts'
import { counted, localTime, shown } from '../output/words.ts'

const spans = ['Hourly', 'Daily', 'Weekly', 'Monthly', 'Yearly'] as const
type Span = (typeof spans)[number]

export type ForgetOptions = HistoryOptions & {
  dryRun?: boolean
  keepLast?: string
  keepWithin?: string
  keepTag?: string[]
} & Partial<Record<`keep${Span}` | `keepWithin${Span}`, string>>

export const forgetSnapshots = async (typed: string | undefined, options: ForgetOptions): Promise<void> => {
  const output = createOutput(options)
  const rules = rulesOf(options)
  await using history = await openHistory(typed, options)
  const { vault, snapshots } = history
  const reasons = judge(snapshots, rules)
  const isDryRun = options.dryRun === true
  const forgotten = isDryRun
    ? snapshots.filter(({ sequence }) => reasons.get(sequence)?.length === 0).length
    : await forget(vault, rules)
  const documents = snapshots.map((snapshot) => ({
    ...snapshotDocument(snapshot),
    keptBy: reasons.get(snapshot.sequence) ?? [],
  }))
  output.tell({ vault: vault.name, rules: describeRules(rules), isDryRun, forgotten, snapshots: documents })
  const rows = snapshots.map(({ sequence, timeNs, deviceName, label }) => {
    const why = reasons.get(sequence) ?? []
    const fate = why.length > 0 ? `kept: ${why.join(', ')}` : 'forgotten'
    return [String(sequence), localTime(timeNs), shown(deviceName), shown(label), fate]
  })
  if (isDryRun) for (const line of table(rows)) output.say(line)
  const verb = isDryRun ? 'would be forgotten' : 'forgotten'
  output.say(`${counted(forgotten, 'snapshot')} ${verb}, by ${describeRules(rules)}`)
  if (!isDryRun && forgotten > 0) output.note('`anysync prune` frees what only they needed')
}

/** The usual rules when none is given. */
const rulesOf = (options: ForgetOptions): KeepRules => {
  const every: NonNullable<KeepRules['every']> = {}
  const everyWithin: Record<string, Duration> = {}
  for (const span of spans) {
    const count = options[`keep${span}`]
    if (count !== undefined) every[wordOf(span)] = parseCount(`keep-${wordOf(span)}`, count)
    const within = options[`keepWithin${span}`]
    if (within !== undefined) everyWithin[wordOf(span)] = parseDuration(within)
  }
  const { keepLast, keepWithin, keepTag } = options
  const rules: KeepRules = {
    ...(keepLast === undefined ? {} : { last: parseCount('keep-last', keepLast) }),
    ...(keepWithin === undefined ? {} : { within: parseDuration(keepWithin) }),
    ...(keepTag === undefined ? {} : { tags: keepTag }),
    ...(Object.keys(every).length === 0 ? {} : { every }),
    ...(Object.keys(everyWithin).length === 0 ? {} : { everyWithin }),
  }
  return Object.keys(rules).length === 0 ? usualRules : rules
}

const words = { Hourly: 'hourly', Daily: 'daily', Weekly: 'weekly', Monthly: 'monthly', Yearly: 'yearly' } as const
const wordOf = (span: Span): (typeof words)[Span] => words[span]

const parseCount = (option: string, text: string): number => {
  if (text === 'unlimited') return Infinity
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`--${option} is a whole number, or unlimited`)
}
