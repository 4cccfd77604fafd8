/**
 * Finds the content of bytes: cuts them, names the chunks, and lists the names. The same bytes give the same content
 * in one vault, whoever writes them and whether or not anything is stored.
 */
import { assert, demand } from '@anysync/protocol/errors.ts'
import { idToBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import {
  chunkBytesMax,
  contentChunksMax,
  contentDepthMax,
  dataCut,
  hashBytes,
  listChunkBytesMax,
  treeCut,
} from '@anysync/protocol/limits.ts'
import { ContentKind, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { concatBytes } from '../crypto/bytes.ts'
import { makeContent } from './content.ts'
import type { CutLimits } from './cut.ts'
import { createWindows, cutSource, type Window } from './windows.ts'
import type { ContentWork } from './work.ts'

/** What a content may be of. Lists come along with what they list. */
export type SourceKind = ContentKind.DATA | ContentKind.TREE | ContentKind.INDEX

/** Bytes that are read on and on. */
export type ByteSource = {
  /** How many are expected; more or fewer may come. */
  size: number
  /** Fills the memory with those that come next; returns how many: fewer than it holds are the last. */
  read: (memory: Uint8Array) => Promise<number>
}

export type Source = ByteSource | Uint8Array

export type Chunk = {
  kind: ContentKind
  id: ChunkId
  plaintext: Uint8Array
}

/** Limits of the format; tests use smaller ones. */
export type IdentifyLimits = {
  dataCut: CutLimits
  treeCut: CutLimits
  contentChunksMax: number
  listChunkBytesMax: number
}

const formatLimits: IdentifyLimits = { dataCut, treeCut, contentChunksMax, listChunkBytesMax }

/** Chunks that lie in one piece of memory, which may be used again when nothing holds it any more. */
export type Portion = { chunks: Chunk[]; window: Window | null }

/** A window that was cut, and its chunks when they are named. */
type Named = { naming: Promise<Chunk[]>; window: Window | null }

/**
 * The content of a source. `take` is given every chunk, those of a window at once, and every list chunk after what it
 * lists; it is awaited.
 */
export type Identify = (
  kind: SourceKind,
  source: Source,
  take?: (portion: Portion) => Promise<void> | void,
) => Promise<Content>

export const createIdentify = (work: ContentWork, changes: Partial<IdentifyLimits> = {}): Identify => {
  const limits = { ...formatLimits, ...changes }
  const cutLimits: Record<SourceKind, CutLimits> = {
    [ContentKind.DATA]: limits.dataCut,
    [ContentKind.TREE]: limits.treeCut,
    // A pack index is one chunk, so that its directory entry is all that a reader needs to find it.
    [ContentKind.INDEX]: { min: chunkBytesMax, average: chunkBytesMax, max: chunkBytesMax },
  }
  const windows = createWindows(work.allocate)

  return async (kind, source, take = () => undefined) => {
    if (source instanceof Uint8Array && source.length > 0 && source.length <= cutLimits[kind].min) {
      // One chunk, as nearly every folder's tree is.
      const chunks = await nameChunks(work, kind, [source])
      await take({ chunks, window: null })
      return makeContent(source.length, 0, [idAt(chunks, 0)])
    }
    const ids = createIdList(limits, async (list) => {
      const chunks = await nameChunks(work, ContentKind.LIST, [list])
      await take({ chunks, window: null })
      return idAt(chunks, 0)
    })
    let size = 0
    const cut = async (bytes: Uint8Array, isLast: boolean): Promise<Uint8Array[]> => {
      const ends = await work.cut(cutLimits[kind], bytes, isLast)
      return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
    }
    const takeNamed = async ({ naming, window }: Named): Promise<void> => {
      const chunks = await naming
      await take({ chunks, window })
      for (const { id, plaintext } of chunks) {
        size += plaintext.length
        await ids.add(id)
      }
    }
    // While one window is named, perhaps in another thread, the next is cut.
    let last: Named | null = null
    try {
      for await (const { plaintexts, window } of cutSource(source, windows, cutLimits[kind].max, cut)) {
        window?.hold()
        const before: Named | null = last
        last = { naming: nameChunks(work, kind, plaintexts), window }
        // Thrown when its turn comes.
        last.naming.catch(() => undefined)
        if (before !== null) await takeNamed(before).finally(before.window?.release)
      }
      if (last !== null) await takeNamed(last)
    } finally {
      // Whoever still names it looks at its memory.
      await last?.naming.catch(() => undefined)
      last?.window?.release()
    }
    return ids.finish(size)
  }
}

/** Chunks of one kind, in the order of their plaintexts. */
export const nameChunks = async (
  work: Pick<ContentWork, 'name'>,
  kind: ContentKind,
  plaintexts: Uint8Array[],
): Promise<Chunk[]> => {
  const ids = await work.name(kind, plaintexts)
  return plaintexts.map((plaintext, i) => {
    const id = ids[i]
    assert(id !== undefined, 'a name comes for each plaintext')
    return { kind, id, plaintext }
  })
}

/** The id of one of them, which is there. */
export const idAt = (chunks: readonly Chunk[], index: number): ChunkId => {
  const chunk = chunks[index]
  assert(chunk !== undefined, 'a chunk comes for each plaintext')
  return chunk.id
}

/** Gathers ids in order, and writes list chunks as they fill, so that it never holds more than one list a level. */
type IdList = {
  add(id: ChunkId): Promise<void>
  /** The content of so many bytes. */
  finish(size: number): Promise<Content>
}

const createIdList = (limits: IdentifyLimits, writeList: (list: Uint8Array) => Promise<ChunkId>): IdList => {
  const idsMax = limits.listChunkBytesMax / hashBytes
  const levels: ChunkId[][] = [[]]

  const addTo = async (depth: number, id: ChunkId): Promise<void> => {
    const ids = (levels[depth] ??= [])
    ids.push(id)
    if (ids.length === idsMax) await closeList(depth)
  }

  const closeList = async (depth: number): Promise<void> => {
    const ids = levels[depth] ?? []
    levels[depth] = []
    if (ids.length > 0) await addTo(depth + 1, await writeList(concatBytes(...ids.map(idToBytes))))
  }

  return {
    add: (id) => addTo(0, id),
    async finish(size) {
      for (let depth = 0; ; depth++) {
        demand(
          depth <= contentDepthMax,
          'content.write',
          'invalid',
          `${size} bytes are more than a vault can hold as one`,
        )
        const ids = levels[depth] ?? []
        const isTop = levels.length === depth + 1
        if (isTop && ids.length <= limits.contentChunksMax) return makeContent(size, depth, ids)
        await closeList(depth)
      }
    },
  }
}
