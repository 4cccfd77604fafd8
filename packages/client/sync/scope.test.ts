import assert from 'node:assert/strict'
import { test } from 'node:test'
import { followMoves, followTrees, joinScopes, type Move, type Scope } from './scope.ts'

const scopeOf = (...paths: string[]): Scope => new Set(paths)

test('two scopes together are everything when one of them is, or when they name too much', () => {
  assert.deepEqual(joinScopes(scopeOf('a'), scopeOf('b', 'a'), 2), scopeOf('a', 'b'))
  assert.equal(joinScopes(scopeOf('a'), 'all', 9), 'all')
  assert.equal(joinScopes('all', scopeOf(), 9), 'all')
  assert.equal(joinScopes(scopeOf('a'), scopeOf('b', 'c'), 2), 'all')
})

test('a scope follows folders that were moved, one after the other, and names the old places as well', () => {
  const told: [string[], Move[], string[]][] = [
    [['a'], [], ['a']],
    [['a'], [{ from: 'a', to: 'b' }], ['a', 'b']],
    [['a/x/y', 'ab'], [{ from: 'a', to: 'b/c' }], ['a/x/y', 'ab', 'b/c/x/y']],
    [['a'], [{ from: 'a/x', to: 'b' }], ['a']],
    [
      ['a/x'],
      [
        { from: 'a', to: 'aside' },
        { from: 'aside', to: 'b/a' },
      ],
      ['a/x', 'aside/x', 'b/a/x'],
    ],
  ]
  for (const [before, moves, after] of told)
    assert.deepEqual(followMoves(scopeOf(...before), moves, 9), scopeOf(...after))
  assert.equal(followMoves('all', [{ from: 'a', to: 'b' }], 9), 'all')
  assert.equal(followMoves(scopeOf('a'), [{ from: 'a', to: 'b' }], 1), 'all')
})

test('a folder with all below it follows also what was moved out of it', () => {
  const told: [string[], Move[], string[]][] = [
    [['a'], [{ from: 'b', to: 'c' }], ['a']],
    [['a'], [{ from: 'ab/x', to: 'c' }], ['a']],
    [['a'], [{ from: 'a', to: 'b' }], ['a', 'b']],
    [['a/x'], [{ from: 'a', to: 'b' }], ['a/x', 'b/x']],
    [['a'], [{ from: 'a/x', to: 'b' }], ['a', 'b']],
    [[''], [{ from: 'a/x', to: 'b' }], ['', 'b']],
    [
      ['a'],
      [
        { from: 'a/x/y', to: 'aside' },
        { from: 'aside', to: 'b/y' },
      ],
      ['a', 'aside', 'b/y'],
    ],
  ]
  for (const [before, moves, after] of told) assert.deepEqual(followTrees(new Set(before), moves), new Set(after))
})
