/**
 * The parsers of what records say that are no snapshots, and of what is remembered of a snapshot.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { placesOf } from '@anysync/client/content/places.ts'
import { parseSnapshot, serializeSnapshot } from '@anysync/client/vault/kept-snapshot.ts'
import { bodyToBytes, kindOfBody, parseBody, type AnyBody } from '@anysync/client/vault/record-body.ts'
import { contentOf } from '@anysync/client/vault/vault.suite.ts'
import {
  CheckpointBodySchema,
  ForgetBodySchema,
  KeptSnapshotSchema,
  RescueBodySchema,
  RetireBodySchema,
  TagBodySchema,
  type IndexedPack,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { Target } from './target.ts'

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const common = { timeNs: 5n, deviceName: 'laptop', deviceHeads: [{ deviceId: bytes(16, 4), sequence: 3n }] }

const kept = create(KeptSnapshotSchema, {
  sequence: 7n,
  hash: bytes(32, 9),
  deviceId: bytes(16, 4),
  root: contentOf(100, 0x77),
  timeNs: 5n,
  deviceName: 'laptop',
  statistics: { files: 2n },
  label: 'kept',
  isPinned: true,
  touched: { placed: bytes(32, 1), edited: bytes(16, 2), written: bytes(16, 3) },
})

/** Bodies that the first record of a log may have, for these are opened as such. */
export const firstBodies = (packs: IndexedPack[]): AnyBody[] => [
  create(CheckpointBodySchema, { ...common, indexPacks: packs }),
  create(RetireBodySchema, { ...common, retired: [bytes(32, 1), bytes(32, 2)], packs }),
]

const bodyTarget = (name: string, body: AnyBody): Target => ({
  name: `the body of a ${name}`,
  valid: [bodyToBytes(body)],
  isAuthenticated: false,
  read: (input) => {
    const parsed = parseBody(kindOfBody(body), input, 100)
    const packs = 'packs' in parsed ? [...parsed.packs, ...parsed.indexPacks] : []
    for (const pack of packs) Array.from(placesOf(pack))
    return bodyToBytes(parsed)
  },
})

export const kindTargets = (packs: IndexedPack[]): Target[] => [
  ...firstBodies(packs).map((body) => bodyTarget(body.$typeName.replace('anysync.v1.', ''), body)),
  bodyTarget('ForgetBody', create(ForgetBodySchema, { ...common, sequences: [1n, 7n, 99n], rule: 'keep-last 1' })),
  bodyTarget('RescueBody', create(RescueBodySchema, { ...common, snapshots: [kept], packs })),
  bodyTarget('TagBody', create(TagBodySchema, { ...common, sequence: 7n, label: 'kept', isPinned: true })),
  {
    name: 'what is remembered of a snapshot',
    valid: [toBinary(KeptSnapshotSchema, kept)],
    isAuthenticated: false,
    read: (input) => serializeSnapshot(parseSnapshot(input)),
  },
]
