/**
 * Finds the content of bytes: cuts them, names the chunks, and lists the names. The same bytes give the same content
 * in one vault, whoever writes them and whether or not anything is stored.
 */
import { demand } from '@anysync/protocol/errors.ts'
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
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { Cipher } from '../ports.ts'
import { chunkIdOf } from './chunk-id.ts'
import { makeContent } from './content.ts'
import { createCutter, makeGear, type CutLimits, type Gear } from './cut.ts'

/** What a content may be of. Lists come along with what they list. */
export type SourceKind = ContentKind.DATA | ContentKind.TREE | ContentKind.INDEX

/** Bytes in any portions. A buffer may be used again once the next is asked for. */
export type Source = AsyncIterable<Uint8Array> | Uint8Array

export type Chunk = { kind: ContentKind; id: ChunkId; plaintext: Uint8Array }

/** Limits of the format; tests use smaller ones. */
export type IdentifyLimits = {
  dataCut: CutLimits
  treeCut: CutLimits
  contentChunksMax: number
  listChunkBytesMax: number
}

const formatLimits: IdentifyLimits = { dataCut, treeCut, contentChunksMax, listChunkBytesMax }

/** The content of a source. `take` is given every chunk, and every list chunk after what it lists; it is awaited. */
export type Identify = (
  kind: SourceKind,
  source: Source,
  take?: (chunk: Chunk) => Promise<void> | void,
) => Promise<Content>

export const createIdentify = (
  parts: { cipher: Cipher; keys: Pick<VaultKeys, 'chunkId' | 'gearKey'> },
  changes: Partial<IdentifyLimits> = {},
): Identify => {
  const limits = { ...formatLimits, ...changes }
  let made: Gear | null = null
  const gear = (): Gear => (made ??= makeGear(parts.cipher, parts.keys.gearKey))
  const cutLimits: Record<SourceKind, CutLimits> = {
    [ContentKind.DATA]: limits.dataCut,
    [ContentKind.TREE]: limits.treeCut,
    // A pack index is one chunk, so that its directory entry is all that a reader needs to find it.
    [ContentKind.INDEX]: { min: chunkBytesMax, average: chunkBytesMax, max: chunkBytesMax },
  }

  return async (kind, source, take = () => undefined) => {
    const name = async (kind: ContentKind, plaintext: Uint8Array): Promise<ChunkId> => {
      const id = chunkIdOf(parts.keys, kind, plaintext)
      await take({ kind, id, plaintext })
      return id
    }
    const cutter = createCutter(gear, cutLimits[kind])
    const ids = createIdList(limits, (list) => name(ContentKind.LIST, list))
    let size = 0
    for await (const bytes of source instanceof Uint8Array ? [source] : source) {
      size += bytes.length
      for (const chunk of cutter.push(bytes)) await ids.add(await name(kind, chunk))
    }
    const last = cutter.finish()
    if (last !== null) await ids.add(await name(kind, last))
    return ids.finish(size)
  }
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
