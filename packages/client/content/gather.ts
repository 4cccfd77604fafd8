/**
 * Gathers the chunks of one lane into segments: neighbours share one until it is full, a large chunk or an index is one
 * of its own. Pure; knows nothing of keys.
 */
import { ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { segmentAloneBytes, segmentBytesTarget, segmentChunksTarget } from '@anysync/protocol/limits.ts'
import type { Chunk } from './identify.ts'

/** Chunks of one kind, at least one, that become a segment together. */
export type Gathered = { kind: ContentKind; chunks: Chunk[] }

export type Gatherer = {
  /** Takes a chunk; the segment that is full now, or null. */
  add(chunk: Chunk): Gathered | null
  /** The segments that are not full, lists after what they list. */
  finish(): Gathered[]
}

export const createGatherer = (): Gatherer => {
  const openByKind = new Map<ContentKind, { chunks: Chunk[]; bytes: number }>()
  return {
    add(chunk) {
      const { kind, plaintext } = chunk
      if (plaintext.length >= segmentAloneBytes || kind === ContentKind.INDEX) return { kind, chunks: [chunk] }
      const open = openByKind.get(kind) ?? { chunks: [], bytes: 0 }
      openByKind.set(kind, open)
      open.chunks.push(chunk)
      open.bytes += plaintext.length
      const isFull = open.bytes >= segmentBytesTarget || open.chunks.length >= segmentChunksTarget
      if (!isFull) return null
      openByKind.delete(kind)
      return { kind, chunks: open.chunks }
    },
    finish() {
      const rest = [...openByKind].map(([kind, { chunks }]) => ({ kind, chunks }))
      openByKind.clear()
      return rest.toSorted((a, b) => a.kind - b.kind)
    },
  }
}
