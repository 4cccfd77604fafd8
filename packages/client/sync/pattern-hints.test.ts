/** The quick no is never wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { defaultExcludes } from './default-excludes.ts'
import { couldMatch } from './pattern-hints.ts'
import { compilePatterns } from './patterns.ts'

test('letters that a pattern needs are looked for, and what stands for others is not', () => {
  const cases: [string, string, boolean][] = [
    ['*.iso', 'a/b.iso', true],
    ['*.iso', 'a/b.is', false],
    ['[Tt]humbs.db', 'Thumbs.db', true],
    ['[Tt]humbs.db', 'thumb', false],
    ['\\#x#', '#x#', true],
    ['a?', 'ab', true],
    ['*', 'anything', true],
    ['foo/', 'foo', true],
    ['/foo/**/bar', 'foo/x/bar', true],
    ['!kept', 'kept', false],
  ]
  for (const [pattern, path, isPossible] of cases) assert.equal(couldMatch([pattern])(path), isPossible, pattern)
  assert.equal(couldMatch([])('x'), false)
  assert.equal(couldMatch(defaultExcludes)('photos/2026/holiday 12.jpg'), false)
})

test('whatever a pattern matches, it could match', () => {
  const character = fc.constantFrom('a', 'b', '.', '*', '?', '[', ']', '\\', '/', '!', '#', ' ', '-', '~', '$')
  const text = fc.string({ unit: character, minLength: 1, maxLength: 8 })
  const path = fc.string({
    unit: fc.constantFrom('a', 'b', '.', '/', '#', '-', '~', '$', '!'),
    minLength: 1,
    maxLength: 8,
  })
  fc.assert(
    fc.property(fc.array(text, { maxLength: 3 }), path, fc.boolean(), (patterns, given, isFolder) => {
      const names = given.split('/').filter((name) => name !== '' && name !== '.' && name !== '..')
      if (names.length === 0) return
      const at = names.join('/')
      const isIgnored = compilePatterns([{ name: 'list', patterns }]).ignoredBy(at, isFolder) !== null
      assert.ok(!isIgnored || couldMatch(patterns)(at), JSON.stringify([patterns, at]))
    }),
    { numRuns: 5000 },
  )
})
