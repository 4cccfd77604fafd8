/**
 * The file `access.keys`: what one device needs to run unattended, like an SSH private key file. It holds neither the
 * account's token nor the identity, so whoever steals it cannot take the account over.
 */
import { toBinary } from '@bufbuild/protobuf'
import { demand } from '@anysync/protocol/errors.ts'
import { AccessKeysSchema, type AccessKeys } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { accessKeysBytesMax, idBytes, keyBytes, tokenBytes } from '@anysync/protocol/limits.ts'
import { equalBytes } from './bytes.ts'
import { parseMessage } from './message.ts'

const operation = 'access.keys'

export const accessKeysVersion = 1

/** The file's bytes. */
export const serializeAccessKeys = (keys: AccessKeys): Uint8Array<ArrayBuffer> => toBinary(AccessKeysSchema, keys)

/** Throws `corrupt` for a damaged file, `invalid` for one that a newer AnySync wrote. */
export const parseAccessKeys = (bytes: Uint8Array): AccessKeys => {
  const size = `access.keys is ${bytes.length} bytes; more than ${accessKeysBytesMax} is refused`
  demand(bytes.length <= accessKeysBytesMax, operation, 'corrupt', size)
  const keys = parseMessage(AccessKeysSchema, bytes, operation, 'access.keys')
  const version = `access.keys has version ${keys.version}, written by a newer AnySync: update this one`
  demand(keys.version <= accessKeysVersion, operation, 'invalid', version)
  demand(isWhole(keys), operation, 'corrupt', 'access.keys is damaged; log in again to make it anew')
  return keys
}

const isWhole = (keys: AccessKeys): boolean =>
  keys.version === accessKeysVersion &&
  /^https:\/\/[^\s/?#@]+$/.test(keys.serverUrl) &&
  keys.email !== '' &&
  keys.userId.length === idBytes &&
  keys.deviceId.length === idBytes &&
  keys.deviceName !== '' &&
  keys.deviceToken.length === tokenBytes &&
  keys.signingSeed.length === keyBytes &&
  keys.fileKey.length === keyBytes &&
  keys.deviceCertificate !== undefined &&
  equalBytes(keys.deviceCertificate.deviceId, keys.deviceId)
