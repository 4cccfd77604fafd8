import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chunkIdFromBytes, vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { treeCacheChunksMax } from '@anysync/protocol/limits.ts'
import { createMemoryState } from '../memory/state.ts'
import { createTreeCache } from './tree-cache.ts'

const vaultId = vaultIdFromBytes(new Uint8Array(16).fill(1))
const idOf = (index: number) => chunkIdFromBytes(Uint8Array.of(index >> 8, index & 255, ...new Uint8Array(30)))

test('what was put is found at once, and lies in the state after a flush or when there is much', () => {
  const state = createMemoryState()
  const cache = createTreeCache(state, vaultId)
  const bytes = Uint8Array.of(1, 2, 3)
  cache.put(idOf(1), bytes)
  bytes.fill(0)
  assert.deepEqual(cache.get(idOf(1)), Uint8Array.of(1, 2, 3))
  assert.equal(state.cachedChunk(vaultId, idOf(1)), null)
  cache.flush()
  assert.deepEqual(state.cachedChunk(vaultId, idOf(1)), Uint8Array.of(1, 2, 3))
  assert.deepEqual(cache.get(idOf(1)), Uint8Array.of(1, 2, 3))
  for (let i = 0; i < treeCacheChunksMax - 1; i++) cache.put(idOf(2 + i), bytes)
  assert.equal(state.cachedChunk(vaultId, idOf(2)), null)
  cache.put(idOf(0), bytes)
  assert.notEqual(state.cachedChunk(vaultId, idOf(2)), null)
})
