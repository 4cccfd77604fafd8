/**
 * `anysync forget`: takes old snapshots out of what is kept, by rules in restic's words.
 */
import { forget } from '@anysync/client/vault/forget.ts'
import {
  describeRules,
  judge,
  parseDuration,
  spans,
  usualRules,
  type KeepRules,
  type Span,
} from '@anysync/client/vault/retention.ts'
import { UsageError } from '../output/fail.ts'
import { openHistory, snapshotDocument, type HistoryOptions } from '../history.ts'
import { createOutput, table } from '../output/print.ts'
import { counted, localTime, shown } from '../output/words.ts'

export type ForgetOptions = HistoryOptions & {
  dryRun?: boolean
  keepLast?: string
  keepWithin?: string
  keepTag?: string[]
} & Partial<Record<`keep${Capitalize<Span>}` | `keepWithin${Capitalize<Span>}`, string>>

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
  const everyWithin: NonNullable<KeepRules['everyWithin']> = {}
  for (const span of spans) {
    const count = options[`keep${capitalized(span)}`]
    if (count !== undefined) every[span] = parseCount(`keep-${span}`, count)
    const within = options[`keepWithin${capitalized(span)}`]
    if (within !== undefined) everyWithin[span] = parseDuration(within)
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

/** As in the names that options have in code. */
const capitalized = (span: Span): Capitalize<Span> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what Capitalize says in types
  `${span.slice(0, 1).toUpperCase()}${span.slice(1)}` as Capitalize<Span>

const parseCount = (option: string, text: string): number => {
  if (text === 'unlimited') return Infinity
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`--${option} is a whole number, or unlimited`)
}
