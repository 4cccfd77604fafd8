import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { DeviceCertificateSchema, type DeviceCertificate } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { deviceIdFromBytes } from '@anysync/protocol/ids.ts'
import { seededChance } from '../memory/chance.ts'
import { encodeContext } from './context.ts'
import { goldenVectors, hex } from './golden.suite.ts'
import { certifyDevice, checkDeviceCertificate } from './sign.ts'

type Vector = { identityPublicKey: string; certificate: string }

const isCorrupt = (error: unknown): boolean => error instanceof SyncError && error.kind === 'corrupt'
const flip = (bytes: Uint8Array, index: number): Uint8Array => bytes.map((byte, i) => (i === index ? byte ^ 1 : byte))

const makeVectors = (): { valid: Vector[]; invalid: (Vector & { why: string })[] } => {
  const chance = seededChance(11)
  const [ours, theirs] = [chance.bytes(32), chance.bytes(32)]
  const certify = (seed: Uint8Array, issuedNs: bigint): DeviceCertificate =>
    certifyDevice(nodeCipher, seed, {
      deviceId: deviceIdFromBytes(chance.bytes(16)),
      devicePublicKey: nodeCipher.signPublicKey(chance.bytes(32)),
      issuedNs,
    })
  const vector = (certificate: DeviceCertificate): Vector => ({
    identityPublicKey: nodeCipher.signPublicKey(ours).toHex(),
    certificate: toBinary(DeviceCertificateSchema, certificate).toHex(),
  })
  const good = certify(ours, 1_767_225_600_123_456_789n)
  const other = certify(ours, 1_767_225_600_123_456_790n)
  const signed = (...fields: (string | Uint8Array | bigint)[]): Uint8Array =>
    nodeCipher.sign(ours, encodeContext(...fields))
  const { deviceId, devicePublicKey, identityPublicKey, issuedNs } = good
  const stranger = nodeCipher.signPublicKey(theirs)
  const lie = (why: string, change: Partial<DeviceCertificate>): Vector & { why: string } => ({
    ...vector({ ...good, ...change }),
    why,
  })
  return {
    valid: [vector(good), vector(other), vector(certify(ours, 0n))],
    invalid: [
      { ...vector(certify(theirs, issuedNs)), why: 'certified by another identity' },
      lie('names our identity, signed by another', { signature: certify(theirs, issuedNs).signature }),
      lie('the signature of another certificate', { signature: other.signature }),
      lie('another device id', { deviceId: other.deviceId }),
      lie('another device key', { devicePublicKey: other.devicePublicKey }),
      lie('another time', { issuedNs: other.issuedNs }),
      lie('a time before 1970, signed as its unsigned twin', {
        issuedNs: -1n,
        signature: signed('device', deviceId, devicePublicKey, identityPublicKey, 2n ** 64n - 1n),
      }),
      lie('names another identity, signed by ours', {
        identityPublicKey: stranger,
        signature: signed('device', deviceId, devicePublicKey, stranger, issuedNs),
      }),
      lie('a flipped bit in the signature', { signature: flip(good.signature, 40) }),
      lie('no signature', { signature: new Uint8Array() }),
      lie('a signature of 63 bytes', { signature: good.signature.subarray(1) }),
      lie('a device id of 15 bytes', { deviceId: deviceId.subarray(1) }),
      lie('a device key of 31 bytes', { devicePublicKey: devicePublicKey.subarray(1) }),
      lie('an identity key of 31 bytes', { identityPublicKey: identityPublicKey.subarray(1) }),
      lie('signed in another context', {
        signature: signed('login', deviceId, devicePublicKey, identityPublicKey, issuedNs),
      }),
      lie('signed in another order', {
        signature: signed('device', devicePublicKey, deviceId, identityPublicKey, issuedNs),
      }),
    ],
  }
}

test('a device certificate is believed when its identity signed all of it, and never else', () => {
  const { valid, invalid } = goldenVectors('device-certificate', makeVectors())
  for (const { identityPublicKey, certificate } of valid) {
    checkDeviceCertificate(nodeCipher, fromBinary(DeviceCertificateSchema, hex(certificate)), hex(identityPublicKey))
  }
  for (const { identityPublicKey, certificate, why } of invalid) {
    const parsed = fromBinary(DeviceCertificateSchema, hex(certificate))
    assert.throws(() => checkDeviceCertificate(nodeCipher, parsed, hex(identityPublicKey)), isCorrupt, why)
  }
})

test('a device certificate with any bit of any field flipped is refused', () => {
  const { identityPublicKey, certificate } = makeVectors().valid[0]!
  const good = fromBinary(DeviceCertificateSchema, hex(certificate))
  for (const field of ['deviceId', 'devicePublicKey', 'identityPublicKey', 'signature'] as const) {
    for (let i = 0; i < good[field].length; i++) {
      const altered = { ...good, [field]: flip(good[field], i) }
      assert.throws(() => checkDeviceCertificate(nodeCipher, altered, hex(identityPublicKey)), isCorrupt)
    }
  }
})
