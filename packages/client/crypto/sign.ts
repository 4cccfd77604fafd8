/**
 * An identity's word that a device is its own. Every record carries it, so that a log proves itself.
 */
import { create } from '@bufbuild/protobuf'
import { demand } from '@anysync/protocol/errors.ts'
import { DeviceCertificateSchema, type DeviceCertificate } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, type DeviceId } from '@anysync/protocol/ids.ts'
import { idBytes, keyBytes, signatureBytes } from '@anysync/protocol/limits.ts'
import type { Cipher } from '../ports.ts'
import { equalBytes } from './bytes.ts'
import { encodeContext } from './context.ts'

/** Signs a device's public key with the identity key (Ed25519, RFC 8032). */
export const certifyDevice = (
  cipher: Cipher,
  identitySeed: Uint8Array,
  device: { deviceId: DeviceId; devicePublicKey: Uint8Array; issuedNs: bigint },
): DeviceCertificate => {
  const certificate = create(DeviceCertificateSchema, {
    deviceId: idToBytes(device.deviceId),
    devicePublicKey: device.devicePublicKey,
    identityPublicKey: cipher.signPublicKey(identitySeed),
    issuedNs: device.issuedNs,
  })
  certificate.signature = cipher.sign(identitySeed, signedBytes(certificate))
  return certificate
}

/** Throws `corrupt` unless this identity certified the device. */
export const checkDeviceCertificate = (
  cipher: Cipher,
  certificate: DeviceCertificate,
  identityPublicKey: Uint8Array,
): void => {
  const operation = 'device.check'
  demand(isWellFormed(certificate), operation, 'corrupt', 'a device certificate is malformed')
  const isOurs = equalBytes(certificate.identityPublicKey, identityPublicKey)
  demand(isOurs, operation, 'corrupt', 'a device certificate is of another identity')
  const isSigned = cipher.verify(identityPublicKey, signedBytes(certificate), certificate.signature)
  demand(isSigned, operation, 'corrupt', 'a device certificate has a signature that its identity did not make')
}

const isWellFormed = (certificate: DeviceCertificate): boolean =>
  certificate.deviceId.length === idBytes &&
  certificate.devicePublicKey.length === keyBytes &&
  certificate.identityPublicKey.length === keyBytes &&
  certificate.issuedNs >= 0n &&
  certificate.signature.length === signatureBytes

const signedBytes = (certificate: DeviceCertificate): Uint8Array =>
  encodeContext(
    'device',
    certificate.deviceId,
    certificate.devicePublicKey,
    certificate.identityPublicKey,
    certificate.issuedNs,
  )
