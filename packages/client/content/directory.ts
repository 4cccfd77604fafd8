/**
 * The directory of a pack: what lies in it. Checked as a whole before any of it is believed; sealed under the vault's
 * index key, padded so that its length tells little.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { idToBytes } from '@anysync/protocol/ids.ts'
import { hashBytes, packSegmentsMax, segmentChunksMax, segmentPlainBytesMax } from '@anysync/protocol/limits.ts'
import {
  Compression,
  ContentKind,
  PackDirectorySchema,
  type PackDirectory,
  type Segment,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { encodeContext } from '../crypto/context.ts'
import { parseMessage } from '../crypto/message.ts'
import { paddingOfRoom } from '../crypto/padding.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import { sealOverheadBytes } from '../crypto/xaes.ts'
import { padmeLength } from './padme.ts'

/** Serialises, pads and seals a directory; its sealed length is a Padmé length. */
export const sealDirectory = (keys: VaultKeys, { segments }: PackDirectory): Uint8Array => {
  const length = toBinary(PackDirectorySchema, create(PackDirectorySchema, { segments })).length
  const padding = new Uint8Array(paddingLength(length))
  const plaintext = toBinary(PackDirectorySchema, create(PackDirectorySchema, { segments, padding }))
  return keys.index(keys.epoch).seal(plaintext, directoryContext(keys, keys.epoch))
}

/** How long a directory is when it is sealed. */
export const sealedDirectoryBytes = ({ segments }: PackDirectory): number => {
  const { length } = toBinary(PackDirectorySchema, create(PackDirectorySchema, { segments }))
  const padding = new Uint8Array(paddingLength(length))
  return toBinary(PackDirectorySchema, create(PackDirectorySchema, { segments, padding })).length + sealOverheadBytes
}

/** Opens and checks a directory; `name` is what an error calls the pack. Without its padding. */
export const openDirectory = (keys: VaultKeys, epoch: number, sealed: Uint8Array, name: string): PackDirectory => {
  const plaintext = open(keys, epoch, sealed, name)
  const { segments } = parseMessage(PackDirectorySchema, plaintext, 'pack.read', `the directory of ${name}`)
  const directory = create(PackDirectorySchema, { segments })
  checkDirectory(directory, name)
  return directory
}

/** Throws `corrupt` for a directory that no writer makes, `invalid` for one that only a newer program understands. */
export const checkDirectory = (directory: PackDirectory, name: string): void => {
  const count = directory.segments.length
  demand(count > 0 && count <= packSegmentsMax, 'pack.read', 'corrupt', `${name} has ${count} segments`)
  for (const [i, segment] of directory.segments.entries()) {
    const isKnown = segment.kind <= ContentKind.INDEX && segment.compression <= Compression.ZSTD
    demand(isKnown, 'pack.read', 'invalid', `${name} was written by a newer AnySync; update this one`)
    const why = faultOf(segment)
    demand(why === null, 'pack.read', 'corrupt', `segment ${i} of ${name} is damaged: ${why}`)
  }
}

/** What is wrong with a segment's entry, or null. */
const faultOf = ({ kind, compression, sealedLength, plainLength, chunks }: Segment): string | null => {
  if (kind <= ContentKind.UNSPECIFIED || compression <= Compression.UNSPECIFIED)
    return 'its kind or compression is not said'
  if (plainLength < 1 || plainLength > segmentPlainBytesMax) return `a plain length of ${plainLength} bytes`
  const storedLength = sealedLength - sealOverheadBytes
  const isStoredWhole = compression === Compression.NONE
  const isFitting = isStoredWhole ? storedLength === plainLength : storedLength > 0 && storedLength < plainLength
  if (!isFitting) return `${sealedLength} sealed bytes of ${plainLength} plain ones`
  if (chunks.length > segmentChunksMax) return `${chunks.length} chunks, more than ${segmentChunksMax}`
  let sum = 0
  for (const { id, length } of chunks) {
    if (id.length !== hashBytes) return `a chunk id of ${id.length} bytes`
    if (length < 1) return 'an empty chunk'
    sum += length
  }
  return sum === plainLength ? null : `chunks of ${sum} bytes in a plain length of ${plainLength}`
}

/** Not every length can be reached: then it is the next Padmé length. */
const paddingLength = (length: number): number => {
  for (let target = padmeLength(length + sealOverheadBytes); ; target = padmeLength(target + 1)) {
    const room = target - sealOverheadBytes - length
    const padding = room === 0 ? 0 : paddingOfRoom(room)
    if (padding !== null) return padding
  }
}

const open = (keys: VaultKeys, epoch: number, sealed: Uint8Array, name: string): Uint8Array => {
  const key = keys.index(epoch)
  try {
    return key.open(sealed, directoryContext(keys, epoch))
  } catch (error) {
    const message = `the directory of ${name} was altered, or was sealed elsewhere`
    throw new SyncError('pack.read', 'corrupt', message, error)
  }
}

const directoryContext = (keys: VaultKeys, epoch: number): Uint8Array =>
  encodeContext('directory', idToBytes(keys.vaultId), epoch)
