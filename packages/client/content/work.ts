/**
 * The work on content that costs: to cut, to name, to seal, to join and to open. Behind an interface, for it may be done
 * elsewhere than where it is asked for, such as in threads; the one here does it at once. Knows no files and no packs.
 */
import { assert } from '@anysync/protocol/errors.ts'
import type { ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { ChunkId, VaultId } from '@anysync/protocol/ids.ts'
import { discard } from '../crypto/bytes.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { ChunkPlace, Cipher } from '../ports.ts'
import { chunkIdOf } from './chunk-id.ts'
import { cutEnds, makeGear, type CutLimits, type Gear } from './cut.ts'
import { openSegment, sealPlaintexts, type Sealed } from './segment.ts'

/** Where a chunk lies in an opened segment. */
export type Slice = Pick<ChunkPlace, 'offset' | 'length'>

/**
 * Bytes that are handed over must stay as they are until the answer has come. What `allocate` gave is handed over
 * without a copy.
 */
export type ContentWork = {
  /** How many segments may be handed over before the first is answered, so that nobody is idle. */
  readonly atOnceMax: number
  allocate: (length: number) => Uint8Array
  /** So many bytes are about to be handed over: whoever takes a while to begin may do so now. */
  prepare(bytes: number): void
  /** Where the chunks end that begin at the first byte, as `cutEnds` says. */
  cut(limits: CutLimits, bytes: Uint8Array, isLast: boolean): Promise<number[]>
  /** The names of chunks of one kind, in their order. */
  name(kind: ContentKind, plaintexts: Uint8Array[]): Promise<ChunkId[]>
  /** One segment of these plaintexts, at least one, under the newest epoch. */
  seal(kind: ContentKind, plaintexts: Uint8Array[]): Promise<Sealed>
  /**
   * Lays the parts end to end into memory of `allocate`, of their length; the SHA-256 of that. The parts are the caller's
   * no longer.
   */
  join(parts: Uint8Array[], memory: Uint8Array): Promise<Uint8Array>
  /** Opens a segment as `openSegment` does; with the names of the slices, which still are to be compared. */
  open(place: ChunkPlace, sealed: Uint8Array, wanted: ChunkId, slices: Slice[]): Promise<Opened>
}

export type Opened = { plaintext: Uint8Array; ids: ChunkId[] }

/** Who does the work of a vault, given its vault key of each epoch. */
export type WorkFor = (vaultId: VaultId, vaultKeyByEpoch: ReadonlyMap<number, Uint8Array>) => ContentWork

/** Does the work where it is asked for. */
export const createContentWork = ({ cipher, keys }: { cipher: Cipher; keys: VaultKeys }): ContentWork => {
  let made: Gear | null = null
  const gear = (): Gear => (made ??= makeGear(cipher, keys.gearKey))
  return {
    atOnceMax: 1,
    allocate: (length) => new Uint8Array(length),
    prepare: () => undefined,
    cut: async (limits, bytes, isLast) => cutEnds(gear, limits, bytes, isLast),
    name: async (kind, plaintexts) => plaintexts.map((plaintext) => chunkIdOf(keys, kind, plaintext)),
    seal: async (kind, plaintexts) => sealPlaintexts({ cipher, keys }, kind, plaintexts),
    join: async (parts, memory) => {
      let filled = 0
      for (const part of parts) {
        memory.set(part, filled)
        filled += part.length
        discard(part)
      }
      assert(filled === memory.length, 'the parts of a pack fill its memory')
      return cipher.sha256(memory)
    },
    open: async (place, sealed, wanted, slices) => {
      const plaintext = openSegment({ cipher, keys }, place, sealed, wanted)
      const ids = slices.map(({ offset, length }) =>
        chunkIdOf(keys, place.kind, plaintext.subarray(offset, offset + length)),
      )
      return { plaintext, ids }
    },
  }
}
