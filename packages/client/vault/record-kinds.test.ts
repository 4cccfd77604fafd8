/** The bodies of records that are no snapshots: golden bytes, and what a reader refuses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromJson, toJson, type JsonValue } from '@bufbuild/protobuf'
import {
  CheckpointBodySchema,
  ForgetBodySchema,
  KeptSnapshotSchema,
  RescueBodySchema,
  RetireBodySchema,
  TagBodySchema,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { retiredPacksMax } from '@anysync/protocol/limits.ts'
import { replayedChance } from '../content/store.suite.ts'
import { goldenVectors } from '../crypto/golden.suite.ts'
import { openRecord, sealRecord } from './record.ts'
import { parseBody, type AnyBody, bodyToBytes, kindOfBody } from './record-body.ts'
import { bodyOf, cipher, contentOf, identityPublicKey, keysOf, signerOf, trouble } from './vault.suite.ts'
import type { LogHead } from '../ports.ts'

const common = { timeNs: 1_795_437_261_123_456_789n, deviceName: 'Ada’s laptop' }
const pack = (byte: number) => new Uint8Array(32).fill(byte)
const indexed = (byte: number) => ({
  pack: pack(byte),
  directory: {
    segments: [
      { kind: 4, compression: 1, sealedLength: 140, plainLength: 100, chunks: [{ id: pack(byte + 1), length: 100 }] },
    ],
  },
})
const keptSnapshot = (sequence: bigint) => ({
  sequence,
  hash: pack(9),
  deviceId: new Uint8Array(16).fill(4),
  root: contentOf(100, 0x77),
  timeNs: common.timeNs,
  deviceName: common.deviceName,
  statistics: { files: 2n },
})

const bodies = {
  forget: create(ForgetBodySchema, { ...common, sequences: [1n], rule: 'keep-last 1' }),
  retire: create(RetireBodySchema, { ...common, retired: [pack(1), pack(2)], packs: [indexed(3)] }),
  rescue: create(RescueBodySchema, {
    ...common,
    snapshots: [create(KeptSnapshotSchema, keptSnapshot(1n))],
    packs: [indexed(1)],
  }),
  tag: create(TagBodySchema, { ...common, sequence: 1n, label: 'before the move', isPinned: true }),
  checkpoint: create(CheckpointBodySchema, {
    ...common,
    indexPacks: [indexed(5)],
    deviceHeads: [{ deviceId: new Uint8Array(16).fill(4), sequence: 1n }],
  }),
} satisfies Record<string, AnyBody>

const schemas = {
  forget: ForgetBodySchema,
  retire: RetireBodySchema,
  rescue: RescueBodySchema,
  tag: TagBodySchema,
  checkpoint: CheckpointBodySchema,
} as const

const nonce = (byte: number) => new Uint8Array(24).fill(byte).toHex()

/** Each kind as the second record of a log. */
const sealAll = () => {
  const signer = signerOf(1)
  const first = sealRecord({ cipher, keys: keysOf(undefined, [0], replayedChance(nonce(1))), signer }, null, bodyOf())
  const records = (Object.keys(bodies) as (keyof typeof bodies)[]).map((name, i) => {
    const keys = keysOf(undefined, [0], replayedChance(nonce(i + 2)))
    const { bytes, head } = sealRecord({ cipher, keys, signer }, first.head, bodies[name])
    const body: JsonValue = toJson(schemas[name], bodies[name] as never)
    return { name, nonce: nonce(i + 2), body, hash: head.hash, hex: bytes.toHex() }
  })
  return {
    source: 'our own; keys and device 1 are those of record.json, and each of these follows `first`',
    first: first.bytes.toHex(),
    records,
  }
}

const vectors = goldenVectors('record-kinds', sealAll())
const parts = { cipher, keys: keysOf(), identityPublicKey }
const first: LogHead = openRecord(parts, null, Uint8Array.fromHex(vectors.first)).head

test('every kind of record is sealed byte for byte, and opens to its body', () => {
  assert.equal(vectors.records.length, 5)
  for (const { name, body, hash, hex } of vectors.records) {
    const opened = openRecord(parts, first, Uint8Array.fromHex(hex))
    assert.equal(opened.head.hash, hash)
    assert.deepEqual(opened.body, fromJson<(typeof schemas)['forget']>(schemas[name] as never, body))
  }
})

test('every flipped bit of every kind is refused', () => {
  for (const { hex } of vectors.records) {
    const bytes = Uint8Array.fromHex(hex)
    for (let bit = 0; bit < bytes.length * 8; bit += 3) {
      const damaged = bytes.slice()
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      assert.throws(() => openRecord(parts, first, damaged), isRefusal)
    }
  }
})

const isRefusal = (error: unknown): boolean =>
  error instanceof Error && 'kind' in error && (error.kind === 'corrupt' || error.kind === 'invalid')

test('a device begins with a checkpoint only', () => {
  for (const { name, hex } of vectors.records) {
    const open = () => openRecord(parts, 'unknown', Uint8Array.fromHex(hex))
    if (name === 'checkpoint') assert.equal(open().head.sequence, 2)
    else assert.throws(open, trouble('corrupt', /no checkpoint/))
  }
})

const refused: [string, AnyBody][] = [
  ['a forget of nothing', create(ForgetBodySchema, {})],
  ['a forget of itself', create(ForgetBodySchema, { sequences: [9n] })],
  ['a forget of record 0', create(ForgetBodySchema, { sequences: [0n] })],
  ['a forget twice', create(ForgetBodySchema, { sequences: [3n, 3n] })],
  ['a forget out of order', create(ForgetBodySchema, { sequences: [4n, 3n] })],
  ['a rule of 1025 bytes', create(ForgetBodySchema, { sequences: [3n], rule: 'x'.repeat(1025) })],
  ['a pack with a short name', create(RetireBodySchema, { retired: [new Uint8Array(31)] })],
  ['packs out of order', create(RetireBodySchema, { retired: [pack(2), pack(1)] })],
  ['a pack twice', create(RetireBodySchema, { retired: [pack(2), pack(2)] })],
  [
    'too many packs',
    create(RetireBodySchema, {
      retired: Array.from({ length: retiredPacksMax + 1 }, (_, i) => Uint8Array.of(i >> 8, i, ...pack(0).subarray(2))),
    }),
  ],
  ['a rescue of what is not yet', create(RescueBodySchema, { snapshots: [keptSnapshot(9n)] })],
  [
    'a rescue without a root',
    create(RescueBodySchema, { snapshots: [{ sequence: 1n, hash: pack(1), deviceId: new Uint8Array(16) }] }),
  ],
  [
    'a rescue that touches half a node',
    create(RescueBodySchema, { snapshots: [{ ...keptSnapshot(1n), touched: { edited: new Uint8Array(24) } }] }),
  ],
  [
    'a rescue that pads what it touches',
    create(RescueBodySchema, { snapshots: [{ ...keptSnapshot(1n), touched: { padding: new Uint8Array(1) } }] }),
  ],
  ['a checkpoint of nothing', create(CheckpointBodySchema, {})],
  ['a tag of itself', create(TagBodySchema, { sequence: 9n })],
  ['a label of 256 bytes', create(TagBodySchema, { sequence: 1n, label: 'x'.repeat(256) })],
  ['a device name of 65 bytes', create(TagBodySchema, { sequence: 1n, deviceName: 'x'.repeat(65) })],
  [
    'a device named twice',
    create(TagBodySchema, {
      sequence: 1n,
      deviceHeads: [1, 1].map(() => ({ deviceId: new Uint8Array(16), sequence: 1n })),
    }),
  ],
]
for (const [why, body] of refused) {
  test(`a body is refused: ${why}`, () => {
    assert.throws(() => parseBody(kindOfBody(body), bodyToBytes(body), 9), trouble('corrupt'))
  })
}
