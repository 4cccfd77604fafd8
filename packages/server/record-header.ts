/**
 * The little of a record that the server reads: its place in the log. The body is sealed and the signature is for
 * those who can open it.
 */
import { hash } from 'node:crypto'
import { fromBinary } from '@bufbuild/protobuf'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { encodeContext } from '@anysync/protocol/context.ts'
import {
  idToBytes,
  recordHashFromBytes,
  vaultIdFromBytes,
  type RecordHash,
  type VaultId,
} from '@anysync/protocol/ids.ts'
import { recordBytesMax } from '@anysync/protocol/limits.ts'
import { RecordHeaderSchema, RecordKind, RecordSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { checkBytes } from './check.ts'

export type RecordPlace = {
  vaultId: VaultId
  sequence: number
  previous: RecordHash
  hash: RecordHash
  isCheckpoint: boolean
}

/** Throws `invalid` for anything that is not a record of version 1. */
export const parseRecordPlace = (bytes: Uint8Array): RecordPlace => {
  checkBytes('vault.append', 'a record', bytes, recordBytesMax)
  const header = parseHeader(bytes)
  demand(
    header.version === 1,
    'vault.append',
    'invalid',
    'the record was written by a newer AnySync: update the server',
  )
  demand(
    header.sequence >= 1n && header.sequence <= BigInt(Number.MAX_SAFE_INTEGER),
    'vault.append',
    'invalid',
    'the sequence of a record begins at 1',
  )
  return {
    vaultId: vaultIdFromBytes(header.vaultId),
    sequence: Number(header.sequence),
    previous: recordHashFromBytes(header.previous),
    hash: recordHashFromBytes(hash('sha256', bytes, 'buffer')),
    isCheckpoint: header.kind === RecordKind.CHECKPOINT,
  }
}

/** What the first record of a log names as the one before it. */
export const genesisHash = (vaultId: VaultId): RecordHash =>
  recordHashFromBytes(hash('sha256', encodeContext('genesis', idToBytes(vaultId)), 'buffer'))

const parseHeader = (bytes: Uint8Array) => {
  try {
    return fromBinary(RecordHeaderSchema, fromBinary(RecordSchema, bytes).header)
  } catch (cause) {
    throw new SyncError('vault.append', 'invalid', 'the record cannot be read', cause)
  }
}
