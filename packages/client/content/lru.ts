/**
 * Keeps what was used last, up to so many bytes.
 */

export type Lru = {
  get(key: string): Uint8Array | null
  /** What alone is larger than the whole is not kept. */
  put(key: string, bytes: Uint8Array): void
}

export const createLru = (bytesMax: number): Lru => {
  // A Map keeps the order of insertion: the first is the one unused for longest.
  const kept = new Map<string, Uint8Array>()
  let bytesKept = 0

  const remove = (key: string): Uint8Array | null => {
    const bytes = kept.get(key)
    if (bytes === undefined) return null
    kept.delete(key)
    bytesKept -= bytes.length
    return bytes
  }

  return {
    get(key) {
      const bytes = kept.get(key)
      if (bytes === undefined) return null
      kept.delete(key)
      kept.set(key, bytes)
      return bytes
    },
    put(key, bytes) {
      remove(key)
      if (bytes.length > bytesMax) return
      kept.set(key, bytes)
      bytesKept += bytes.length
      for (const oldest of kept.keys()) {
        if (bytesKept <= bytesMax) break
        remove(oldest)
      }
    },
  }
}
