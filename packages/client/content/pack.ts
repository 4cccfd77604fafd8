/**
 * Packs: immutable objects that the server stores, named by their SHA-256. A pack says itself what it holds:
 * header 12 ('ASPK' ‖ u16 version ‖ u16 flags ‖ u32 epoch) ‖ sealed segments ‖ random padding ‖ sealed directory ‖
 * footer 8 (u32 length of the sealed directory ‖ 'KPSA'). Numbers are big-endian.
 *
 * The padding lies before the directory and is random, so that the footer does not tell the length without it. The
 * length of the whole is a Padmé length.
 */
import { create } from '@bufbuild/protobuf'
import { demand } from '@anysync/protocol/errors.ts'
import { idToBytes, packIdFromBytes, type PackId } from '@anysync/protocol/ids.ts'
import { directoryBytesMax, packBytesMax } from '@anysync/protocol/limits.ts'
import {
  IndexedPackSchema,
  PackDirectorySchema,
  type IndexedPack,
  type PackDirectory,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { concatBytes, u32, utf8 } from '../crypto/bytes.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import { sealOverheadBytes } from '../crypto/xaes.ts'
import type { Chance, Cipher } from '../ports.ts'
import { openDirectory, sealDirectory, sealedDirectoryBytes } from './directory.ts'
import { padmeLength } from './padme.ts'
import { packFooterBytes, packHeaderBytes, segmentsEnd } from './places.ts'
import type { SealedSegment } from './segment.ts'
import { createWindows, type Windows } from './windows.ts'
import type { ContentWork } from './work.ts'

/** A pack, ready to be stored. Its bytes stay as they are until they are released, once. */
export type SealedPack = { id: PackId; bytes: Uint8Array; directory: PackDirectory; release: () => void }

const magic = utf8('ASPK')
const magicAtEnd = utf8('KPSA')
const version = 1
const flags = 0

export type BuildParts = { chance: Chance; keys: VaultKeys; work: Pick<ContentWork, 'join' | 'allocate'> }

/** Lays sealed segments, at least one, into a pack of the newest epoch. `windows`: where it lies while it is stored. */
export const buildPack = async (
  { chance, keys, work }: BuildParts,
  segments: SealedSegment[],
  windows: Windows = createWindows(work.allocate),
): Promise<SealedPack> => {
  const directory = create(PackDirectorySchema, { segments: segments.map(({ entry }) => entry) })
  const sealedDirectory = sealDirectory(keys, directory)
  const length = segmentsEnd(directory) + sealedDirectory.length + packFooterBytes
  const padded = padmeLength(length)
  const { memory, release } = windows.take(padded)
  try {
    const bytes = memory.subarray(0, padded)
    const sha256 = await work.join(
      [
        concatBytes(magic, Uint8Array.of(0, version, 0, flags), u32(keys.epoch)),
        ...segments.map(({ bytes }) => bytes),
        chance.bytes(padded - length),
        sealedDirectory,
        concatBytes(u32(sealedDirectory.length), magicAtEnd),
      ],
      bytes,
    )
    return { id: packIdFromBytes(sha256), bytes, directory, release }
  } catch (error) {
    release()
    throw error
  }
}

/** How long a pack with this directory is: nothing of its length is chance. */
export const packLengthOf = (directory: PackDirectory): number =>
  padmeLength(segmentsEnd(directory) + sealedDirectoryBytes(directory) + packFooterBytes)

/** What an index keeps of a pack. */
export const indexedPack = ({ id, directory }: Pick<SealedPack, 'id' | 'directory'>): IndexedPack =>
  create(IndexedPackSchema, { pack: idToBytes(id), directory })

/**
 * Reads what a pack says of itself, from all its bytes. `corrupt` unless they have the name, are whole, and were sealed
 * in this vault; `invalid` when a newer program wrote them. The segments are not opened.
 */
export const readDirectory = (
  { cipher, keys }: { cipher: Cipher; keys: VaultKeys },
  id: PackId,
  bytes: Uint8Array,
): IndexedPack => {
  const name = `pack ${id}`
  const refuseUnless = (fact: boolean, why: string): void =>
    demand(fact, 'pack.read', 'corrupt', `${name} cannot be read: ${why}`)

  const isFitting =
    bytes.length >= packHeaderBytes + packFooterBytes + sealOverheadBytes && bytes.length <= packBytesMax
  refuseUnless(isFitting, `${bytes.length} bytes are not a pack`)
  refuseUnless(packIdFromBytes(cipher.sha256(bytes)) === id, 'its bytes do not have its name')

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  refuseUnless(startsWith(bytes, 0, magic), 'it does not begin like a pack')
  const isKnown = view.getUint16(4) === version && view.getUint16(6) === flags
  demand(isKnown, 'pack.read', 'invalid', `${name} was written by a newer AnySync; update this one`)
  refuseUnless(startsWith(bytes, bytes.length - 4, magicAtEnd), 'it does not end like a pack')

  const directoryEnd = bytes.length - packFooterBytes
  const directoryLength = view.getUint32(directoryEnd)
  const directoryStart = directoryEnd - directoryLength
  const isInside = directoryStart >= packHeaderBytes && directoryLength <= directoryBytesMax + sealOverheadBytes
  refuseUnless(isInside, `its directory is said to be ${directoryLength} bytes`)

  const directory = openDirectory(keys, view.getUint32(8), bytes.subarray(directoryStart, directoryEnd), name)
  refuseUnless(segmentsEnd(directory) <= directoryStart, 'its segments do not fit in it')
  return indexedPack({ id, directory })
}

const startsWith = (bytes: Uint8Array, offset: number, word: Uint8Array): boolean =>
  word.every((byte, i) => bytes[offset + i] === byte)
