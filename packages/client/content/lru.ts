/**
 * Keeps what was used last, up to so many bytes.
 */

export type Lru<Thing extends object> = {
  get(key: string): Thing | null
  /** What alone is larger than the whole is not kept. */
  put(key: string, thing: Thing, bytes: number): void
}

export const createLru = <Thing extends object>(bytesMax: number): Lru<Thing> => {
  // A Map keeps the order of insertion: the first is the one unused for longest.
  const kept = new Map<string, { thing: Thing; bytes: number }>()
  let bytesKept = 0

  const remove = (key: string): void => {
    bytesKept -= kept.get(key)?.bytes ?? 0
    kept.delete(key)
  }

  return {
    get(key) {
      const found = kept.get(key)
      if (found === undefined) return null
      kept.delete(key)
      kept.set(key, found)
      return found.thing
    },
    put(key, thing, bytes) {
      remove(key)
      if (bytes > bytesMax) return
      kept.set(key, { thing, bytes })
      bytesKept += bytes
      for (const oldest of kept.keys()) {
        if (bytesKept <= bytesMax) break
        remove(oldest)
      }
    },
  }
}
