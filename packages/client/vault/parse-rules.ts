/**
 * Rules of what is kept, from the words in which `describeRules` tells them: as a setting holds them.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { parseDuration, spans, usualRules, type KeepRules, type Span } from './retention.ts'

/** 'usual', or rules with commas between: 'keep-within 30d, keep-daily 7'. `invalid` for anything else, and for no rule. */
export const parseRules = (text: string): KeepRules => {
  if (text.trim() === 'usual') return usualRules
  const rules: KeepRules = {}
  for (const part of text.split(',').map((part) => part.trim())) addRule(rules, part)
  return rules
}

const addRule = (rules: KeepRules, part: string): void => {
  const [, name = '', value = ''] = /^keep-([a-z-]+) (.+)$/.exec(part) ?? []
  const span = spans.find((span) => name === span || name === `within-${span}`)
  if (name === 'last') rules.last = parseCount(part, value)
  else if (name === 'within') rules.within = parseDuration(value)
  else if (name === 'tag') rules.tags = [...(rules.tags ?? []), value]
  else if (span === undefined) refuse(part)
  else if (name === span) rules.every = withSpan(rules.every, span, parseCount(part, value))
  else rules.everyWithin = withSpan(rules.everyWithin, span, parseDuration(value))
}

const withSpan = <Value>(bySpan: Partial<Record<Span, Value>> | undefined, span: Span, value: Value) => ({
  ...bySpan,
  [span]: value,
})

const parseCount = (part: string, text: string): number => {
  if (text === 'unlimited') return Infinity
  return /^\d{1,9}$/.test(text) ? Number(text) : refuse(part)
}

const refuse = (part: string): never => {
  throw new SyncError(
    'retention.parse',
    'invalid',
    `'${part}' is no rule: write one like keep-within 30d or keep-daily 7`,
  )
}
