/**
 * Writes contents: cut → id → known? → segment → seal → pack → store. What the vault has already is not stored again.
 * Nothing is durable before `finish`.
 */
import { demand } from '@anysync/protocol/errors.ts'
import { chunkIdFromBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import { chunkBytesMax, segmentBytesTarget, storingPacksMax } from '@anysync/protocol/limits.ts'
import { ContentKind, type Content, type IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { Chance, Cipher } from '../ports.ts'
import { createIdentify, type Chunk, type IdentifyLimits, type Source, type SourceKind } from './identify.ts'
import { buildPack, type SealedPack } from './pack.ts'
import { createPacker, type LaneName } from './packer.ts'
import { sealSegment } from './segment.ts'

export type ContentWriterParts = {
  cipher: Cipher
  chance: Chance
  keys: VaultKeys
  /** Whether the vault has the chunk. Must be true for a pack's chunks by the time that `finish` has given the pack. */
  isKnown: (chunk: ChunkId) => boolean
  /** Resolves when the pack is durable. */
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
   * small chunks of one source stay neighbours. A source that fails makes only its own write fail. An index is one
   * chunk in a pack of its own kind, always stored, at most 4 MiB, or else `invalid`.
   */
  write(kind: SourceKind, source: Source): Promise<Content>
  /** Makes durable all that was written before; the packs that were stored since the last finish, in order. One at a time. */
  finish(): Promise<IndexedPack[]>
}

export const createContentWriter = (parts: ContentWriterParts): ContentWriter => {
  const identify = createIdentify(parts, parts.limits)
  const packer = createPacker({
    seal: async ({ kind, chunks }) => sealSegment(parts, kind, chunks),
    build: (segments) => buildPack(parts, segments),
    storePack: parts.storePack,
    storingMax: parts.storingMax ?? (() => storingPacksMax),
  })
  // Chunks that are on their way: as good as known, for one finish makes all of them durable.
  const written = new Set<ChunkId>()

  const isNew = (lane: LaneName, { id }: Chunk): boolean => {
    // A record names the packs that hold its index, so an index goes into a new pack even when an older one has it.
    if (written.has(id) || (lane !== 'index' && parts.isKnown(id))) return false
    written.add(id)
    return true
  }

  return {
    async write(kind, source) {
      const lane = lanesByKind[kind]
      // Chunks are placed in groups, so that those of one source stay neighbours when several are written at once.
      let group: Chunk[] = []
      let groupBytes = 0
      const placeGroup = async (): Promise<void> => {
        if (lane === 'tree') for (const { id, plaintext } of group) parts.cacheTree?.(id, plaintext)
        const fresh = group.filter((chunk) => isNew(lane, chunk))
        group = []
        groupBytes = 0
        await packer.place(lane, fresh)
      }
      packer.check()
      const content = await identify(kind, source, async (chunk) => {
        demand(lane !== 'index' || group.length === 0, 'content.write', 'invalid', largeIndex)
        group.push(chunk)
        groupBytes += chunk.plaintext.length
        if (lane !== 'index' && groupBytes >= segmentBytesTarget) await placeGroup()
      })
      await placeGroup()
      return content
    },
    async finish() {
      const packs = await packer.finish()
      for (const { directory } of packs) {
        for (const { chunks } of directory?.segments ?? []) {
          for (const { id } of chunks) written.delete(chunkIdFromBytes(id))
        }
      }
      return packs
    },
  }
}

const largeIndex = `an index is larger than ${chunkBytesMax} bytes; split it`

const lanesByKind: Record<SourceKind, LaneName> = {
  [ContentKind.TREE]: 'tree',
  [ContentKind.DATA]: 'data',
  [ContentKind.INDEX]: 'index',
}
