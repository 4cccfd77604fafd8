import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAtOrBelow, isBelowAny } from './path.ts'

test('a path lies in its own folder, in those above it and in no other', () => {
  const table: [path: string, folder: string, isSo: boolean][] = [
    ['a/b', 'a/b', true],
    ['a/b/c', 'a/b', true],
    ['a/b', '', true],
    ['', '', true],
    ['a/bc', 'a/b', false],
    ['a', 'a/b', false],
    ['', 'a', false],
  ]
  for (const [path, folder, isSo] of table) assert.equal(isAtOrBelow(path, folder), isSo, `'${path}' in '${folder}'`)
})

test('a path lies below folders above it, and not below itself', () => {
  assert.ok(isBelowAny('a/b/c', new Set(['a'])))
  assert.ok(isBelowAny('a/b/c', new Set(['a/b'])))
  assert.ok(isBelowAny('a', new Set([''])))
  assert.ok(!isBelowAny('a/b', new Set(['a/b', 'a/', 'b'])))
  assert.ok(!isBelowAny('ab/c', new Set(['a'])))
  assert.ok(!isBelowAny('', new Set([''])))
})
