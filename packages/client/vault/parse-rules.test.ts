import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRules } from './parse-rules.ts'
import { describeRules, usualRules, type KeepRules } from './retention.ts'
import { trouble } from './vault.suite.ts'

const day = (days: number) => ({ years: 0, months: 0, days, hours: 0 })

const table: KeepRules[] = [
  usualRules,
  { last: 3 },
  { every: { hourly: 24, daily: 7, yearly: Infinity } },
  { last: 0, within: day(30), everyWithin: { daily: day(90), weekly: day(400) }, tags: ['a', 'tax 2026'] },
]

for (const rules of table) {
  test(`rules are read back from their words: ${describeRules(rules)}`, () => {
    assert.deepEqual(parseRules(describeRules(rules)), rules)
  })
}

test('the usual rules have a word, and what is no rule is refused', () => {
  assert.deepEqual(parseRules('usual'), usualRules)
  for (const text of ['', ',', 'keep', 'keep-daily', 'keep-daily many', 'keep-within 3w', 'keep-day 7', 'daily 7'])
    assert.throws(() => parseRules(text), trouble('invalid'), text)
  assert.throws(() => parseRules('keep-daily 7, '), trouble('invalid'))
})
