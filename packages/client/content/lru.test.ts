import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLru } from './lru.ts'

const bytes = (length: number): Uint8Array => new Uint8Array(length)

test('what was unused for longest goes first', () => {
  const lru = createLru(10)
  lru.put('a', bytes(4))
  lru.put('b', bytes(4))
  assert.ok(lru.get('a'))
  lru.put('c', bytes(4))
  assert.equal(lru.get('b'), null)
  assert.ok(lru.get('a') && lru.get('c'))
})

test('the bytes that are kept never exceed the most', () => {
  const lru = createLru(10)
  lru.put('a', bytes(11))
  assert.equal(lru.get('a'), null)
  lru.put('a', bytes(10))
  lru.put('a', bytes(6))
  lru.put('b', bytes(4))
  assert.ok(lru.get('a') && lru.get('b'))
  lru.put('c', bytes(10))
  assert.deepEqual([lru.get('a'), lru.get('b'), lru.get('c')?.length], [null, null, 10])
})
