/** Names of conflict copies, as a table. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conflictName, isConflictName } from './conflict-name.ts'

const timeNs = BigInt(Date.UTC(2026, 10, 23, 14, 5, 9)) * 1_000_000n
const never = () => false

const rows: [name: string, device: string, expected: string][] = [
  ['report.txt', 'laptop', 'report (conflict laptop 2026-11-23 140509).txt'],
  ['archive.tar.gz', 'laptop', 'archive.tar (conflict laptop 2026-11-23 140509).gz'],
  ['.profile', 'laptop', '.profile (conflict laptop 2026-11-23 140509)'],
  ['Makefile', 'a/b:c\u0000', 'Makefile (conflict abc 2026-11-23 140509)'],
  ['x', '///', 'x (conflict device 2026-11-23 140509)'],
]

for (const [name, device, expected] of rows) {
  test(`a conflict copy of ${name} by ${JSON.stringify(device)} is ${expected}`, () => {
    assert.equal(conflictName(name, device, timeNs, never), expected)
    assert.ok(isConflictName(expected))
    assert.ok(!isConflictName(name))
  })
}

test('a taken name gets a number', () => {
  const taken = new Set(['a (conflict d 2026-11-23 140509).txt', 'a (conflict d 2026-11-23 140509 2).txt'])
  assert.equal(
    conflictName('a.txt', 'd', timeNs, (name) => taken.has(name)),
    'a (conflict d 2026-11-23 140509 3).txt',
  )
})

test('a name of 255 bytes loses whole characters of its stem, never its extension', () => {
  const name = `${'é'.repeat(125)}x.jpeg`
  assert.equal(Buffer.byteLength(name), 256)
  const copy = conflictName(name, 'laptop', timeNs, never)
  assert.ok(Buffer.byteLength(copy) <= 255)
  assert.ok(copy.endsWith(').jpeg'))
  assert.ok(!copy.includes('\ufffd'))
  const endless = conflictName(`a.${'b'.repeat(253)}`, 'laptop'.repeat(20), timeNs, never)
  assert.ok(Buffer.byteLength(endless) <= 255)
})
