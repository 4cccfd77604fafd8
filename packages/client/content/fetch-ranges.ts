/**
 * Fetches sealed segments, neighbours together: reading a folder of small files must not cost a request for each.
 * Knows places only; what it gives is still to be checked, but for its length. The memory of large ranges is used again,
 * because new memory costs more than filling it.
 */
import { demand } from '@anysync/protocol/errors.ts'
import type { PackId } from '@anysync/protocol/ids.ts'
import {
  MiB,
  expectedSegmentsMax,
  fetchBytesMax,
  fetchedBytesMax,
  fetchesMax,
  fetchGapBytesMax,
} from '@anysync/protocol/limits.ts'
import type { ChunkPlace } from '../ports.ts'
import { createGate } from './gate.ts'
import { createWindows, type Window } from './windows.ts'

/** Names a segment on this device: its pack and where it begins. Chunks of one segment mostly come one after the other. */
export const segmentKeyOf = ({ pack, segmentOffset }: ChunkPlace): string => {
  if (pack !== last.pack || segmentOffset !== last.segmentOffset)
    last = { pack, segmentOffset, key: `${pack}:${segmentOffset}` }
  return last.key
}

/** The segment that was named last. */
let last = { pack: '', segmentOffset: -1, key: '' }

export type RangeFetcher = {
  /** What will be asked for soon. Nothing is fetched yet; the oldest hints are forgotten when there are too many. */
  expect(places: ChunkPlace[]): void
  /** The sealed bytes of a segment; `corrupt` when fewer or more came than were asked for. */
  take(place: ChunkPlace): Promise<Taken>
}

/** Bytes that stay as they are until they are released, once. */
export type Taken = { bytes: Uint8Array; release: () => void }

/** So many bytes of a pack, in this memory, which is at least as long, or elsewhere. */
export type Fetch = (pack: PackId, offset: number, length: number, memory?: Uint8Array) => Promise<Uint8Array>

/** Memory that is somebody's until he releases it, once. */
type Lent = Pick<Window, 'memory' | 'release'>

/** `lent`: the memory that is to be released; null for memory of its own. */
type Fetched = { bytes: Uint8Array; lent: Lent | null }

/** Memory of shorter ranges is not used again. */
const reusedBytesMin = MiB

/** Segments of one pack that are fetched at once, when the first of them is needed. */
type Range = {
  pack: PackId
  offset: number
  length: number
  /** Keys of the segments that were not taken yet. */
  awaited: Set<string>
  fetched: Promise<Fetched> | null
  /** How many have taken from it and not released that, or are about to. */
  users: number
  /** The one that will be wanted after it. */
  next: Range | null
}

export const createRangeFetcher = (
  ask: Fetch,
  allocate: (length: number) => Uint8Array,
  fetchingMax: () => number = () => fetchesMax,
): RangeFetcher => {
  const rangesByKey = new Map<string, Range>()
  // In the order in which they were fetched.
  const heldRanges = new Set<Range>()
  let heldBytes = 0
  const gate = createGate(fetchingMax)
  const memories = createWindows(allocate, { isPassing: true })

  const fetchExactly = async (pack: PackId, offset: number, length: number): Promise<Fetched> => {
    await gate.enter()
    const lent = length < reusedBytesMin ? null : memories.take(length)
    try {
      const bytes = await ask(pack, offset, length, lent?.memory)
      const message = `pack ${pack} gave ${bytes.length} bytes at ${offset}, wanted ${length}; nothing was changed`
      demand(bytes.length === length, 'content.read', 'corrupt', message)
      return { bytes, lent }
    } catch (error) {
      lent?.release()
      throw error
    } finally {
      gate.leave()
    }
  }

  /** Lets go of a range; what is still wanted of it will be fetched by itself. */
  const forget = (range: Range): void => {
    for (const key of range.awaited) rangesByKey.delete(key)
    range.awaited.clear()
    if (heldRanges.delete(range)) heldBytes -= range.length
    releaseUnused(range)
  }

  const leave = (range: Range): void => {
    range.users -= 1
    releaseUnused(range)
  }

  const releaseUnused = (range: Range): void => {
    if (range.users > 0 || heldRanges.has(range)) return
    const { fetched } = range
    range.fetched = null
    // Of one that failed there is nothing to release, and who took from it was told.
    fetched?.then(({ lent }) => lent?.release()).catch(() => undefined)
  }

  const start = (range: Range): Promise<Fetched> => {
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
    if (range === null || range.fetched !== null || range.awaited.size === 0) return
    if (heldBytes + range.length > fetchedBytesMax) return
    range.fetched = start(range)
    // Told to who takes from it.
    range.fetched.catch(() => undefined)
  }

  const takeAlone = async ({ pack, segmentOffset, sealedLength }: ChunkPlace): Promise<Taken> => {
    const { bytes, lent } = await fetchExactly(pack, segmentOffset, sealedLength)
    return { bytes, release: () => lent?.release() }
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
      if (range === undefined) return takeAlone(place)
      rangesByKey.delete(key)
      range.awaited.delete(key)
      range.users += 1
      range.fetched ??= start(range)
      fetchAhead(range.next)
      try {
        const { bytes } = await range.fetched
        const offset = place.segmentOffset - range.offset
        return { bytes: bytes.subarray(offset, offset + place.sealedLength), release: () => leave(range) }
      } catch (error) {
        leave(range)
        forget(range)
        throw error
      } finally {
        if (range.awaited.size === 0) forget(range)
      }
    },
  }
}

/**
 * Ranges that cover these segments, in the order in which they will be wanted, which is that of the places. Gaps of up to
 * 256 KiB are bridged, and none is longer than 8 MiB.
 */
const coalesce = (places: ChunkPlace[]): Range[] => {
  const found: { range: Range; first: number }[] = []
  for (const { place, at } of places.map((place, at) => ({ place, at })).sort((a, b) => byPosition(a.place, b.place))) {
    const end = place.segmentOffset + place.sealedLength
    let before = found.at(-1)
    const isNear =
      before?.range.pack === place.pack &&
      place.segmentOffset - (before.range.offset + before.range.length) <= fetchGapBytesMax &&
      end - before.range.offset <= fetchBytesMax
    if (!before || !isNear) {
      const { pack, segmentOffset: offset } = place
      const range: Range = { pack, offset, length: 0, awaited: new Set(), fetched: null, users: 0, next: null }
      before = { range, first: at }
      found.push(before)
    }
    before.first = Math.min(before.first, at)
    before.range.length = end - before.range.offset
    before.range.awaited.add(segmentKeyOf(place))
  }
  const ranges = found.sort((a, b) => a.first - b.first).map(({ range }) => range)
  for (const [i, range] of ranges.entries()) range.next = ranges[i + 1] ?? null
  return ranges
}

const byPosition = (a: ChunkPlace, b: ChunkPlace): number => {
  if (a.pack !== b.pack) return a.pack < b.pack ? -1 : 1
  return a.segmentOffset - b.segmentOffset
}
