/**
 * What becomes of a pack: a pure function of how much of it is still needed.
 */
import { ContentKind, type IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { chunkIdFromBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import { pruneLiveShareMin } from '@anysync/protocol/limits.ts'

/** `rewrite`: what is needed of it is copied into a new pack, and it is retired. */
export type Fate = 'keep' | 'retire' | 'rewrite'

export type LiveChunk = { kind: ContentKind; id: ChunkId; length: number }

export type PackUse = { plainBytes: number; liveBytes: number; live: LiveChunk[]; isIndex: boolean }

/** `isLive` must say no for a chunk that is needed but is read from another pack. */
export const useOf = ({ directory }: IndexedPack, isLive: (id: ChunkId) => boolean): PackUse => {
  const use: PackUse = { plainBytes: 0, liveBytes: 0, live: [], isIndex: false }
  for (const { kind, chunks } of directory?.segments ?? []) {
    if (kind === ContentKind.INDEX) use.isIndex = true
    for (const chunk of chunks) {
      const id = chunkIdFromBytes(chunk.id)
      use.plainBytes += chunk.length
      if (!isLive(id)) continue
      use.liveBytes += chunk.length
      use.live.push({ kind, id, length: chunk.length })
    }
  }
  return use
}

/** Indexes are named by records that devices may still have to read, so they stay, but for those of older checkpoints. */
export const fateOf = ({ plainBytes, liveBytes, live, isIndex }: PackUse, isSuperseded: boolean): Fate => {
  if (isIndex) return isSuperseded ? 'retire' : 'keep'
  if (live.length === 0) return 'retire'
  return liveBytes < plainBytes * pruneLiveShareMin ? 'rewrite' : 'keep'
}
