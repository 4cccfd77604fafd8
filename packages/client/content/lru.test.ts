import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLru } from './lru.ts'

test('what was unused for longest goes first', () => {
  const lru = createLru<{ name: string }>(10)
  lru.put('a', { name: 'a4' }, 4)
  lru.put('b', { name: 'b4' }, 4)
  assert.ok(lru.get('a'))
  lru.put('c', { name: 'c4' }, 4)
  assert.equal(lru.get('b'), null)
  assert.ok(lru.get('a') && lru.get('c'))
})

test('the bytes that are kept never exceed the most', () => {
  const lru = createLru<{ name: string }>(10)
  lru.put('a', { name: 'a11' }, 11)
  assert.equal(lru.get('a'), null)
  lru.put('a', { name: 'a10' }, 10)
  lru.put('a', { name: 'a6' }, 6)
  lru.put('b', { name: 'b4' }, 4)
  assert.ok(lru.get('a') && lru.get('b'))
  lru.put('c', { name: 'c10' }, 10)
  assert.deepEqual([lru.get('a'), lru.get('b'), lru.get('c')?.name], [null, null, 'c10'])
})
