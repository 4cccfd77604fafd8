/**
 * Attacks on the log: what a server can do to records that it cannot read, and what it could do with one that it made itself.
 */
import assert from 'node:assert/strict'
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { nodeChance } from '@anysync/cli/ports/chance.ts'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { encodeContext } from '@anysync/client/crypto/context.ts'
import { certifyDevice } from '@anysync/client/crypto/sign.ts'
import { sealRecord, type Signer } from '@anysync/client/vault/record.ts'
import {
  DeviceHeadSchema,
  RecordHeaderSchema,
  RecordSchema,
  SnapshotBodySchema,
  StatisticsSchema,
  type Content,
  type RecordHeader,
  type RecordKind,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { deviceIdFromBytes } from '@anysync/protocol/ids.ts'
import { frame } from './proxy.ts'
import { copyOf, headOf, openRecord, type Records } from './records.ts'
import { refuses, type Attack } from './stage.ts'

/** The server gives other records than it has: those that the laptop has not seen, after the newest that it has. */
const giving = (change: (records: Records) => Records, says: RegExp): Attack['play'] =>
  refuses(
    () => ({
      records: (records) => {
        assert.ok(records.length >= 4)
        return [...records.slice(0, -4), ...change(records.slice(-4))]
      },
    }),
    { says },
  )

/** Everything but one record, which is another. */
const exchanged = (records: Records, at: number, other: Uint8Array): Records => records.with(at, other)

const altered = (records: Records, at: number, change: (record: ReturnType<typeof openRecord>) => void): Records => {
  const record = openRecord(copyOf(records, at))
  change(record)
  const header = toBinary(RecordHeaderSchema, record.header)
  return exchanged(records, at, toBinary(RecordSchema, create(RecordSchema, { ...record.record, header })))
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

/** Follows the newest record that the laptop has seen with one that was made with keys of the vault. */
const forged = (
  parts: {
    body?: MessageInitShape<typeof SnapshotBodySchema>
    signer?: (own: Signer) => Signer
    header?: (header: RecordHeader) => void
  },
  says: RegExp,
  kinds: ('corrupt' | 'invalid')[] = ['corrupt'],
): Attack['play'] =>
  refuses(
    async (stage) => {
      await using opened = await stage.openDesk()
      const { vault, session } = opened
      const root = vault.newest()?.root
      const certificate = session.keys.deviceCertificate
      assert.ok(root && certificate)
      const own = { signingSeed: session.keys.signingSeed, certificate }
      const signer = parts.signer?.(own) ?? own
      const statistics = create(StatisticsSchema)
      const body = create(SnapshotBodySchema, { root, timeNs: 1n, deviceName: 'desk', statistics, ...parts.body })
      return {
        records: (records) => {
          const seen = copyOf(records, 0)
          const { bytes } = sealRecord({ cipher: nodeCipher, keys: vault.keys, signer }, headOf(seen), body)
          const record = openRecord(bytes)
          parts.header?.(record.header)
          const header = toBinary(RecordHeaderSchema, record.header)
          const signed = encodeContext('record-signature', header, nodeCipher.sha256(record.record.sealedBody))
          const signature = nodeCipher.sign(signer.signingSeed, signed)
          return [seen, toBinary(RecordSchema, create(RecordSchema, { ...record.record, header, signature }))]
        },
      }
    },
    { kinds, says },
  )

/** A key that the server made itself. */
const signingSeed = nodeChance.bytes(32)
const devicePublicKey = nodeCipher.signPublicKey(signingSeed)

export const recordAttacks: Attack[] = [
  { name: 'a record is dropped', play: giving((records) => records.toSpliced(2, 1), /number/) },
  { name: 'a record is repeated', play: giving((records) => records.toSpliced(2, 0, copyOf(records, 1)), /number/) },
  {
    name: 'two records change places',
    play: giving((records) => records.with(1, copyOf(records, 2)).with(2, copyOf(records, 1)), /number/),
  },
  {
    name: 'a record is cut off',
    play: giving((records) => exchanged(records, 2, copyOf(records, 2).slice(0, -1)), /damaged|belong/),
  },
  {
    name: 'a byte follows a record',
    play: giving((records) => exchanged(records, 2, Uint8Array.of(...copyOf(records, 2), 0)), /damaged|belong/),
  },
  {
    name: 'a record gets the body of another',
    play: giving(
      (records) =>
        altered(
          records,
          1,
          ({ record }) => void (record.sealedBody = openRecord(copyOf(records, 2)).record.sealedBody),
        ),
      /did not sign/,
    ),
  },
  {
    name: 'a record gets the signature of another',
    play: giving(
      (records) =>
        altered(records, 1, ({ record }) => void (record.signature = openRecord(copyOf(records, 2)).record.signature)),
      /did not sign/,
    ),
  },
  {
    name: 'a record is told to be of another epoch',
    play: giving((records) => altered(records, 1, ({ header }) => void (header.epoch = 7)), /did not sign/),
  },
  {
    name: 'a record is told to be of another device',
    play: giving(
      (records) => altered(records, 1, ({ header }) => void (header.device!.deviceId = nodeChance.bytes(16))),
      /signature that its identity did not make/,
    ),
  },
  {
    name: 'a record is told to be of another time of login',
    play: giving(
      (records) => altered(records, 1, ({ header }) => void (header.device!.issuedNs += 1n)),
      /signature that its identity did not make/,
    ),
  },
  {
    name: 'a record is told to be of another vault',
    play: giving(
      (records) => altered(records, 1, ({ header }) => void (header.vaultId = nodeChance.bytes(16))),
      /another vault/,
    ),
  },
  {
    name: 'a record has another number',
    play: giving((records) => altered(records, 1, ({ header }) => void (header.sequence = 9n)), /number 9/),
  },
  {
    name: 'a record follows another one',
    play: giving(
      (records) => altered(records, 1, ({ header }) => void (header.previous = nodeChance.bytes(32))),
      /does not follow/,
    ),
  },
  {
    name: 'the last byte of a sealed body is another',
    play: giving(
      (records) => altered(records, 3, ({ record }) => void (record.sealedBody = flipped(record.sealedBody, 99))),
      /did not sign/,
    ),
  },
  { name: 'an answer holds what is no record', play: giving(() => [nodeChance.bytes(500)], /history|damaged|record/) },
  {
    name: 'records go on without an end',
    play: refuses(
      () => ({
        endless: (route) =>
          route.endsWith('RecordsSince')
            ? {
                status: 200,
                headers: { 'content-type': 'application/connect+proto' },
                portion: frame(0, new Uint8Array(1000)),
              }
            : null,
      }),
      { says: /./, kinds: ['corrupt', 'unavailable'] },
    ),
  },
  {
    name: 'a record is larger than any may be',
    play: refuses(
      () => ({
        answer: (route, answer) => {
          if (route.endsWith('RecordsSince')) answer.body = frame(0, new Uint8Array(80_000_000))
        },
      }),
      { says: /./, kinds: ['corrupt', 'unavailable'] },
    ),
  },
  {
    name: 'the body is one that this vault never sealed',
    play: refuses(
      async (stage) => {
        await using opened = await stage.openDesk()
        const { signingSeed: seed, deviceCertificate } = opened.session.keys
        assert.ok(deviceCertificate)
        return {
          records: (records) =>
            altered(records, 1, ({ record, header }) => {
              record.sealedBody = flipped(record.sealedBody, 50)
              const bytes = toBinary(RecordHeaderSchema, header)
              const hash = nodeCipher.sha256(record.sealedBody)
              record.signature = nodeCipher.sign(seed, encodeContext('record-signature', bytes, hash))
            }),
        }
      },
      { says: /cannot be opened/ },
    ),
  },
  {
    name: 'a record is signed by a device that nobody certified',
    play: forged(
      { signer: ({ certificate }) => ({ signingSeed, certificate: { ...certificate, devicePublicKey } }) },
      /signature that its identity did not make/,
    ),
  },
  {
    name: "a record is signed by a device of the server's own identity",
    play: forged(
      {
        signer: () => {
          const deviceId = deviceIdFromBytes(nodeChance.bytes(16))
          const certificate = certifyDevice(nodeCipher, signingSeed, { deviceId, devicePublicKey, issuedNs: 1n })
          return { signingSeed, certificate }
        },
      },
      /another identity/,
    ),
  },
  {
    name: 'a record knows of records that are hidden here',
    play: forged(
      { body: { deviceHeads: [create(DeviceHeadSchema, { deviceId: nodeChance.bytes(16), sequence: 99n })] } },
      /different histories to different devices/,
    ),
  },
  {
    name: 'a record has no root',
    play: forged({ body: { root: undefined as unknown as Content } }, /no root/),
  },
  {
    name: 'a record touches half a node',
    play: forged({ body: { touched: { edited: nodeChance.bytes(24) } } }, /touches half a node/),
  },
  {
    name: 'a record brings a pack that cannot be',
    play: forged({ body: { packs: [{ pack: nodeChance.bytes(32), directory: { segments: [] } }] } }, /0 segments/),
  },
  {
    name: 'a record tells of a root that is larger than any tree',
    play: forged({ body: { root: { size: 2n ** 40n, depth: 3, chunks: [nodeChance.bytes(32)] } } }, /tree of|bytes/),
  },
  {
    name: 'a record is of a version that is not known',
    play: forged({ header: (header) => void (header.version = 2) }, /newer AnySync/, ['invalid']),
  },
  {
    name: 'a record is of a kind that is not known',
    play: forged({ header: (header) => void (header.kind = 77 as RecordKind) }, /newer AnySync/, ['invalid']),
  },
]
