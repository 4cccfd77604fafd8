import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { SyncError, type Kind } from '@anysync/protocol/errors.ts'
import { AccessKeysSchema, type AccessKeys } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { deviceIdFromBytes } from '@anysync/protocol/ids.ts'
import { seededChance } from '../memory/chance.ts'
import { parseAccessKeys, serializeAccessKeys } from './access-keys.ts'
import { goldenVectors, hex } from './golden.suite.ts'
import { certifyDevice } from './sign.ts'

type Vectors = { valid: { file: string }[]; invalid: { file: string; kind: Kind; why: string }[] }

const makeKeys = (): AccessKeys => {
  const chance = seededChance(17)
  const deviceId = chance.bytes(16)
  const signingSeed = chance.bytes(32)
  return create(AccessKeysSchema, {
    version: 1,
    serverUrl: 'https://cloud.example.org:65065',
    pinnedCertificate: chance.bytes(100),
    email: 'ada@example.org',
    userId: chance.bytes(16),
    deviceId,
    deviceName: 'Ada’s laptop',
    deviceToken: chance.bytes(32),
    signingSeed,
    deviceCertificate: certifyDevice(nodeCipher, chance.bytes(32), {
      deviceId: deviceIdFromBytes(deviceId),
      devicePublicKey: nodeCipher.signPublicKey(signingSeed),
      issuedNs: 1_767_225_600_000_000_000n,
    }),
    fileKey: chance.bytes(32),
  })
}

const raw = (why: string, file: string, kind: Kind = 'corrupt') => ({ file, kind, why })

const makeVectors = (): Vectors => {
  const good = makeKeys()
  const bytes = toBinary(AccessKeysSchema, good)
  const lie = (why: string, change: Partial<AccessKeys>, kind: Kind = 'corrupt') =>
    raw(why, toBinary(AccessKeysSchema, { ...good, ...change }).toHex(), kind)
  const { deviceCertificate: _, ...uncertified } = good
  return {
    valid: [
      { file: bytes.toHex() },
      { file: toBinary(AccessKeysSchema, { ...good, pinnedCertificate: new Uint8Array() }).toHex() },
    ],
    invalid: [
      raw('empty', ''),
      raw('truncated', bytes.subarray(0, -1).toHex()),
      raw('half', bytes.subarray(0, bytes.length >> 1).toHex()),
      raw('not a message at all', 'ff'.repeat(40)),
      raw('a byte appended', bytes.toHex() + '00'),
      raw('an unknown field', bytes.toHex() + 'f80101'),
      raw('a field twice', bytes.toHex() + '5a20' + '00'.repeat(32)),
      lie('version 0', { version: 0 }),
      lie('version 2', { version: 2 }, 'invalid'),
      lie('no server', { serverUrl: '' }),
      lie('a server without TLS', { serverUrl: 'http://cloud.example.org' }),
      lie('a server with a path', { serverUrl: 'https://cloud.example.org/x' }),
      lie('a server with a user', { serverUrl: 'https://ada@cloud.example.org' }),
      lie('no e-mail', { email: '' }),
      lie('a user id of 15 bytes', { userId: good.userId.subarray(1) }),
      lie('a device id of 15 bytes', { deviceId: good.deviceId.subarray(1) }),
      lie('no device name', { deviceName: '' }),
      lie('a token of 31 bytes', { deviceToken: good.deviceToken.subarray(1) }),
      lie('no signing seed', { signingSeed: new Uint8Array() }),
      lie('a file key of 33 bytes', { fileKey: new Uint8Array(33) }),
      lie('the certificate of another device', { deviceId: new Uint8Array(16) }),
      raw('no certificate', toBinary(AccessKeysSchema, uncertified).toHex()),
    ],
  }
}

test('access.keys are read as they were written, and what is damaged is refused', () => {
  const { valid, invalid } = goldenVectors('access-keys', makeVectors())
  for (const { file } of valid) assert.equal(serializeAccessKeys(parseAccessKeys(hex(file))).toHex(), file)
  assert.deepEqual(parseAccessKeys(hex(valid[0]!.file)), makeKeys())
  for (const { file, kind, why } of invalid) {
    const isRefused = (error: unknown): boolean => error instanceof SyncError && error.kind === kind
    assert.throws(() => parseAccessKeys(hex(file)), isRefused, why)
  }
})

test('access.keys over 64 KiB are not even read', () => {
  assert.throws(() => parseAccessKeys(new Uint8Array(65_537)), /refused/)
})
