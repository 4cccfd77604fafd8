/**
 * Segments that become a pack together, as many as a pack shall hold.
 */
import { directoryBytesTarget, hashBytes, packBytesTarget, packSegmentsMax } from '@anysync/protocol/limits.ts'
import type { SealedSegment } from './segment.ts'

export type OpenPack = {
  /** Whether the segment may be added and the pack be as large as packs shall be. An empty one takes any segment. */
  fits(segment: SealedSegment): boolean
  add(segment: SealedSegment): void
  take(): SealedSegment[]
}

export const createOpenPack = (): OpenPack => {
  let segments: SealedSegment[] = []
  let bytes = 0
  let directoryBytes = 0
  return {
    fits: (segment) =>
      segments.length === 0 ||
      (segments.length < packSegmentsMax &&
        bytes + segment.bytes.length <= packBytesTarget &&
        directoryBytes + entryBytes(segment) <= directoryBytesTarget),
    add(segment) {
      segments.push(segment)
      bytes += segment.bytes.length
      directoryBytes += entryBytes(segment)
    },
    take() {
      const taken = segments
      segments = []
      bytes = 0
      directoryBytes = 0
      return taken
    },
  }
}

/** Trees before data: in one pack when both fit, else in one each. */
export const shareOne = (tree: SealedSegment[], data: SealedSegment[]): SealedSegment[][] => {
  const shared = createOpenPack()
  const canShare = [...tree, ...data].every((segment) => {
    const fits = shared.fits(segment)
    shared.add(segment)
    return fits
  })
  return canShare ? [shared.take()] : [tree, data]
}

/** What a segment takes in a directory, at most: tags and lengths of an entry and of each of its chunks. */
const entryBytes = ({ entry }: SealedSegment): number => 20 + entry.chunks.length * (hashBytes + 10)
