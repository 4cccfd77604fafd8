/**
 * The bodies of records, by kind: which message each is, and what none of them may say. What a record means for the
 * vault is `replay.ts`'s.
 */
import { toBinary, type MessageShape } from '@bufbuild/protobuf'
import { demand } from '@anysync/protocol/errors.ts'
import {
  CheckpointBodySchema,
  ForgetBodySchema,
  RecordKind,
  RescueBodySchema,
  RetireBodySchema,
  SnapshotBodySchema,
  TagBodySchema,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { toHex } from '@anysync/protocol/ids.ts'
import {
  forgetSequencesMax,
  hashBytes,
  rescueSnapshotsMax,
  retiredPacksMax,
  ruleBytesMax,
} from '@anysync/protocol/limits.ts'
import { utf8 } from '../crypto/bytes.ts'
import { parseMessage } from '../crypto/message.ts'
import { checkKeptSnapshot } from './kept-snapshot.ts'
import { checkCommon, checkSnapshotBody, type CheckedSnapshotBody } from './snapshot-body.ts'

const schemas = {
  [RecordKind.SNAPSHOT]: SnapshotBodySchema,
  [RecordKind.CHECKPOINT]: CheckpointBodySchema,
  [RecordKind.FORGET]: ForgetBodySchema,
  [RecordKind.RETIRE]: RetireBodySchema,
  [RecordKind.RESCUE]: RescueBodySchema,
  [RecordKind.TAG]: TagBodySchema,
} as const

type KnownKind = keyof typeof schemas
const knownKinds: readonly KnownKind[] = [
  RecordKind.SNAPSHOT,
  RecordKind.CHECKPOINT,
  RecordKind.FORGET,
  RecordKind.RETIRE,
  RecordKind.RESCUE,
  RecordKind.TAG,
]

/** A body; its `$typeName` tells which. */
export type AnyBody = MessageShape<(typeof schemas)[KnownKind]>
export type BodyNamed<Name extends AnyBody['$typeName']> = Extract<AnyBody, { $typeName: Name }>
/** A body that `parseBody` has seen: what must be there is there. */
export type CheckedBody = CheckedSnapshotBody | Exclude<AnyBody, BodyNamed<'anysync.v1.SnapshotBody'>>

export const isKnownKind = (kind: RecordKind): kind is KnownKind => knownKinds.some((known) => known === kind)

export const kindOfBody = (body: AnyBody): KnownKind => {
  const kind = knownKinds.find((kind) => schemas[kind].typeName === body.$typeName)
  demand(kind !== undefined, 'record.seal', 'invalid', 'a record has a body of some kind')
  return kind
}

export const bodyToBytes = (body: AnyBody): Uint8Array => toBinary(schemas[kindOfBody(body)], body)

/** The body of the record of this number. Throws `corrupt` unless a writer makes such. */
export const parseBody = (kind: RecordKind, plaintext: Uint8Array, sequence: number): CheckedBody => {
  const what = `the body of record ${sequence}`
  demand(isKnownKind(kind), 'record.open', 'invalid', `${what} is of a kind that only a newer AnySync knows`)
  const body: AnyBody = parseMessage(schemas[kind], plaintext, 'record.open', what)
  if (body.$typeName === 'anysync.v1.SnapshotBody') {
    checkSnapshotBody(body, sequence)
    return body
  }
  checkCommon(body, sequence)
  checkOwn(body, sequence)
  return body
}

/** What a body of this kind alone may not say. */
const checkOwn = (body: Exclude<AnyBody, BodyNamed<'anysync.v1.SnapshotBody'>>, sequence: number): void => {
  const refuseUnless = (fact: boolean, why: string): void =>
    demand(fact, 'record.open', 'corrupt', `the body of record ${sequence} is damaged: ${why}`)
  const isBefore = (other: bigint): boolean => other >= 1n && other < BigInt(sequence)
  switch (body.$typeName) {
    case 'anysync.v1.CheckpointBody':
      refuseUnless(body.indexPacks.length > 0, 'a checkpoint holds nothing')
      break
    case 'anysync.v1.ForgetBody': {
      const { sequences } = body
      refuseUnless(sequences.length > 0 && sequences.length <= forgetSequencesMax, `it forgets ${sequences.length}`)
      refuseUnless(sequences.every(isBefore) && isAscending(sequences), 'what it forgets is out of order')
      refuseUnless(utf8(body.rule).length <= ruleBytesMax, 'its rule is too long')
      break
    }
    case 'anysync.v1.RetireBody': {
      refuseUnless(body.retired.length <= retiredPacksMax, `it retires ${body.retired.length} packs`)
      refuseUnless(
        body.retired.every((pack) => pack.length === hashBytes),
        'it names what is no pack',
      )
      refuseUnless(isAscending(body.retired.map(toHex)), 'the packs that it retires are out of order')
      break
    }
    case 'anysync.v1.RescueBody': {
      const sequences = body.snapshots.map((snapshot) => snapshot.sequence)
      refuseUnless(sequences.length <= rescueSnapshotsMax, `it rescues ${sequences.length} snapshots`)
      refuseUnless(sequences.every(isBefore) && isAscending(sequences), 'what it rescues is out of order')
      for (const snapshot of body.snapshots) checkKeptSnapshot(snapshot)
      break
    }
    case 'anysync.v1.TagBody':
      refuseUnless(isBefore(body.sequence), `it tags record ${body.sequence}`)
  }
}

const isAscending = (values: readonly (bigint | string)[]): boolean =>
  values.every((value, i) => i === 0 || (values[i - 1] ?? value) < value)
