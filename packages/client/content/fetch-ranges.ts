/**
 * Fetches sealed segments, neighbours together: reading a folder of small files must not cost a request for each.
 * Knows places only; what it gives is still to be checked, but for its length.
 */
import { demand } from '@anysync/protocol/errors.ts'
import type { PackId } from '@anysync/protocol/ids.ts'
import {
  expectedSegmentsMax,
  fetchBytesMax,
  fetchedBytesMax,
  fetchesMax,
  fetchGapBytesMax,
} from '@anysync/protocol/limits.ts'
import type { ChunkPlace } from '../ports.ts'
import { createGate } from './gate.ts'

/** Names a segment on this device: its pack and where it begins. */
export const segmentKeyOf = ({ pack, segmentOffset }: ChunkPlace): string => `${pack}:${segmentOffset}`

export type RangeFetcher = {
  /** What will be asked for soon. Nothing is fetched yet; the oldest hints are forgotten when there are too many. */
  expect(places: ChunkPlace[]): void
  /** The sealed bytes of a segment; `corrupt` when fewer or more came than were asked for. */
  take(place: ChunkPlace): Promise<Uint8Array>
}

/** Segments of one pack that are fetched at once, when the first of them is needed. */
type Range = {
  pack: PackId
  offset: number
  length: number
  /** Keys of the segments that were not taken yet. */
  awaited: Set<string>
  bytes: Promise<Uint8Array> | null
  /** The one that will be wanted after it. */
  next: Range | null
}

export const createRangeFetcher = (
  fetch: (pack: PackId, offset: number, length: number) => Promise<Uint8Array>,
  fetchingMax: () => number = () => fetchesMax,
): RangeFetcher => {
  const rangesByKey = new Map<string, Range>()
  // In the order in which they were fetched.
  const heldRanges = new Set<Range>()
  let heldBytes = 0
  const gate = createGate(fetchingMax)

  const fetchExactly = async (pack: PackId, offset: number, length: number): Promise<Uint8Array> => {
    await gate.enter()
    try {
      const bytes = await fetch(pack, offset, length)
      const message = `pack ${pack} gave ${bytes.length} bytes at ${offset}, wanted ${length}; nothing was changed`
      demand(bytes.length === length, 'content.read', 'corrupt', message)
      return bytes
    } finally {
      gate.leave()
    }
  }

  /** Lets go of a range; what is still wanted of it will be fetched by itself. */
  const forget = (range: Range): void => {
    for (const key of range.awaited) rangesByKey.delete(key)
    range.awaited.clear()
    if (heldRanges.delete(range)) heldBytes -= range.length
  }

  const start = (range: Range): Promise<Uint8Array> => {
    for (const oldest of heldRanges) {
      if (heldBytes + range.length <= fetchedBytesMax) break
      forget(oldest)
    }
    heldRanges.add(range)
    heldBytes += range.length
    return fetchExactly(range.pack, range.offset, range.length)
  }

  /** The line is busy while what came is opened and written; nothing that is still wanted is let go for it. */
  const fetchAhead = (range: Range | null): void => {
    if (range === null || range.bytes !== null || range.awaited.size === 0) return
    if (heldBytes + range.length > fetchedBytesMax) return
    range.bytes = start(range)
    // Told to who takes from it.
    range.bytes.catch(() => undefined)
  }

  return {
    expect(places) {
      const news = new Map(places.map((place) => [segmentKeyOf(place), place]))
      for (const key of news.keys()) if (rangesByKey.has(key)) news.delete(key)
      for (const range of coalesce([...news.values()])) {
        for (const key of range.awaited) rangesByKey.set(key, range)
      }
      for (const [key, range] of rangesByKey) {
        if (rangesByKey.size <= expectedSegmentsMax) break
        rangesByKey.delete(key)
        range.awaited.delete(key)
        if (range.awaited.size === 0) forget(range)
      }
    },
    async take(place) {
      const key = segmentKeyOf(place)
      const range = rangesByKey.get(key)
      if (range === undefined) return fetchExactly(place.pack, place.segmentOffset, place.sealedLength)
      rangesByKey.delete(key)
      range.awaited.delete(key)
      range.bytes ??= start(range)
      fetchAhead(range.next)
      try {
        const bytes = await range.bytes
        const offset = place.segmentOffset - range.offset
        return bytes.subarray(offset, offset + place.sealedLength)
      } catch (error) {
        forget(range)
        throw error
      } finally {
        if (range.awaited.size === 0) forget(range)
      }
    },
  }
}

/** Ranges that cover these segments: gaps of up to 256 KiB are bridged, and none is longer than 8 MiB. */
const coalesce = (places: ChunkPlace[]): Range[] => {
  const ranges: Range[] = []
  let last: Range | undefined
  for (const place of places.toSorted(byPosition)) {
    const end = place.segmentOffset + place.sealedLength
    const isNear =
      last?.pack === place.pack &&
      place.segmentOffset - (last.offset + last.length) <= fetchGapBytesMax &&
      end - last.offset <= fetchBytesMax
    if (!last || !isNear) {
      const { pack, segmentOffset: offset } = place
      const range: Range = { pack, offset, length: 0, awaited: new Set(), bytes: null, next: null }
      if (last) last.next = range
      last = range
      ranges.push(last)
    }
    last.length = end - last.offset
    last.awaited.add(segmentKeyOf(place))
  }
  return ranges
}

const byPosition = (a: ChunkPlace, b: ChunkPlace): number => {
  if (a.pack !== b.pack) return a.pack < b.pack ? -1 : 1
  return a.segmentOffset - b.segmentOffset
}
