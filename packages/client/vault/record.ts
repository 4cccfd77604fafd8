/**
 * Records: the links of a vault's log. Each is signed by the device that appended it, names the record before it by
 * hash, and carries its body sealed to exactly this place in the log. Knows one record and the one before; what a log
 * as a whole must keep is `log.ts`'s.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import {
  RecordHeaderSchema,
  RecordKind,
  RecordSchema,
  type DeviceCertificate,
  type RecordHeader,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import {
  deviceIdFromBytes,
  idToBytes,
  recordHashFromBytes,
  type DeviceId,
  type RecordHash,
  type VaultId,
} from '@anysync/protocol/ids.ts'
import { hashBytes, recordBytesMax } from '@anysync/protocol/limits.ts'
import { equalBytes } from '../crypto/bytes.ts'
import { encodeContext } from '../crypto/context.ts'
import { parseMessage } from '../crypto/message.ts'
import { checkDeviceCertificate } from '../crypto/sign.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { Cipher, LogHead } from '../ports.ts'
import { explain } from './explain.ts'
import { bodyToBytes, isKnownKind, kindOfBody, parseBody, type AnyBody, type CheckedBody } from './record-body.ts'

const version = 1

/** The device that signs, and its identity's word for it. */
export type Signer = { signingSeed: Uint8Array; certificate: DeviceCertificate }

export type OpenedRecord<Body = CheckedBody> = { head: LogHead; deviceId: DeviceId; body: Body }

/** What stands for the record before a checkpoint with which a device begins: it cannot know that one. */
export type Before = LogHead | null | 'unknown'

/** What the first record of a log names as the one before it: nothing of another vault can begin this log. */
export const genesisHash = (cipher: Cipher, vaultId: VaultId): RecordHash =>
  recordHashFromBytes(cipher.sha256(encodeContext('genesis', idToBytes(vaultId))))

/** Seals and signs the record that follows `previous`, null at the beginning of the log. */
export const sealRecord = (
  parts: { cipher: Cipher; keys: VaultKeys; signer: Signer },
  previous: LogHead | null,
  body: AnyBody,
): { head: LogHead; bytes: Uint8Array } => {
  const { cipher, keys, signer } = parts
  const header = create(RecordHeaderSchema, {
    version,
    vaultId: idToBytes(keys.vaultId),
    sequence: BigInt(previous?.sequence ?? 0) + 1n,
    previous: idToBytes(previous?.hash ?? genesisHash(cipher, keys.vaultId)),
    epoch: keys.epoch,
    kind: kindOfBody(body),
    device: signer.certificate,
  })
  const headerBytes = toBinary(RecordHeaderSchema, header)
  const context = bodyContext(header, signer.certificate)
  const sealedBody = keys.log(keys.epoch).seal(bodyToBytes(body), context)
  const signature = cipher.sign(signer.signingSeed, signedBytes(cipher, headerBytes, sealedBody))
  const bytes = toBinary(RecordSchema, create(RecordSchema, { header: headerBytes, sealedBody, signature }))
  demand(
    bytes.length <= recordBytesMax,
    'record.seal',
    'invalid',
    `a record would be ${bytes.length} bytes, more than ${recordBytesMax}`,
  )
  return { head: { sequence: Number(header.sequence), hash: hashOf(cipher, bytes) }, bytes }
}

/**
 * Verifies the record that should follow `previous` and opens it: its place in this log, the certificate of its device
 * by the identity, the signature, the seal, and every rule of the body. `corrupt` names the record by number; `invalid`
 * when a newer AnySync wrote it.
 */
export const openRecord = (
  parts: { cipher: Cipher; keys: VaultKeys; identityPublicKey: Uint8Array },
  previous: Before,
  bytes: Uint8Array,
): OpenedRecord => {
  const { cipher, keys, identityPublicKey } = parts
  const { record, header, certificate } = parseRecord(bytes)
  const sequence = previous === 'unknown' ? Number(header.sequence) : (previous?.sequence ?? 0) + 1
  const refused = `record ${sequence} of vault ${keys.vaultId} is refused`
  const refuseUnless = (fact: boolean, why: string): void =>
    demand(fact, 'record.open', 'corrupt', `${refused}: ${why}`)

  refuseUnless(equalBytes(header.vaultId, idToBytes(keys.vaultId)), 'it is of another vault')
  refuseUnless(header.sequence === BigInt(sequence), `it says that it is number ${header.sequence}`)
  if (previous === 'unknown') {
    refuseUnless(header.kind === RecordKind.CHECKPOINT, 'it is no checkpoint, with which alone a device may begin')
  } else {
    const hash = idToBytes(previous?.hash ?? genesisHash(cipher, keys.vaultId))
    refuseUnless(equalBytes(header.previous, hash), 'it does not follow the record before it')
  }
  explain('record.open', refused, () => checkDeviceCertificate(cipher, certificate, identityPublicKey))
  const signed = signedBytes(cipher, record.header, record.sealedBody)
  const isSigned = cipher.verify(certificate.devicePublicKey, signed, record.signature)
  refuseUnless(isSigned, 'its device did not sign it')
  return readRecord(parts, bytes)
}

/** What a record of this number says that it follows; null for the first. For who has not seen the records before. */
export const previousOf = ({ sequence }: LogHead, bytes: Uint8Array): LogHead | null => {
  const { previous } = parseRecord(bytes).header
  if (sequence === 1) return null
  demand(previous.length === hashBytes, 'record.open', 'corrupt', `record ${sequence} does not say what it follows`)
  return { sequence: sequence - 1, hash: recordHashFromBytes(previous) }
}

/**
 * Opens a record that was verified before and kept: the seal is checked, its place and signature are not again.
 */
export const readRecord = (parts: { cipher: Cipher; keys: VaultKeys }, bytes: Uint8Array): OpenedRecord => {
  const { record, header, certificate } = parseRecord(bytes)
  const sequence = Number(header.sequence)
  const plaintext = explain('record.open', `the body of record ${sequence} cannot be opened`, () =>
    parts.keys.log(header.epoch).open(record.sealedBody, bodyContext(header, certificate)),
  )
  return {
    head: { sequence, hash: hashOf(parts.cipher, bytes) },
    deviceId: deviceIdFromBytes(certificate.deviceId),
    body: parseBody(header.kind, plaintext, sequence),
  }
}

/** Whether these bytes say that they are a checkpoint; whether that is true, `openRecord` tells. */
export const isCheckpoint = (bytes: Uint8Array): boolean => parseRecord(bytes).header.kind === RecordKind.CHECKPOINT

const parseRecord = (bytes: Uint8Array) => {
  const operation = 'record.open'
  demand(bytes.length <= recordBytesMax, operation, 'corrupt', `a record of ${bytes.length} bytes is too large`)
  const record = parseMessage(RecordSchema, bytes, operation, 'a record')
  refuseNewer(peekHeader(record.header))
  const header = parseMessage(RecordHeaderSchema, record.header, operation, 'the header of a record')
  const { device: certificate } = header
  demand(certificate !== undefined, operation, 'corrupt', 'a record comes without the certificate of its device')
  const isCounted = header.sequence > 0n && header.sequence <= BigInt(Number.MAX_SAFE_INTEGER)
  demand(isCounted, operation, 'corrupt', `a record cannot be number ${header.sequence}`)
  return { record, header, certificate }
}

/** The header before it is believed: a newer version may have fields that this one would call damage. */
const peekHeader = (bytes: Uint8Array): RecordHeader => {
  try {
    return fromBinary(RecordHeaderSchema, bytes)
  } catch (error) {
    throw new SyncError('record.open', 'corrupt', 'the header of a record is damaged and cannot be read', error)
  }
}

const refuseNewer = (header: RecordHeader): void => {
  const operation = 'record.open'
  const isSaid = header.version > 0 && header.kind > RecordKind.UNSPECIFIED
  demand(isSaid, operation, 'corrupt', 'a record does not say its version or kind')
  const isKnown = header.version === version && isKnownKind(header.kind)
  demand(isKnown, operation, 'invalid', 'the log of this vault was continued by a newer AnySync: update this one')
}

const signedBytes = (cipher: Cipher, header: Uint8Array, sealedBody: Uint8Array): Uint8Array =>
  encodeContext('record-signature', header, cipher.sha256(sealedBody))

const bodyContext = (header: RecordHeader, certificate: DeviceCertificate): Uint8Array =>
  encodeContext(
    'record',
    header.vaultId,
    header.epoch,
    header.sequence,
    header.previous,
    header.kind,
    certificate.deviceId,
  )

const hashOf = (cipher: Cipher, record: Uint8Array): RecordHash => recordHashFromBytes(cipher.sha256(record))
