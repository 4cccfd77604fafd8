/**
 * What is remembered of a snapshot while it is kept: in the local state, in checkpoints and in rescues.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { demand } from '@anysync/protocol/errors.ts'
import {
  KeptSnapshotSchema,
  type Content,
  type KeptSnapshot,
  type Statistics,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { deviceIdFromBytes, idToBytes, recordHashFromBytes } from '@anysync/protocol/ids.ts'
import { deviceNameBytesMax, hashBytes, idBytes, snapshotLabelBytesMax } from '@anysync/protocol/limits.ts'
import { utf8 } from '../crypto/bytes.ts'
import { parseMessage } from '../crypto/message.ts'
import type { OpenedRecord } from './record.ts'
import { checkRoot, type CheckedSnapshotBody } from './snapshot-body.ts'
import { troubleOfTouched, unpadTouched } from './touched.ts'
import type { SnapshotInfo } from './vault-types.ts'

/** Throws `corrupt` for what no writer makes. */
export function checkKeptSnapshot(
  kept: KeptSnapshot,
): asserts kept is KeptSnapshot & { root: Content; statistics: Statistics } {
  const sequence = Number(kept.sequence)
  const refuseUnless = (fact: boolean, why: string): void =>
    demand(fact, 'snapshot.parse', 'corrupt', `what is said of snapshot ${sequence} is damaged: ${why}`)
  refuseUnless(Number.isSafeInteger(sequence) && sequence > 0, 'it has no number')
  refuseUnless(kept.hash.length === hashBytes && kept.deviceId.length === idBytes, 'it lacks its hash or its device')
  refuseUnless(kept.root !== undefined && kept.statistics !== undefined, 'it has no root or no statistics')
  checkRoot(kept.root, sequence)
  refuseUnless(utf8(kept.deviceName).length <= deviceNameBytesMax, 'the name of its device is too long')
  refuseUnless(utf8(kept.label).length <= snapshotLabelBytesMax, 'its label is too long')
  const trouble = kept.touched === undefined ? null : troubleOfTouched(kept.touched)
  refuseUnless(trouble === null && !kept.touched?.padding.length, trouble ?? 'what it touches is padded')
}

export const snapshotOf = ({ head, deviceId, body }: OpenedRecord<CheckedSnapshotBody>): SnapshotInfo => ({
  sequence: head.sequence,
  hash: head.hash,
  root: body.root,
  timeNs: body.timeNs,
  deviceId,
  deviceName: body.deviceName,
  isPartial: body.isPartial,
  statistics: body.statistics,
  label: body.label,
  isPinned: false,
  touched: unpadTouched(body.touched),
})

export const keptOf = (snapshot: SnapshotInfo): KeptSnapshot =>
  create(KeptSnapshotSchema, {
    sequence: BigInt(snapshot.sequence),
    hash: idToBytes(snapshot.hash),
    deviceId: idToBytes(snapshot.deviceId),
    root: snapshot.root,
    timeNs: snapshot.timeNs,
    deviceName: snapshot.deviceName,
    isPartial: snapshot.isPartial,
    statistics: snapshot.statistics,
    label: snapshot.label,
    isPinned: snapshot.isPinned,
    ...(snapshot.touched === null ? {} : { touched: snapshot.touched }),
  })

export const infoOf = (kept: KeptSnapshot): SnapshotInfo => {
  checkKeptSnapshot(kept)
  return {
    sequence: Number(kept.sequence),
    hash: recordHashFromBytes(kept.hash),
    root: kept.root,
    timeNs: kept.timeNs,
    deviceId: deviceIdFromBytes(kept.deviceId),
    deviceName: kept.deviceName,
    isPartial: kept.isPartial,
    statistics: kept.statistics,
    label: kept.label,
    isPinned: kept.isPinned,
    touched: kept.touched ?? null,
  }
}

export const serializeSnapshot = (snapshot: SnapshotInfo): Uint8Array => toBinary(KeptSnapshotSchema, keptOf(snapshot))

/** Throws `corrupt` unless the bytes are those of a snapshot. */
export const parseSnapshot = (bytes: Uint8Array): SnapshotInfo =>
  infoOf(parseMessage(KeptSnapshotSchema, bytes, 'snapshot.parse', 'what is remembered of a snapshot'))
