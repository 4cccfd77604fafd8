/**
 * Writes contents: cut → id → known? → segment → seal → pack → store. What the vault has already is not stored again.
 * Nothing is durable before `finish`.
 */
import { assert, demand } from '@anysync/protocol/errors.ts'
import type { ChunkId } from '@anysync/protocol/ids.ts'
import {
  chunkBytesMax,
  dataCut,
  filesTogetherBytesMax,
  segmentAloneBytes,
  storingPacksMax,
} from '@anysync/protocol/limits.ts'
import { ContentKind, type Content, type IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { Chance } from '../ports.ts'
import { emptyContent, makeContent } from './content.ts'
import {
  createIdentify,
  idAt,
  nameChunks,
  type Chunk,
  type IdentifyLimits,
  type Source,
  type SourceKind,
} from './identify.ts'
import { buildPack, type SealedPack } from './pack.ts'
import { createPacker, type LaneName } from './packer.ts'
import { segmentOf } from './segment.ts'
import { createWindows, type Window } from './windows.ts'
import type { ContentWork } from './work.ts'

export type ContentWriterParts = {
  chance: Chance
  keys: VaultKeys
  work: ContentWork
  /** Whether the vault has the chunk. Must be true for a pack's chunks by the time that `finish` has given the pack. */
  isKnown: (chunk: ChunkId) => boolean
  /** Resolves when the pack is durable; its bytes are needed until then. */
  storePack: (pack: SealedPack) => Promise<void>
  /** How many packs may be on their way at once, by default two; asked anew for each. */
  storingMax?: () => number
  /** Is given the chunks of trees, for they will be read again soon. */
  cacheTree?: (chunk: ChunkId, plaintext: Uint8Array) => void
  /** Smaller limits, for tests. */
  limits?: Partial<IdentifyLimits>
}

/**
 * Holds a few packs in memory, whatever the size of what is written. When a pack cannot be sealed or stored, this and
 * every later call throws that error: begin again with a new writer.
 */
export type ContentWriter = {
  /**
   * The content of these bytes, whose chunks are durable after the next `finish`. May be called several times at once;
   * chunks of one portion stay neighbours. A source that fails makes only its own write fail. An index is one
   * chunk in a pack of its own kind, always stored, at most 4 MiB, or else `invalid`.
   */
  write(kind: SourceKind, source: Source): Promise<Content>
  /** Memory for many small files, held by who takes it until he releases it. */
  takeWindow(): Window
  /** The contents of files of up to 256 KiB that lie in a window, in their order; what `write` does, for many at once. */
  writeSmall(plaintexts: Uint8Array[], window: Window): Promise<Content[]>
  /** Makes durable all that was written before; the packs that were stored since the last finish, in order. One at a time. */
  finish(): Promise<IndexedPack[]>
}

export const createContentWriter = (parts: ContentWriterParts): ContentWriter => {
  const { work } = parts
  const identify = createIdentify(work, parts.limits)
  const smallWindows = createWindows(work.allocate)
  /** Where the plaintext of a large chunk lies until it is sealed. */
  const windowsByChunk = new Map<Chunk, Window>()
  const packWindows = createWindows(work.allocate)
  const packer = createPacker({
    sealingMax: work.atOnceMax,
    async seal({ kind, chunks }) {
      try {
        const plaintexts = chunks.map(({ plaintext }) => plaintext)
        return segmentOf(kind, chunks, await work.seal(kind, plaintexts))
      } finally {
        for (const chunk of chunks) letGo(chunk)
      }
    },
    build: (segments) => buildPack(parts, segments, packWindows),
    storePack: parts.storePack,
    storingMax: parts.storingMax ?? (() => storingPacksMax),
  })
  // Chunks that are on their way: as good as known, for one finish makes all of them durable.
  let written = new Set<ChunkId>()
  /** Those that the finish which is under way makes durable. */
  let finishing = new Set<ChunkId>()

  const letGo = (chunk: Chunk): void => {
    windowsByChunk.get(chunk)?.release()
    windowsByChunk.delete(chunk)
  }

  const hold = (chunk: Chunk, window: Window): void => {
    window.hold()
    windowsByChunk.set(chunk, window)
  }

  /** What waits for neighbours to fill a segment may wait for long, so it does not keep a large window. */
  const held = (chunk: Chunk, window: Window): Chunk => {
    if (chunk.plaintext.length < segmentAloneBytes) return { ...chunk, plaintext: chunk.plaintext.slice() }
    hold(chunk, window)
    return chunk
  }

  const isNew = (lane: LaneName, { id }: Chunk): boolean => {
    // A record names the packs that hold its index, so an index goes into a new pack even when an older one has it.
    if (written.has(id) || finishing.has(id) || (lane !== 'index' && parts.isKnown(id))) return false
    written.add(id)
    return true
  }

  return {
    async write(kind, source) {
      const lane = lanesByKind[kind]
      let chunkCount = 0
      packer.check()
      return await identify(kind, source, async ({ chunks, window }) => {
        chunkCount += chunks.length
        demand(lane !== 'index' || chunkCount <= 1, 'content.write', 'invalid', largeIndex)
        packer.check()
        if (lane === 'tree') for (const { id, plaintext } of chunks) parts.cacheTree?.(id, plaintext)
        const fresh = chunks.filter((chunk) => isNew(lane, chunk))
        await packer.place(lane, window === null ? fresh : fresh.map((chunk) => held(chunk, window)))
      })
    },
    takeWindow: () => smallWindows.take(smallWindowBytes),
    async writeSmall(plaintexts, window) {
      packer.check()
      const filled = plaintexts.filter(({ length }) => length > 0)
      const isFitting = filled.every(({ length }) => length <= dataCut.min)
      assert(isFitting, `a small content is one chunk of at most ${dataCut.min} bytes`)
      const chunks = await nameChunks(work, ContentKind.DATA, filled)
      packer.check()
      const fresh = chunks.filter((chunk) => isNew('data', chunk))
      for (const chunk of fresh) hold(chunk, window)
      await packer.place('data', fresh)
      let next = 0
      return plaintexts.map(({ length }) =>
        length === 0 ? emptyContent() : makeContent(length, 0, [idAt(chunks, next++)]),
      )
    },
    async finish() {
      finishing = written
      written = new Set()
      const packs = await packer.finish()
      finishing = new Set()
      return packs
    },
  }
}

/** Whatever the last of them adds to a group that was not full. */
const smallWindowBytes = filesTogetherBytesMax + segmentAloneBytes

const largeIndex = `an index is larger than ${chunkBytesMax} bytes; split it`

const lanesByKind: Record<SourceKind, LaneName> = {
  [ContentKind.TREE]: 'tree',
  [ContentKind.DATA]: 'data',
  [ContentKind.INDEX]: 'index',
}
