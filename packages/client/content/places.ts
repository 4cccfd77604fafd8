/**
 * Where the chunks of a pack lie, from its directory: what an index keeps for each chunk. Segments lie end to end after
 * the pack's header, and chunks end to end in their segment, so every offset is a sum.
 */
import { demand } from '@anysync/protocol/errors.ts'
import { chunkIdFromBytes, packIdFromBytes, type ChunkId, type PackId } from '@anysync/protocol/ids.ts'
import { hashBytes, packBytesMax } from '@anysync/protocol/limits.ts'
import type { IndexedPack, PackDirectory } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { ChunkPlace } from '../ports.ts'
import { checkDirectory } from './directory.ts'

export const packHeaderBytes = 12
export const packFooterBytes = 8

/**
 * Every chunk of a pack with its place, in the pack's order. The directory is checked as a whole before the first is
 * given: `corrupt` for one that no writer makes, `invalid` for one of a newer program.
 */
export const placesOf = (pack: IndexedPack): Iterable<{ id: ChunkId; place: ChunkPlace }> => {
  const isNamed = pack.pack.length === hashBytes
  demand(isNamed, 'pack.read', 'corrupt', `the name of a pack is ${pack.pack.length} bytes, not ${hashBytes}`)
  const packId = packIdFromBytes(pack.pack)
  const name = `pack ${packId}`
  const { directory } = pack
  demand(directory !== undefined, 'pack.read', 'corrupt', `${name} comes without its directory`)
  checkDirectory(directory, name)
  const end = segmentsEnd(directory)
  const isFitting = end + packFooterBytes <= packBytesMax
  demand(isFitting, 'pack.read', 'corrupt', `${name} has segments up to byte ${end}, more than a pack holds`)
  return walk(packId, directory)
}

/** The names of the chunks in a pack, from a directory that was checked before. */
export function* chunkIdsOf({ directory }: IndexedPack): Generator<ChunkId, void, void> {
  for (const { chunks } of directory?.segments ?? []) for (const { id } of chunks) yield chunkIdFromBytes(id)
}

/** Where the segments of a directory end in the pack. */
export const segmentsEnd = (directory: PackDirectory): number =>
  directory.segments.reduce((sum, { sealedLength }) => sum + sealedLength, packHeaderBytes)

function* walk(pack: PackId, directory: PackDirectory): Generator<{ id: ChunkId; place: ChunkPlace }, void, void> {
  let segmentOffset = packHeaderBytes
  for (const { kind, compression, sealedLength, plainLength, chunks } of directory.segments) {
    let offset = 0
    for (const { id, length } of chunks) {
      const place = { pack, segmentOffset, sealedLength, plainLength, kind, compression, offset, length }
      yield { id: chunkIdFromBytes(id), place }
      offset += length
    }
    segmentOffset += sealedLength
  }
}
