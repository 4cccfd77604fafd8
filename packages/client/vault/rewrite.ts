/**
 * Copies chunks that are still needed out of packs that are mostly not into new packs: each is read, checked, and sealed
 * anew under the newest key.
 */
import { ContentKind, type Content, type IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { PackId } from '@anysync/protocol/ids.ts'
import { storingPacksMax } from '@anysync/protocol/limits.ts'
import type { Chunk } from '../content/identify.ts'
import { makeContent } from '../content/content.ts'
import { buildPack } from '../content/pack.ts'
import { createPacker } from '../content/packer.ts'
import { createContentReader } from '../content/read.ts'
import { segmentOf } from '../content/segment.ts'
import { createWindows } from '../content/windows.ts'
import type { ContentWork } from '../content/work.ts'
import { createContentWriter, type ContentWriter } from '../content/write.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { Chance, Cipher, Remote, State } from '../ports.ts'
import type { LiveChunk } from './prune-plan.ts'
import { storePack } from './stored-packs.ts'

export type StoreParts = {
  cipher: Cipher
  chance: Chance
  keys: VaultKeys
  work: ContentWork
  state: State
  remote: Remote
}

/** Writes indexes, which are never taken for known. */
export const createIndexWriter = (parts: StoreParts): Pick<ContentWriter, 'write' | 'finish'> =>
  createContentWriter({ ...parts, isKnown: () => false, storePack: (pack) => storePack(parts, pack) })

/** Stores chunks whether or not the vault has them elsewhere. */
export const createStore = (
  parts: StoreParts,
): { place(chunk: Chunk): Promise<void>; finish(): Promise<IndexedPack[]> } => {
  const windows = createWindows(parts.work.allocate)
  const packer = createPacker({
    seal: async ({ kind, chunks }) => {
      const plaintexts = chunks.map(({ plaintext }) => plaintext)
      return segmentOf(kind, chunks, await parts.work.seal(kind, plaintexts))
    },
    sealingMax: parts.work.atOnceMax,
    build: (segments) => buildPack(parts, segments, windows),
    storePack: (pack) => storePack(parts, pack),
    storingMax: () => storingPacksMax,
  })
  return {
    place: (chunk) => packer.place(chunk.kind === ContentKind.TREE ? 'tree' : 'data', [chunk]),
    finish: () => packer.finish(),
  }
}

const contentOf = ({ id, length }: LiveChunk): Content => makeContent(length, 0, [id])

/** The new packs, stored. Holds a few packs in memory, however many chunks there are. */
export const rewriteChunks = async (parts: StoreParts, chunks: LiveChunk[]): Promise<IndexedPack[]> => {
  const { keys, state, remote } = parts
  const reader = createContentReader({
    ...parts,
    locate: (id) => state.findChunk(keys.vaultId, id),
    fetch: (pack: PackId, offset, length) => remote.getPack(keys.vaultId, pack, offset, length),
  })
  const store = createStore(parts)
  const readChunk = async (chunk: LiveChunk): Promise<Uint8Array> => {
    if (chunk.kind === ContentKind.LIST) return reader.list(chunk.id)
    const kind = chunk.kind === ContentKind.TREE ? ContentKind.TREE : ContentKind.DATA
    return reader.bytes(kind, contentOf(chunk))
  }
  for (let start = 0; start < chunks.length; start += ahead) {
    const page = chunks.slice(start, start + ahead)
    reader.expect(page.map(contentOf))
    for (const chunk of page) {
      await store.place({ kind: chunk.kind, id: chunk.id, plaintext: await readChunk(chunk) })
    }
  }
  return store.finish()
}

/** Chunks that are told to the reader at once, so that neighbours are fetched together. */
const ahead = 256
