/**
 * Reads contents back: index → pack → open → check id → bytes. Every byte that it gives was checked against the id that
 * the caller trusts; what does not hold is `corrupt`, names its pack and chunk, and gives nothing.
 */
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { chunkIdFromBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import { expectedSegmentsMax, openedBytesMax, readAheadChunks, treeBytesMax } from '@anysync/protocol/limits.ts'
import { ContentKind, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { concatBytes, discard } from '../crypto/bytes.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { ChunkPlace } from '../ports.ts'
import { chunkIdOf } from './chunk-id.ts'
import { checkContent, contentChunkIds } from './content.ts'
import { createRangeFetcher, segmentKeyOf, type Fetch } from './fetch-ranges.ts'
import type { SourceKind } from './identify.ts'
import { createLru } from './lru.ts'
import { corruptAt, openChunk } from './segment.ts'
import type { ContentWork, Slice } from './work.ts'

export type ContentReaderParts = {
  keys: VaultKeys
  work: ContentWork
  /** Where a chunk lies; null when no pack of the vault holds it. */
  locate: (chunk: ChunkId) => ChunkPlace | null
  /** What it throws is passed on; then it writes to the memory no more. */
  fetch: Fetch
  /** How many fetches may be under way at once, by default four; asked anew for each. */
  fetchingMax?: () => number
  /** The cache of tree chunks. It is not trusted: what does not have its id counts as not there. */
  cachedChunk?: (chunk: ChunkId) => Uint8Array | null
  cacheChunk?: (chunk: ChunkId, plaintext: Uint8Array) => void
}

/** Holds 32 MiB of opened segments and 32 MiB of fetched ranges at most. May be asked for many contents at once. */
export type ContentReader = {
  /** All bytes of a content of up to 256 MiB, or else `corrupt`. The caller must not change them. */
  bytes(kind: SourceKind, content: Content): Promise<Uint8Array>
  /**
   * The bytes of a file in order, each portion checked before it is given. The caller must not change it, and has it only
   * until he asks for the next.
   */
  stream(content: Content): AsyncIterable<Uint8Array>
  /** A list of chunk ids, checked. */
  list(id: ChunkId): Promise<Uint8Array>
  /** A hint of what will be read soon, so that neighbours are fetched together. */
  expect(contents: Content[]): void
  /** Where things lie may have changed: what was found out for a hint holds no more. */
  forgetPlaces(): void
}

/** The plaintext of a segment, and the names of those of its chunks that were expected. */
type OpenedSegment = {
  plaintext: Uint8Array
  idsByOffset: ReadonlyMap<number, ChunkId | null>
  /** How many asked for it and have not let go of it; where it is kept for more, that is not counted. */
  users: number
}

/** A chunk, and the segment that it is all of. */
type ReadChunk = { chunk: Uint8Array; alone: OpenedSegment | null }

export const createContentReader = (parts: ContentReaderParts): ContentReader => {
  const { keys, work, locate } = parts
  const fetcher = createRangeFetcher(parts.fetch, work.allocate, parts.fetchingMax)
  const opened = createLru<OpenedSegment>(openedBytesMax)
  const opening = new Map<string, { askers: number; segment: Promise<OpenedSegment> }>()

  /** The chunks that will be asked for of segments that are not open yet: their names are checked as they are opened. */
  const expected = new Map<string, Slice[]>()
  /** Where they lie, so that nobody looks for it twice. */
  const expectedPlaces = new Map<ChunkId, ChunkPlace>()
  const locateAhead = (id: ChunkId): ChunkPlace | null => {
    const place = locate(id)
    if (place !== null && expectedPlaces.size < expectedSegmentsMax) expectedPlaces.set(id, place)
    return place
  }

  const expectChunks = (ids: ChunkId[]): void => {
    const segments = new Map<string, ChunkPlace>()
    for (const id of ids) {
      const place = locateAhead(id)
      const key = place === null ? '' : segmentKeyOf(place)
      if (place === null || opened.get(key) !== null || opening.has(key)) continue
      segments.set(key, place)
      const slices = expected.get(key)
      if (slices) slices.push(place)
      else expected.set(key, [place])
    }
    for (const oldest of expected.keys()) {
      if (expected.size <= expectedSegmentsMax) break
      expected.delete(oldest)
    }
    fetcher.expect([...segments.values()])
  }

  /** Of one content. One alone is read at once, and trees have a cache of their own. */
  const expectMany = (kind: SourceKind, ids: ChunkId[]): void => {
    if (kind !== ContentKind.TREE && ids.length > 1) expectChunks(ids)
  }

  /** A segment that is not open yet; whoever asks while it is being opened gets the same. */
  const readSegment = async (place: ChunkPlace, wanted: ChunkId): Promise<OpenedSegment> => {
    const key = segmentKeyOf(place)
    let underWay = opening.get(key)
    if (underWay === undefined) {
      underWay = { askers: 0, segment: openFetched(place, wanted, key).finally(() => opening.delete(key)) }
      opening.set(key, underWay)
    }
    underWay.askers += 1
    const segment = await underWay.segment
    segment.users = Math.max(segment.users, underWay.askers)
    return segment
  }

  const openFetched = async (place: ChunkPlace, wanted: ChunkId, key: string): Promise<OpenedSegment> => {
    const sealed = await fetcher.take(place)
    const slices = expected.get(key) ?? [place]
    expected.delete(key)
    const { plaintext, ids } = await work.open(place, sealed.bytes, wanted, slices).finally(sealed.release)
    const idsByOffset = new Map(slices.map(({ offset }, i) => [offset, ids[i] ?? null]))
    const segment = { plaintext, idsByOffset, users: 0 }
    // What is a segment of its own is not asked for again soon; a shared one is, by its neighbours.
    if (place.length < place.plainLength) opened.put(key, segment, plaintext.length)
    return segment
  }

  const readChunk = async (kind: ContentKind, id: ChunkId, isCached: boolean): Promise<ReadChunk> => {
    const cached = isCached ? parts.cachedChunk?.(id) : null
    if (cached && chunkIdOf(keys, kind, cached) === id) return { chunk: cached, alone: null }
    const place = expectedPlaces.get(id) ?? locate(id)
    expectedPlaces.delete(id)
    if (place === null) throw new SyncError('content.read', 'corrupt', `no pack of the vault holds chunk ${id}`)
    if (place.kind !== kind) throw corruptAt(place, id, `it is of kind ${place.kind}, wanted ${kind}`)
    const segment = opened.get(segmentKeyOf(place)) ?? (await readSegment(place, id))
    const { plaintext, idsByOffset } = segment
    const chunk = plaintext.subarray(place.offset, place.offset + place.length)
    const isChecked = chunk.length === place.length && idsByOffset.get(place.offset) === id
    // Nobody expected it, or something else was expected in its place: the bytes decide.
    if (!isChecked) openChunk(keys, place, plaintext, id)
    if (isCached) parts.cacheChunk?.(id, chunk)
    return { chunk, alone: place.length === place.plainLength ? segment : null }
  }

  /** The ids of a content's chunks in order, and the hint that they will be read. */
  async function* chunkIds(kind: SourceKind, content: Content): AsyncGenerator<ChunkId, void, void> {
    const isCached = kind === ContentKind.TREE
    for await (const ids of contentChunkIds(
      content,
      async (id) => (await readChunk(ContentKind.LIST, id, isCached)).chunk,
    )) {
      expectMany(kind, ids)
      yield* ids
    }
  }

  async function* chunksOf(kind: SourceKind, content: Content): AsyncGenerator<ReadChunk, void, void> {
    checkContent(content)
    const isCached = kind === ContentKind.TREE
    const size = countSize(content)
    const portions = readAhead(chunkIds(kind, content), readAheadChunks, (id) => readChunk(kind, id, isCached))
    for await (const { item: id, result } of portions) {
      size.take(id, result.chunk)
      yield result
    }
    size.end()
  }

  /** The only chunk of a content: nearly all contents have one, and need no streams. */
  const onlyChunk = async (kind: SourceKind, content: Content, bytes: Uint8Array): Promise<Uint8Array> => {
    checkContent(content)
    const id = chunkIdFromBytes(bytes)
    const { chunk } = await readChunk(kind, id, kind === ContentKind.TREE)
    const size = countSize(content)
    size.take(id, chunk)
    size.end()
    return chunk
  }

  async function* stream(content: Content): AsyncGenerator<Uint8Array, void, void> {
    for await (const { chunk, alone } of chunksOf(ContentKind.DATA, content)) {
      yield chunk
      // A large file would leave all of itself to the garbage collector.
      if (alone !== null && --alone.users === 0) discard(alone.plaintext)
    }
  }

  return {
    async bytes(kind, content) {
      const isFitting = content.size <= treeBytesMax
      demand(
        isFitting,
        'content.read',
        'corrupt',
        `${content.size} bytes are more than ${treeBytesMax}, the most of a tree`,
      )
      const [first, ...others] = content.chunks
      if (content.depth === 0 && first !== undefined && others.length === 0) return onlyChunk(kind, content, first)
      return concatBytes(...(await Array.fromAsync(chunksOf(kind, content), ({ chunk }) => chunk)))
    },
    stream,
    forgetPlaces: () => expectedPlaces.clear(),
    list: async (id) => (await readChunk(ContentKind.LIST, id, false)).chunk,
    expect: (contents) => expectChunks(contents.flatMap(({ chunks }) => chunks.map(chunkIdFromBytes))),
  }
}

/** Throws `corrupt` when chunks are more than the bytes of their content, or in the end fewer. */
const countSize = ({ size }: Content): { take: (id: string, chunk: Uint8Array) => void; end: () => void } => {
  let left = Number(size)
  return {
    take: (id, chunk) => {
      left -= chunk.length
      demand(left >= 0, 'content.read', 'corrupt', `chunk ${id} goes beyond the ${size} bytes of its content`)
    },
    end: () =>
      demand(left === 0, 'content.read', 'corrupt', `the chunks of a content lack ${left} of its ${size} bytes`),
  }
}

/** Reads items in order, and a few ahead of the one that is given, so that the line is busy while the caller writes. */
async function* readAhead<Item, Result>(
  items: AsyncIterable<Item>,
  ahead: number,
  read: (item: Item) => Promise<Result>,
): AsyncGenerator<{ item: Item; result: Result }, void, void> {
  const started: { item: Item; reading: Promise<Result> }[] = []
  for await (const item of items) {
    const reading = read(item)
    // Thrown to the caller when its turn comes; until then, or when the caller stops before, it is nobody's trouble.
    reading.catch(() => undefined)
    started.push({ item, reading })
    const first = started.length > ahead ? started.shift() : undefined
    if (first) yield { item: first.item, result: await first.reading }
  }
  for (const { item, reading } of started) yield { item, result: await reading }
}
