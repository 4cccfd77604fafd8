/**
 * Where the chunks of a pack lie, from its directory: what an index keeps for each chunk. Sums only; whoever gives a
 * directory has checked it.
 */
import type { IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { chunkIdFromBytes, packIdFromBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import type { ChunkPlace } from '../ports.ts'

/** Segments lie end to end after the pack's header. */
const packHeaderBytes = 12

/** Every chunk of a pack with its place, in the pack's order. */
export function* placesInPack({ pack, directory }: IndexedPack): Generator<{ chunkId: ChunkId; place: ChunkPlace }> {
  const id = packIdFromBytes(pack)
  let segmentOffset = packHeaderBytes
  for (const { kind, compression, sealedLength, plainLength, chunks } of directory?.segments ?? []) {
    let offset = 0
    for (const chunk of chunks) {
      const place = {
        pack: id,
        segmentOffset,
        sealedLength,
        plainLength,
        kind,
        compression,
        offset,
        length: chunk.length,
      }
      yield { chunkId: chunkIdFromBytes(chunk.id), place }
      offset += chunk.length
    }
    segmentOffset += sealedLength
  }
}
