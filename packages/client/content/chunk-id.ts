/**
 * Names chunks: a keyed hash, so equal plaintext has one name in a vault, and nobody outside can compute it.
 */
import { chunkIdFromBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import type { ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { VaultKeys } from '../crypto/vault-keys.ts'

/** HMAC-SHA256(chunk-id key, kind byte ‖ plaintext). The kind keeps a file's bytes from being taken for a tree. */
export const chunkIdOf = (keys: Pick<VaultKeys, 'chunkId'>, kind: ContentKind, plaintext: Uint8Array): ChunkId =>
  chunkIdFromBytes(keys.chunkId(Uint8Array.of(kind), plaintext))
