/**
 * Sign-up and login: what a device does at the door of a server that it does not trust. The server learns a public
 * login key and sealed bytes; the password, and what it opens, stay here.
 */
import { create } from '@bufbuild/protobuf'
import { assert, demand, isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import {
  AccessKeysSchema,
  type AccessKeys,
  type Bundle,
  type MasterKeys,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, type UserId } from '@anysync/protocol/ids.ts'
import {
  clientVersionBytesMax,
  deviceNameBytesMax,
  emailBytesMax,
  keyBytes,
  scryptFloor,
  tokenBytes,
} from '@anysync/protocol/limits.ts'
import { accessKeysVersion } from '../crypto/access-keys.ts'
import { boxKeyPair, newBoxKeyPair, openBox } from '../crypto/box.ts'
import { equalBytes, utf8 } from '../crypto/bytes.ts'
import { encodeContext } from '../crypto/context.ts'
import {
  newBundle,
  openWithPasswordKey,
  parseMasterKeys,
  passwordSlot,
  sealMasterKeys,
  type OpenedMasterKeys,
} from '../crypto/master-keys.ts'
import { checkNewPassword, loginSeed, newKdf, passwordKey, sameKdf, type KdfCost } from '../crypto/password.ts'
import { certifyDevice } from '../crypto/sign.ts'
import type { Chance, Cipher, Clock, Door, LoginAnswer } from '../ports.ts'

export type NewAccount = {
  door: Door
  cipher: Cipher
  chance: Chance
  invitation: Uint8Array
  email: string
  password: string
  /** scrypt's cost; the floor unless told otherwise. */
  kdf?: KdfCost
}

/**
 * Makes an account: fresh keys, sealed under the password, proven to open, sent to the server. Returns `master.keys`,
 * to be kept locally too. Throws `invalid` for a weak password or no e-mail address, and what `Door.signUp` throws.
 */
export const signUp = async (account: NewAccount): Promise<{ userId: UserId; masterKeys: Uint8Array }> => {
  const { door, cipher, chance, invitation } = account
  const email = parseEmail(account.email)
  checkNewPassword(account.password)
  const kdf = newKdf(chance, account.kdf ?? scryptFloor)
  const key = await passwordKey(cipher, account.password, kdf)
  const bundle = newBundle(chance)
  const masterKeys = sealMasterKeys(cipher, chance, { bundle, generation: 1n, kdf, passwordKey: key })
  const { identityPublicKey } = openWithPasswordKey(cipher, parseMasterKeys(masterKeys), key)
  const userId = await door.signUp({
    invitation,
    email,
    loginPublicKey: cipher.signPublicKey(loginSeed(cipher, key)),
    kdf,
    accessTokenHash: cipher.sha256(bundle.accessToken),
    identityPublicKey,
    boxPublicKey: boxKeyPair(bundle.boxSecretKey).publicKey,
    masterKeys,
  })
  return { userId, masterKeys }
}

export type NewDevice = {
  door: Door
  cipher: Cipher
  chance: Chance
  clock: Clock
  /** https://host:port, as `access.keys` keeps it. */
  serverUrl: string
  /** DER; empty when the certificate is publicly trusted. */
  pinnedCertificate: Uint8Array
  email: string
  password: string
  clientVersion: string
  deviceName: string
  /** This device's own copy of `master.keys`, if it has one: what the server gives must continue it. */
  masterKeys?: Uint8Array
}

/**
 * Enrols this device. Returns `master.keys` as the server has it, checked, and the device's `access.keys`, with
 * neither the identity nor the account's token in it. Throws `unauthorized` when the e-mail or the password is wrong,
 * `invalid` when the server asks for a derivation that is too weak, and `corrupt` when it gives keys that are not
 * the account's or older than the local ones.
 */
export const logIn = async (wanted: NewDevice): Promise<{ masterKeys: Uint8Array; accessKeys: AccessKeys }> => {
  const device = { ...wanted, email: parseEmail(wanted.email), deviceName: parseDeviceName(wanted.deviceName) }
  const { cipher, door } = device
  checkPin(device)
  const local = device.masterKeys ? parseMasterKeys(device.masterKeys) : null

  const { challenge, kdf } = await door.challenge(device.email)
  const isExpected = local === null || sameKdf(kdf, passwordSlot(local).kdf)
  alarmUnless(isExpected, 'the server asks for another derivation of the password than the local master.keys does')
  const key = await passwordKey(cipher, device.password, kdf)
  if (local !== null) openWithPasswordKey(cipher, local, key)

  const { answer, deviceToken } = await answerChallenge(device, challenge, key)
  const remote = parseMasterKeys(answer.masterKeys)
  const isSame = sameKdf(kdf, passwordSlot(remote).kdf)
  alarmUnless(isSame, 'the server gave master.keys that its challenge does not fit')
  if (local !== null) checkContinues(local, remote)
  const { bundle } = openRemote(cipher, remote, key)
  return { masterKeys: answer.masterKeys, accessKeys: newAccessKeys(device, answer, deviceToken, bundle) }
}

/** Proves the password by the login key, for this certificate only, and opens the token with a box key of this login alone. */
const answerChallenge = async (
  { door, cipher, chance, email, clientVersion, deviceName }: NewDevice,
  challenge: Uint8Array,
  key: Uint8Array,
): Promise<{ answer: LoginAnswer; deviceToken: Uint8Array }> => {
  const { publicKey: boxPublicKey, secretKey } = newBoxKeyPair(chance)
  const fingerprint = door.certificateFingerprint
  const proof = encodeContext('login', challenge, email, boxPublicKey, clientVersion, deviceName, fingerprint)
  const signature = cipher.sign(loginSeed(cipher, key), proof)
  const answer = await door.login({ clientVersion, email, boxPublicKey, challenge, deviceName, signature })
  const deviceToken = openBox(answer.sealedToken, answer.serverBoxPublicKey, secretKey)
  alarmUnless(deviceToken.length === tokenBytes, 'the server gave a token of the wrong length')
  return { answer, deviceToken }
}

/** A new signing key, certified by the identity, beside what the server gave. */
const newAccessKeys = (
  device: NewDevice,
  { userId, deviceId }: LoginAnswer,
  deviceToken: Uint8Array,
  { identitySeed, fileKey }: Bundle,
): AccessKeys => {
  const { cipher, chance, clock, serverUrl, pinnedCertificate, email, deviceName } = device
  const signingSeed = chance.bytes(keyBytes)
  const devicePublicKey = cipher.signPublicKey(signingSeed)
  return create(AccessKeysSchema, {
    version: accessKeysVersion,
    serverUrl,
    pinnedCertificate,
    email,
    userId: idToBytes(userId),
    deviceId: idToBytes(deviceId),
    deviceName,
    deviceToken,
    signingSeed,
    deviceCertificate: certifyDevice(cipher, identitySeed, { deviceId, devicePublicKey, issuedNs: clock.nowNs() }),
    fileKey,
  })
}

/** Trimmed and in lower case. Throws `invalid` unless it is 3 to 254 bytes with one '@' and no space. */
export const parseEmail = (text: string): string => {
  const email = text.trim().toLowerCase()
  const isEmail = /^[^@\s]+@[^@\s]+$/.test(email) && utf8(email).length <= emailBytesMax
  demand(isEmail, 'account.email', 'invalid', 'this is not an e-mail address; write it like name@example.org')
  return email
}

/** Trimmed. Throws `invalid` unless it is 1 to 64 bytes. */
const parseDeviceName = (text: string): string => {
  const name = text.trim()
  const { length } = utf8(name)
  const message = `a device name is 1 to ${deviceNameBytesMax} bytes, this one has ${length}; choose another`
  demand(length >= 1 && length <= deviceNameBytesMax, 'account.login', 'invalid', message)
  return name
}

const checkPin = ({ door, cipher, clientVersion, pinnedCertificate }: NewDevice): void => {
  assert(utf8(clientVersion).length <= clientVersionBytesMax, 'the client version is too long')
  const isPinned = pinnedCertificate.length > 0
  const isThePin = !isPinned || equalBytes(cipher.sha256(pinnedCertificate), door.certificateFingerprint)
  assert(isThePin, 'the door trusts another certificate than the one that is to be pinned')
}

/** Generations only grow, so what is older or forked was put back by somebody. */
const checkContinues = (local: MasterKeys, remote: MasterKeys): void => {
  const isSame = equalBytes(local.identityPublicKey, remote.identityPublicKey)
  alarmUnless(isSame, 'the server gave the master.keys of another identity than the local one')
  const message = `the server gave master.keys of generation ${remote.generation}, this device has ${local.generation}`
  alarmUnless(remote.generation >= local.generation, message)
}

/** The server let the password in, so master.keys that it does not open are not the account's. */
const openRemote = (cipher: Cipher, remote: MasterKeys, key: Uint8Array): OpenedMasterKeys => {
  try {
    return openWithPasswordKey(cipher, remote, key)
  } catch (error) {
    if (!isTrouble(error, 'unauthorized')) throw error
    throw new SyncError('account.login', 'corrupt', alarm('the server gave master.keys of another password'), error)
  }
}

const alarmUnless = (fact: boolean, what: string): void => demand(fact, 'account.login', 'corrupt', alarm(what))

const alarm = (what: string): string => `${what}; nothing was changed, ask the server's owner before you try again`
