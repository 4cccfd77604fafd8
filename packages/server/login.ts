/**
 * How a password becomes a device: a challenge, a signature by a key that only the password gives, and a new token
 * sealed to a key of this login alone. The server never sees the password, and a stranger learns nothing of who
 * has an account: unknown e-mails get stable parameters, and every failure is the same one.
 */
import { createPublicKey, generateKeyPairSync, randomBytes, verify, type KeyObject } from 'node:crypto'
import nacl from 'tweetnacl'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { encodeContext } from '@anysync/protocol/context.ts'
import { deviceIdFromBytes, type DeviceId, type UserId } from '@anysync/protocol/ids.ts'
import {
  challengeBytesMax,
  clientVersionBytesMax,
  deviceNameBytesMax,
  devicesPerAccountMax,
  idBytes,
  keyBytes,
  saltBytes,
  scryptFloor,
  signatureBytes,
} from '@anysync/protocol/limits.ts'
import type { Attempts } from './attempts.ts'
import { checkBytes, checkLength, checkText } from './check.ts'
import type { Challenges } from './challenge.ts'
import type { Clock } from './clock.ts'
import type { Database } from './db/tables.ts'
import { checkEmail } from './email.ts'
import type { ServerMac } from './secret.ts'
import { hashToken, newToken } from './tokens.ts'

export type Costs = { n: number; r: number; p: number; salt: Uint8Array }

export type LoginRequest = {
  clientVersion: string
  email: string
  boxPublicKey: Uint8Array
  challenge: Uint8Array
  deviceName: string
  signature: Uint8Array
}

export type LoginAnswer = {
  userId: UserId
  deviceId: DeviceId
  sealedToken: Uint8Array
  serverBoxPublicKey: Uint8Array
  masterKeys: Uint8Array
}

export type LoginParts = {
  database: Database
  clock: Clock
  mac: ServerMac
  challenges: Challenges
  attempts: Attempts
  /** SHA-256 of the certificate that is served now. */
  fingerprint(): Uint8Array
}

export type LoginDesk = {
  challenge(email: string): Promise<{ challenge: Uint8Array; kdf: Costs }>
  /** Throws `unauthorized` for a wrong e-mail, password or challenge alike; `unavailable` when tried too often. */
  login(request: LoginRequest, address: string): Promise<LoginAnswer>
}

export const createLoginDesk = (parts: LoginParts): LoginDesk => {
  const { database, clock, mac, challenges, attempts } = parts
  // Checked for e-mails that have no account, so that they take as long as those that have one.
  const nobodysKey = generateKeyPairSync('ed25519').publicKey

  const accountOf = (email: string) =>
    database
      .selectFrom('account')
      .select(['user_id', 'login_public_key', 'kdf_n', 'kdf_r', 'kdf_p', 'kdf_salt', 'master_keys'])
      .where('email', '=', email)
      .executeTakeFirst()

  return {
    challenge: async (email) => {
      checkEmail('account.challenge', email)
      const account = await accountOf(email)
      const salt = mac('salt', email).subarray(0, saltBytes)
      const kdf =
        account === undefined
          ? { ...scryptFloor, salt }
          : { n: account.kdf_n, r: account.kdf_r, p: account.kdf_p, salt: account.kdf_salt }
      return { challenge: challenges.issue(email), kdf }
    },

    login: async (request, address) => {
      checkLogin(request)
      const attempt = attempts.begin(address, request.email)
      const account = await accountOf(request.email)
      const isFresh = challenges.spend(request.challenge, request.email)
      const key = account === undefined ? nobodysKey : publicKeyOf(account.login_public_key)
      const isSigned = verify(null, signedBytes(request, parts.fingerprint()), key, request.signature)
      if (account === undefined || !isFresh || !isSigned) {
        throw new SyncError(
          'account.login',
          'unauthorized',
          'the e-mail or the password is wrong, or the login took over a minute: try again',
        )
      }
      attempt.succeed()
      const token = newToken()
      const deviceId = await enrol(database, clock, account.user_id, request, token)
      return {
        userId: account.user_id,
        deviceId,
        ...sealToken(token, request.boxPublicKey),
        masterKeys: account.master_keys,
      }
    },
  }
}

const checkLogin = (request: LoginRequest): void => {
  const operation = 'account.login'
  checkEmail(operation, request.email)
  checkText(operation, 'a client version', request.clientVersion, clientVersionBytesMax)
  checkText(operation, 'a device name', request.deviceName, deviceNameBytesMax)
  checkLength(operation, 'a box key', request.boxPublicKey, keyBytes)
  checkBytes(operation, 'a challenge', request.challenge, challengeBytesMax)
  checkLength(operation, 'a signature', request.signature, signatureBytes)
}

/** The certificate is part of it, so a login that somebody in the middle relays is signed for the wrong server. */
const signedBytes = (request: LoginRequest, fingerprint: Uint8Array): Uint8Array =>
  encodeContext(
    'login',
    request.challenge,
    request.email,
    request.boxPublicKey,
    request.clientVersion,
    request.deviceName,
    fingerprint,
  )

const publicKeyOf = (bytes: Uint8Array): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(bytes).toString('base64url') }, format: 'jwk' })

const enrol = (
  database: Database,
  clock: Clock,
  userId: UserId,
  request: LoginRequest,
  token: Uint8Array,
): Promise<DeviceId> =>
  database.transaction().execute(async (transaction) => {
    const { devices } = await transaction
      .selectFrom('device')
      .select((of) => of.fn.countAll<number>().as('devices'))
      .where('user_id', '=', userId)
      .where('revoked_ms', 'is', null)
      .executeTakeFirstOrThrow()
    demand(
      devices < devicesPerAccountMax,
      'account.login',
      'full',
      `the account has ${devicesPerAccountMax} devices: revoke some that are no longer used`,
    )
    const deviceId = deviceIdFromBytes(randomBytes(idBytes))
    const nowMs = clock.nowMs()
    await transaction
      .insertInto('device')
      .values({
        device_id: deviceId,
        user_id: userId,
        name: request.deviceName,
        client_version: request.clientVersion,
        token_hash: hashToken(token),
        created_ms: nowMs,
        seen_ms: nowMs,
        revoked_ms: null,
      })
      .execute()
    return deviceId
  })

/** A NaCl box from a key pair of this login alone: nonce 24 | box. */
const sealToken = (
  token: Uint8Array,
  boxPublicKey: Uint8Array,
): { sealedToken: Uint8Array; serverBoxPublicKey: Uint8Array } => {
  const sender = nacl.box.keyPair()
  const nonce = nacl.randomBytes(nacl.box.nonceLength)
  const box = nacl.box(token, nonce, boxPublicKey, sender.secretKey)
  return { sealedToken: Buffer.concat([nonce, box]), serverBoxPublicKey: sender.publicKey }
}
