import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { parseRange } from './range.ts'

test('one range of bytes, cut to the pack', () => {
  const table: [header: string, length: number, first: number, last: number][] = [
    ['bytes=0-0', 1, 0, 0],
    ['bytes=0-9', 10, 0, 9],
    ['bytes=0-10', 10, 0, 9],
    ['bytes=9-9', 10, 9, 9],
    ['bytes=9-999999', 10, 9, 9],
    ['bytes=3-', 10, 3, 9],
    ['bytes=-1', 10, 9, 9],
    ['bytes=-10', 10, 0, 9],
    ['bytes=-11', 10, 0, 9],
  ]
  for (const [header, length, first, last] of table)
    assert.deepEqual(parseRange(header, length), { first, last }, header)
  assert.equal(parseRange(undefined, 10), null)
})

test('what is not one range inside the pack is refused, never answered with the whole', () => {
  for (const header of [
    'bytes=10-10',
    'bytes=10-',
    'bytes=5-4',
    'bytes=-0',
    'bytes=-',
    'bytes=',
    'bytes=a-b',
    'bytes=0-1,3-4',
    'bytes=0x1-2',
    'bytes=--1',
    'items=0-1',
    'bytes=0-1 ',
    `bytes=0-${'9'.repeat(30)}`,
    '',
  ]) {
    assert.throws(
      () => parseRange(header, 10),
      (error) => isTrouble(error, 'invalid'),
      header,
    )
  }
})
