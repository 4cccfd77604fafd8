/**
 * Finds the ways along one path a few snapshots ahead. Each snapshot has a root tree of its own, in a pack of its own, and
 * several packs come as fast as one.
 */
import { fetchesMax } from '@anysync/protocol/limits.ts'
import { findWay, type VaultTrees, type Way } from './find.ts'
import type { SnapshotInfo } from './vault-types.ts'

export type WaysAhead = {
  /** The way in this snapshot. `next`: what will probably be asked for after it, in that order. */
  take(snapshot: SnapshotInfo, next: Iterable<SnapshotInfo>): Promise<Way>
}

export const createWaysAhead = (vault: VaultTrees, path: string): WaysAhead => {
  const begun = new Map<SnapshotInfo, Promise<Way>>()
  const begin = (snapshot: SnapshotInfo): Promise<Way> => {
    const known = begun.get(snapshot)
    if (known) return known
    const way = findWay(vault, snapshot.root, path)
    // Whoever takes it is told; what nobody takes is of no matter.
    way.catch(() => {})
    begun.set(snapshot, way)
    return way
  }
  return {
    take(snapshot, next) {
      const way = begin(snapshot)
      begun.delete(snapshot)
      for (const other of next) {
        if (begun.size >= fetchesMax) break
        void begin(other)
      }
      return way
    },
  }
}
