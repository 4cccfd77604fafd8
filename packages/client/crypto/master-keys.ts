/**
 * The file `master.keys`: everything that the password alone recovers. It is kept by a server that may be hostile, so
 * nothing in it is believed before the password, the seals and the identity have all agreed.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { demand } from '@anysync/protocol/errors.ts'
import {
  BundleSchema,
  MasterKeysSchema,
  SlotKind,
  SlotSchema,
  type Bundle,
  type Kdf,
  type MasterKeys,
  type Slot,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { hashBytes, keyBytes, masterKeysBytesMax, masterKeysSlotsMax } from '@anysync/protocol/limits.ts'
import type { Chance, Cipher } from '../ports.ts'
import { equalBytes } from './bytes.ts'
import { encodeContext } from './context.ts'
import { parseMessage } from './message.ts'
import { kdfFlaw, passwordKey } from './password.ts'
import { deriveKey } from './purposes.ts'
import { openKey, sealKey, sealOverheadBytes } from './xaes.ts'

const operation = 'master.keys'
const version = 1
const slotNonceBytes = 12
const slotTagBytes = 16

/** What the password recovered. */
export type OpenedMasterKeys = {
  bundle: Bundle
  generation: bigint
  identityPublicKey: Uint8Array
  /** scrypt of the password: makes the login key. */
  passwordKey: Uint8Array
}

/** Fresh secrets for a new account. */
export const newBundle = (chance: Chance): Bundle =>
  create(BundleSchema, {
    fileKey: chance.bytes(keyBytes),
    authKey: chance.bytes(keyBytes),
    accessToken: chance.bytes(keyBytes),
    boxSecretKey: chance.bytes(keyBytes),
    identitySeed: chance.bytes(keyBytes),
  })

/** The file's bytes, with one slot for the password that gave this key under this kdf. Generations begin at 1. */
export const sealMasterKeys = (
  cipher: Cipher,
  chance: Chance,
  { bundle, generation, kdf, passwordKey }: { bundle: Bundle; generation: bigint; kdf: Kdf; passwordKey: Uint8Array },
): Uint8Array<ArrayBuffer> => {
  const identityPublicKey = cipher.signPublicKey(bundle.identitySeed)
  const bundleKey = chance.bytes(keyBytes)
  const nonce = chance.bytes(slotNonceBytes)
  const kind = SlotKind.PASSWORD
  const wrap = deriveKey(cipher, passwordKey, 'slot-wrap')
  const slot = create(SlotSchema, {
    kind,
    kdf,
    commitment: deriveKey(cipher, passwordKey, 'slot-commitment'),
    nonce,
    sealedBundleKey: cipher.gcmSeal(wrap, nonce, bundleKey, slotContext(kind, kdf, identityPublicKey)),
  })
  const context = bundleContext(generation, identityPublicKey)
  const sealedBundle = sealKey(cipher, chance, bundleKey).seal(toBinary(BundleSchema, bundle), context)
  const keys = create(MasterKeysSchema, { version, generation, identityPublicKey, slots: [slot], sealedBundle })
  return toBinary(MasterKeysSchema, keys)
}

/**
 * Checks everything that can be checked without the password, the kdf's floor and ceiling included. Throws `corrupt`,
 * or `invalid` for what a newer AnySync wrote.
 */
export const parseMasterKeys = (bytes: Uint8Array): MasterKeys => {
  const size = `master.keys is ${bytes.length} bytes; more than ${masterKeysBytesMax} is refused`
  demand(bytes.length <= masterKeysBytesMax, operation, 'corrupt', size)
  const keys = parseMessage(MasterKeysSchema, bytes, operation, 'master.keys')
  checkKnown('version', keys.version, version)
  demand(keys.generation > 0n, operation, 'corrupt', 'master.keys has no generation')
  demand(keys.identityPublicKey.length === keyBytes, operation, 'corrupt', 'master.keys names no identity')
  const slotCount = keys.slots.length
  const slots = `master.keys has ${slotCount} slots, wanted 1 to ${masterKeysSlotsMax}`
  demand(slotCount >= 1 && slotCount <= masterKeysSlotsMax, operation, 'corrupt', slots)
  for (const slot of keys.slots) checkSlot(slot)
  demand(keys.sealedBundle.length > sealOverheadBytes, operation, 'corrupt', 'master.keys holds no keys')
  return keys
}

/** The slot that a password opens, and its kdf. Throws `corrupt` unless there is exactly one. */
export const passwordSlot = (keys: MasterKeys): { slot: Slot; kdf: Kdf } => {
  const [slot, another] = keys.slots.filter(({ kind }) => kind === SlotKind.PASSWORD)
  const kdf = slot?.kdf
  const isOne = slot !== undefined && kdf !== undefined && another === undefined
  demand(isOne, operation, 'corrupt', 'master.keys must have exactly one slot for a password')
  return { slot, kdf }
}

/** Parses, derives and opens. Throws `unauthorized` when the password is wrong; else as `parseMasterKeys`. */
export const openMasterKeys = async (
  cipher: Cipher,
  bytes: Uint8Array,
  password: string,
): Promise<OpenedMasterKeys> => {
  const keys = parseMasterKeys(bytes)
  return openWithPasswordKey(cipher, keys, await passwordKey(cipher, password, passwordSlot(keys).kdf))
}

/** The same for a password that was derived already, under the kdf of the password's slot. */
export const openWithPasswordKey = (cipher: Cipher, keys: MasterKeys, passwordKey: Uint8Array): OpenedMasterKeys => {
  const bundle = openBundle(cipher, keys, openSlot(cipher, keys, passwordKey))
  const isOwn = equalBytes(cipher.signPublicKey(bundle.identitySeed), keys.identityPublicKey)
  demand(isOwn, operation, 'corrupt', 'master.keys holds the keys of another identity than it names')
  return { bundle, generation: keys.generation, identityPublicKey: keys.identityPublicKey, passwordKey }
}

const openSlot = (cipher: Cipher, keys: MasterKeys, passwordKey: Uint8Array): Uint8Array => {
  const { slot, kdf } = passwordSlot(keys)
  // First the commitment: AES-GCM bytes can be made that open under two keys, so its tag alone proves no password
  // (Len, Grubbs, Ristenpart, "Partitioning Oracle Attacks").
  const isRight = equalBytes(deriveKey(cipher, passwordKey, 'slot-commitment'), slot.commitment)
  demand(isRight, operation, 'unauthorized', 'the password is wrong')
  const context = slotContext(slot.kind, kdf, keys.identityPublicKey)
  const wrap = deriveKey(cipher, passwordKey, 'slot-wrap')
  const bundleKey = cipher.gcmOpen(wrap, slot.nonce, slot.sealedBundleKey, context)
  demand(bundleKey !== null, operation, 'corrupt', 'master.keys was altered: its slot does not open')
  return bundleKey
}

const openBundle = (cipher: Cipher, keys: MasterKeys, bundleKey: Uint8Array): Bundle => {
  const context = bundleContext(keys.generation, keys.identityPublicKey)
  const plaintext = openKey(cipher, bundleKey).open(keys.sealedBundle, context)
  const bundle = parseMessage(BundleSchema, plaintext, operation, 'the bundle of master.keys')
  const { fileKey, authKey, accessToken, boxSecretKey, identitySeed } = bundle
  const isWhole = [fileKey, authKey, accessToken, boxSecretKey, identitySeed].every((key) => key.length === keyBytes)
  demand(isWhole, operation, 'corrupt', 'the bundle of master.keys lacks a key')
  return bundle
}

const checkSlot = (slot: Slot): void => {
  checkKnown('slot of kind', slot.kind, SlotKind.PASSWORD)
  const flaw = slot.kdf ? kdfFlaw(slot.kdf) : 'a slot has no parameters'
  demand(flaw === null, operation, 'corrupt', `master.keys is not opened: ${flaw ?? ''}`)
  const isWhole =
    slot.commitment.length === hashBytes &&
    slot.nonce.length === slotNonceBytes &&
    slot.sealedBundleKey.length === keyBytes + slotTagBytes
  demand(isWhole, operation, 'corrupt', 'a slot of master.keys is malformed')
}

/** Versions and kinds only ever grow. */
const checkKnown = (what: string, got: number, known: number): void => {
  demand(got >= known, operation, 'corrupt', `master.keys has a ${what} ${got}, which never was`)
  const message = `master.keys has a ${what} ${got}, written by a newer AnySync: update this one`
  demand(got === known, operation, 'invalid', message)
}

const slotContext = (kind: SlotKind, { n, r, p, salt }: Kdf, identityPublicKey: Uint8Array): Uint8Array =>
  encodeContext('slot', kind, n, r, p, salt, identityPublicKey)

const bundleContext = (generation: bigint, identityPublicKey: Uint8Array): Uint8Array =>
  encodeContext('bundle', version, generation, identityPublicKey)
