/**
 * The memory server towards strangers: invitations, sign-up, challenge and login, as account.proto promises them.
 */
import { create } from '@bufbuild/protobuf'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { KdfSchema, type Kdf } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { deviceIdFromBytes, userIdFromBytes } from '@anysync/protocol/ids.ts'
import * as limits from '@anysync/protocol/limits.ts'
import { newBoxKeyPair, sealBox } from '../crypto/box.ts'
import { utf8 } from '../crypto/bytes.ts'
import { encodeContext } from '../crypto/context.ts'
import type { Door, Login, LoginAnswer, SignUp } from '../ports.ts'
import { carryOut, hashHex, receive, receiveText, type ServerCore } from './server-core.ts'
import type { AccountRow } from './server-data.ts'

/** Makes an invitation, good once and until it expires. */
export const invite = (
  core: ServerCore,
  { validMs = limits.invitationMsDefault, bytesQuota = 0 }: { validMs?: number; bytesQuota?: number } = {},
): Uint8Array<ArrayBuffer> => {
  const invitation = core.chance.bytes(limits.tokenBytes)
  const expiresNs = core.clock.nowNs() + BigInt(validMs) * 1_000_000n
  core.data.invitations.set(hashHex(core, invitation), { expiresNs, bytesQuota })
  return invitation
}

export const createMemoryDoor = (core: ServerCore, certificateFingerprint: Uint8Array, secret: Uint8Array): Door => ({
  certificateFingerprint,
  signUp: (request) => carryOut(core, 'account.signUp', null, () => signUp(core, request)),
  challenge: (email) => carryOut(core, 'account.challenge', null, () => challenge(core, secret, email)),
  login: (request) => carryOut(core, 'account.login', null, () => login(core, certificateFingerprint, request)),
})

const signUp = (core: ServerCore, request: SignUp): AccountRow['userId'] => {
  const operation = 'account.signUp'
  const email = checkEmail(operation, receiveText(core, request.email))
  const keep = (what: string, bytes: Uint8Array, min: number, max = min): Uint8Array => {
    checkLength(operation, what, bytes.length, min, max)
    return receive(core, bytes)
  }
  const account = {
    email,
    loginPublicKey: keep('login key', request.loginPublicKey, limits.keyBytes),
    kdf: checkKdf(operation, request.kdf),
    accessTokenHash: keep('token hash', request.accessTokenHash, limits.hashBytes).toHex(),
    identityPublicKey: keep('identity key', request.identityPublicKey, limits.keyBytes),
    boxPublicKey: keep('box key', request.boxPublicKey, limits.keyBytes),
    masterKeys: keep('master.keys', request.masterKeys, 1, limits.masterKeysBytesMax),
  }
  const invitationHash = hashHex(core, keep('invitation', request.invitation, limits.tokenBytes))
  const invitation = core.data.invitations.get(invitationHash)
  demand(
    invitation !== undefined && invitation.expiresNs > core.clock.nowNs(),
    operation,
    'missing',
    'the invitation is not valid: it was used, has expired or never was; ask for a new one',
  )
  demand(
    !core.data.accountsByEmail.has(email),
    operation,
    'conflict',
    'this e-mail has an account already: log in instead',
  )
  core.data.invitations.delete(invitationHash)
  const userId = userIdFromBytes(core.chance.bytes(limits.idBytes))
  core.data.accountsByEmail.set(email, { ...account, userId, bytesQuota: invitation.bytesQuota })
  return userId
}

const challenge = (core: ServerCore, secret: Uint8Array, email: string): { challenge: Uint8Array; kdf: Kdf } => {
  checkEmail('account.challenge', receiveText(core, email))
  const challenge = core.chance.bytes(limits.tokenBytes)
  const expiresNs = core.clock.nowNs() + BigInt(limits.challengeMsMax) * 1_000_000n
  core.data.challenges.set(challenge.toHex(), { email, expiresNs })
  return { challenge, kdf: core.data.accountsByEmail.get(email)?.kdf ?? decoyKdf(core, secret, email) }
}

/** What an unknown e-mail gets: the common cost and a salt of its own that stays the same. */
const decoyKdf = (core: ServerCore, secret: Uint8Array, email: string): Kdf =>
  create(KdfSchema, {
    ...limits.scryptFloor,
    salt: core.cipher.mac(secret)(utf8(email)).slice(0, limits.saltBytes),
  })

const login = (core: ServerCore, certificateFingerprint: Uint8Array, request: Login): LoginAnswer => {
  const operation = 'account.login'
  const email = checkEmail(operation, receiveText(core, request.email))
  checkLength(operation, 'client version', utf8(request.clientVersion).length, 1, limits.clientVersionBytesMax)
  checkLength(operation, 'device name', utf8(request.deviceName).length, 1, limits.deviceNameBytesMax)
  checkLength(operation, 'box key', request.boxPublicKey.length, limits.keyBytes)
  checkLength(operation, 'signature', request.signature.length, limits.signatureBytes)
  checkLength(operation, 'challenge', request.challenge.length, 1, limits.challengeBytesMax)
  receiveText(core, request.clientVersion)
  receiveText(core, request.deviceName)
  for (const bytes of [request.boxPublicKey, request.signature, request.challenge]) receive(core, bytes)

  const asked = core.data.challenges.get(request.challenge.toHex())
  core.data.challenges.delete(request.challenge.toHex())
  const account = core.data.accountsByEmail.get(email)
  const message = encodeContext(
    'login',
    request.challenge,
    email,
    request.boxPublicKey,
    request.clientVersion,
    request.deviceName,
    certificateFingerprint,
  )
  const isProven =
    account !== undefined &&
    asked !== undefined &&
    asked.email === email &&
    asked.expiresNs > core.clock.nowNs() &&
    core.cipher.verify(account.loginPublicKey, message, request.signature)
  demand(isProven, operation, 'unauthorized', 'the e-mail or the password is wrong')

  const token = core.chance.bytes(limits.tokenBytes)
  const deviceId = deviceIdFromBytes(core.chance.bytes(limits.idBytes))
  core.data.devicesByToken.set(hashHex(core, token), {
    deviceId,
    userId: account.userId,
    name: request.deviceName,
    createdNs: core.clock.nowNs(),
    isRevoked: false,
  })
  const box = newBoxKeyPair(core.chance)
  return {
    userId: account.userId,
    deviceId,
    sealedToken: sealBox(core.chance, token, request.boxPublicKey, box.secretKey),
    serverBoxPublicKey: box.publicKey,
    masterKeys: account.masterKeys.slice(),
  }
}

const checkEmail = (operation: string, email: string): string => {
  const length = utf8(email).length
  const isEmail =
    length >= 3 &&
    length <= limits.emailBytesMax &&
    email === email.trim().toLowerCase() &&
    email.split('@').length === 2
  if (!isEmail)
    throw new SyncError(operation, 'invalid', 'this is not an e-mail address: it needs one @ and no capitals')
  return email
}

const checkKdf = (operation: string, kdf: Kdf): Kdf => {
  const { scryptFloor: floor, scryptCeiling: ceiling } = limits
  const isInBounds =
    kdf.n >= floor.n &&
    kdf.n <= ceiling.n &&
    kdf.r >= floor.r &&
    kdf.r <= ceiling.r &&
    kdf.p >= floor.p &&
    kdf.p <= ceiling.p
  demand(isInBounds, operation, 'invalid', 'the cost of scrypt is out of bounds')
  checkLength(operation, 'salt', kdf.salt.length, limits.saltBytes)
  return create(KdfSchema, { n: kdf.n, r: kdf.r, p: kdf.p, salt: kdf.salt.slice() })
}

const checkLength = (operation: string, what: string, length: number, min: number, max = min): void =>
  demand(
    length >= min && length <= max,
    operation,
    'invalid',
    `the ${what} is ${length} bytes, it must be ${min === max ? min : `${min} to ${max}`}`,
  )
