/**
 * Chunks of trees on their way into the local cache: gathered, because a transaction for each would cost more than the
 * tree itself. What a crash loses of them is fetched again.
 */
import type { ChunkId, VaultId } from '@anysync/protocol/ids.ts'
import { treeCacheBytesMax, treeCacheChunksMax } from '@anysync/protocol/limits.ts'
import type { State } from '../ports.ts'

export type TreeCache = {
  get(chunkId: ChunkId): Uint8Array | null
  put(chunkId: ChunkId, plaintext: Uint8Array): void
  /** Writes what was gathered. Not within a transaction. */
  flush(): void
}

export const createTreeCache = (state: State, vaultId: VaultId): TreeCache => {
  const gathered = new Map<ChunkId, Uint8Array>()
  let bytes = 0
  const flush = (): void => {
    if (gathered.size === 0) return
    state.transact(() => {
      for (const [chunkId, plaintext] of gathered) state.cacheChunk(vaultId, chunkId, plaintext)
    })
    gathered.clear()
    bytes = 0
  }
  return {
    get: (chunkId) => gathered.get(chunkId) ?? state.cachedChunk(vaultId, chunkId),
    put(chunkId, plaintext) {
      if (gathered.has(chunkId)) return
      // A copy: the memory may be part of much more, or be used again.
      gathered.set(chunkId, plaintext.slice())
      bytes += plaintext.length
      if (gathered.size >= treeCacheChunksMax || bytes >= treeCacheBytesMax) flush()
    },
    flush,
  }
}
