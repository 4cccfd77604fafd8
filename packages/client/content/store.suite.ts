/**
 * What the tests of content share: the keys of a vault, bytes that look random, and a store in a Map that tells what it
 * was asked.
 */
import { createCipheriv } from 'node:crypto'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import type { ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { vaultIdFromBytes, type ChunkId, type PackId } from '@anysync/protocol/ids.ts'
import { openVaultKeys, type VaultKeys } from '../crypto/vault-keys.ts'
import { seededChance } from '../memory/chance.ts'
import type { Chance, ChunkPlace } from '../ports.ts'
import type { ByteSource, Chunk } from './identify.ts'
import { indexedPack, type SealedPack } from './pack.ts'
import { placesOf } from './places.ts'
import { createContentReader, type ContentReader, type ContentReaderParts } from './read.ts'
import { sealPlaintexts, segmentOf, type SealedSegment, type SegmentParts } from './segment.ts'
import { createContentWork, type ContentWork } from './work.ts'
import { createContentWriter, type ContentWriter, type ContentWriterParts } from './write.ts'

export const cipher = nodeCipher

/** Keys of a vault with epochs 0 to `epoch`. */
export const testKeys = (vault = 1, epoch = 0, chance: Chance = seededChance(1)): VaultKeys => {
  const vaultKeyByEpoch = new Map(
    Array.from({ length: epoch + 1 }, (_, i) => [i, new Uint8Array(32).fill(16 * vault + i)]),
  )
  return openVaultKeys(cipher, chance, vaultIdFromBytes(new Uint8Array(16).fill(vault)), vaultKeyByEpoch)
}

export const testWork = (keys: VaultKeys): ContentWork => createContentWork({ cipher, keys })

/** Seals chunks of one kind, as a writer does. */
export const sealSegment = (parts: SegmentParts, kind: ContentKind, chunks: Chunk[]): SealedSegment =>
  segmentOf(
    kind,
    chunks,
    sealPlaintexts(
      parts,
      kind,
      chunks.map(({ plaintext }) => plaintext),
    ),
  )

/** The AES-256-CTR keystream of a key whose 32 bytes are all `seed`: bytes that no compressor shrinks, and fast. */
export const noise = (length: number, seed = 0): Uint8Array<ArrayBuffer> => {
  const stream = createCipheriv('aes-256-ctr', new Uint8Array(32).fill(seed), new Uint8Array(16))
  return new Uint8Array(stream.update(new Uint8Array(length)))
}

/** Lines of words: bytes that compress like text. */
export const prose = (length: number, seed = 0): Uint8Array<ArrayBuffer> => {
  const words = ['vault', 'node', 'tree', 'chunk', 'segment', 'pack', 'record', 'log', 'head', 'base', '\n']
  const choices = noise(length, seed)
  let text = ''
  for (let i = 0; text.length < length; i++) text += `${words[choices[i]! % words.length]} `
  return new TextEncoder().encode(text.slice(0, length))
}

/** Bytes as they are read from a file; `failAt`: where reading fails. */
export const sourceOf = (bytes: Uint8Array, failAt = Infinity, failure = new Error('the disk is gone')): ByteSource => {
  let at = 0
  return {
    size: bytes.length,
    read: async (memory) => {
      if (at + memory.length > failAt) throw failure
      const part = bytes.subarray(at, at + memory.length)
      memory.set(part)
      at += part.length
      return part.length
    },
  }
}

export type TestStore = {
  keys: VaultKeys
  packs: Map<PackId, Uint8Array>
  /** In the order in which they were stored. */
  stored: SealedPack[]
  places: Map<ChunkId, ChunkPlace>
  fetches: { pack: PackId; offset: number; length: number }[]
  writer(changes?: Partial<ContentWriterParts>): ContentWriter
  reader(changes?: Partial<ContentReaderParts>): ContentReader
}

export const createTestStore = (keys: VaultKeys = testKeys()): TestStore => {
  const store: TestStore = {
    keys,
    packs: new Map(),
    stored: [],
    places: new Map(),
    fetches: [],
    writer: (changes) =>
      createContentWriter({
        chance: seededChance(2),
        keys,
        work: testWork(keys),
        isKnown: (id) => store.places.has(id),
        storePack: (pack) => {
          const bytes = pack.bytes.slice()
          store.packs.set(pack.id, bytes)
          store.stored.push({ ...pack, bytes })
          for (const { id, place } of placesOf(indexedPack(pack))) store.places.set(id, place)
          return Promise.resolve()
        },
        ...changes,
      }),
    reader: (changes) =>
      createContentReader({
        keys,
        work: testWork(changes?.keys ?? keys),
        locate: (id) => store.places.get(id) ?? null,
        fetch: (pack, offset, length) => {
          store.fetches.push({ pack, offset, length })
          return Promise.resolve(store.packs.get(pack)!.subarray(offset, offset + length))
        },
        ...changes,
      }),
  }
  return store
}

/** The bytes of a vector, as they were drawn. */
export const replayedChance = (hex: string): Chance => {
  const bytes = Uint8Array.fromHex(hex)
  let offset = 0
  return { bytes: (length) => bytes.slice(offset, (offset += length)) }
}
