/**
 * Seals and opens segments: one or more chunks end to end, compressed when that helps, under the vault's content key.
 * Knows where a segment's bytes stop and its chunks start; knows nothing of packs.
 */
import { create } from '@bufbuild/protobuf'
import { SyncError } from '@anysync/protocol/errors.ts'
import { idToBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import {
  compressionGainMin,
  compressionLevel,
  compressionLookBytes,
  compressionLookEntropyMax,
  compressionTrialBytes,
  compressionTrialSamples,
  segmentAloneBytes,
} from '@anysync/protocol/limits.ts'
import { Compression, ContentKind, SegmentSchema, type Segment } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { concatBytes, discard } from '../crypto/bytes.ts'
import { encodeContext } from '../crypto/context.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { SealKey } from '../crypto/xaes.ts'
import type { ChunkPlace, Cipher } from '../ports.ts'
import { chunkIdOf } from './chunk-id.ts'
import { entropy } from './entropy.ts'
import type { Chunk } from './identify.ts'

/** A segment as it lies in a pack, and what the pack's directory says of it. */
export type SealedSegment = { entry: Segment; bytes: Uint8Array }

export type SegmentParts = { cipher: Cipher; keys: VaultKeys }

/** The bytes of a segment, and whether they were compressed before they were sealed. */
export type Sealed = { bytes: Uint8Array<ArrayBuffer>; compression: Compression }

/** Seals plaintexts of one kind, at least one, laid end to end, under the newest epoch. */
export const sealPlaintexts = ({ cipher, keys }: SegmentParts, kind: ContentKind, plaintexts: Uint8Array[]): Sealed => {
  const [first] = plaintexts
  const isAlone = plaintexts.length === 1 && first !== undefined
  const plaintext = isAlone ? first : concatBytes(...plaintexts)
  const frame = compress(cipher, plaintext)
  const compression = frame === null ? Compression.NONE : Compression.ZSTD
  const context = segmentContext(keys, keys.epoch, { kind, compression, plainLength: plaintext.length })
  const bytes = segmentKey(keys, keys.epoch, kind).seal(frame ?? plaintext, context)
  if (frame !== null) discard(frame)
  if (!isAlone) discard(plaintext)
  return { bytes, compression }
}

/** The segment that these chunks of one kind were sealed to. */
export const segmentOf = (kind: ContentKind, chunks: Chunk[], { bytes, compression }: Sealed): SealedSegment => ({
  entry: create(SegmentSchema, {
    kind,
    compression,
    sealedLength: bytes.length,
    plainLength: chunks.reduce((sum, { plaintext }) => sum + plaintext.length, 0),
    chunks: chunks.map(({ id, plaintext }) => ({ id: idToBytes(id), length: plaintext.length })),
  }),
  bytes,
})

/**
 * The plaintext of the segment at this place. `corrupt`, naming the pack and the chunk that is wanted, unless the bytes
 * have their length, hold their tag and open to the plain length, checked in this order.
 */
export const openSegment = (
  parts: SegmentParts,
  place: ChunkPlace,
  sealed: Uint8Array,
  wanted: ChunkId,
): Uint8Array => {
  if (sealed.length !== place.sealedLength) {
    throw corruptAt(place, wanted, `its segment came as ${sealed.length} bytes, not ${place.sealedLength}`)
  }
  const stored = openSeal(parts.keys, place, sealed, wanted)
  const isFrame = place.compression === Compression.ZSTD
  const plaintext = isFrame ? parts.cipher.decompress(stored, place.plainLength) : stored
  if (isFrame) discard(stored)
  if (plaintext?.length !== place.plainLength) {
    throw corruptAt(place, wanted, `its segment does not open to ${place.plainLength} bytes`)
  }
  return plaintext
}

/** The chunk at this place of the opened segment; `corrupt` unless its bytes have the id that is wanted. */
export const openChunk = (keys: VaultKeys, place: ChunkPlace, plaintext: Uint8Array, wanted: ChunkId): Uint8Array => {
  const chunk = plaintext.subarray(place.offset, place.offset + place.length)
  if (chunk.length !== place.length || chunkIdOf(keys, place.kind, chunk) !== wanted) {
    throw corruptAt(place, wanted, 'other bytes lie in its place')
  }
  return chunk
}

/** Trouble with a chunk, named by ids only. */
export const corruptAt = (place: ChunkPlace, wanted: ChunkId, why: string, cause?: unknown): SyncError => {
  const message = `chunk ${wanted} in pack ${place.pack} cannot be read: ${why}; nothing was changed`
  return new SyncError('content.read', 'corrupt', message, cause)
}

/** A zstd frame, or null when it would not save enough. */
const compress = (cipher: Cipher, plaintext: Uint8Array): Uint8Array | null => {
  if (plaintext.length >= segmentAloneBytes && !promises(cipher, plaintext)) return null
  const frame = cipher.compress(plaintext, compressionLevel)
  if (isWorth(plaintext, frame)) return frame
  discard(frame)
  return null
}

/**
 * Whether large data looks as if it shrank: most that does not (photos, films, archives) shows it at once, and compression is
 * the dearest step of all.
 */
const promises = (cipher: Cipher, plaintext: Uint8Array): boolean => {
  if (entropy(samplesOf(plaintext, compressionLookBytes)) <= compressionLookEntropyMax) return true
  const trial = samplesOf(plaintext, compressionTrialBytes)
  return isWorth(trial, cipher.compress(trial, compressionLevel))
}

/** So many bytes from all over it: what begins with a picture may go on with text. */
const samplesOf = (plaintext: Uint8Array, bytes: number): Uint8Array => {
  const sampleBytes = bytes / compressionTrialSamples
  const strideBytes = Math.floor((plaintext.length - sampleBytes) / (compressionTrialSamples - 1))
  return concatBytes(
    ...Array.from({ length: compressionTrialSamples }, (_, i) =>
      plaintext.subarray(i * strideBytes, i * strideBytes + sampleBytes),
    ),
  )
}

const isWorth = (plaintext: Uint8Array, frame: Uint8Array): boolean =>
  frame.length <= plaintext.length * (1 - compressionGainMin)

/**
 * Opens with the newest epoch whose key fits. Which epoch sealed a segment stands in its pack's header, which a ranged
 * read does not see; the seal's context decides, so a wrong epoch can only fail.
 */
const openSeal = (keys: VaultKeys, place: ChunkPlace, sealed: Uint8Array, wanted: ChunkId): Uint8Array => {
  let cause: unknown
  for (let epoch = keys.epoch; epoch >= 0; epoch--) {
    try {
      return segmentKey(keys, epoch, place.kind).open(sealed, segmentContext(keys, epoch, place))
    } catch (error) {
      cause ??= error
    }
  }
  throw corruptAt(place, wanted, 'its segment was altered, or was sealed elsewhere', cause)
}

const segmentKey = (keys: VaultKeys, epoch: number, kind: ContentKind): SealKey =>
  kind === ContentKind.INDEX ? keys.index(epoch) : keys.content(epoch)

const segmentContext = (
  keys: VaultKeys,
  epoch: number,
  segment: Pick<Segment, 'kind' | 'compression' | 'plainLength'>,
): Uint8Array =>
  encodeContext('segment', idToBytes(keys.vaultId), epoch, segment.kind, segment.compression, segment.plainLength)
