/**
 * Makes the vectors of `master.keys` from a seed: files that open, and files with one lie each. The files are put
 * together by hand from the primitives, so they say what the format is, not what the code does.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import type { Kind } from '@anysync/protocol/errors.ts'
import {
  BundleSchema,
  KdfSchema,
  MasterKeysSchema,
  SlotKind,
  SlotSchema,
  type Bundle,
  type Kdf,
  type MasterKeys,
  type Slot,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { seededChance } from '../memory/chance.ts'
import type { Chance } from '../ports.ts'
import { encodeContext } from './context.ts'
import { sealKey } from './xaes.ts'

type BundleVector = Record<'fileKey' | 'authKey' | 'accessToken' | 'boxSecretKey' | 'identitySeed', string>

export type MasterKeysVectors = {
  valid: ({
    file: string
    password: string
    generation: string
    identityPublicKey: string
    passwordKey: string
  } & BundleVector)[]
  /** `isDerived`: only the password can tell. */
  invalid: { file: string; password: string; kind: Kind; isDerived: boolean; why: string }[]
}

const password = 'correct horse battery staple'
const cipher = nodeCipher

/** All that goes into a file; a lie changes some of it. */
type Parts = {
  version: number
  generation: bigint
  password: string
  kdf: Kdf
  bundle: Bundle
  identityPublicKey: Uint8Array
}

const honestParts = (chance: Chance): Parts => {
  const identitySeed = chance.bytes(32)
  return {
    version: 1,
    generation: 1n,
    password,
    kdf: create(KdfSchema, { n: 16_384, r: 8, p: 1, salt: chance.bytes(16) }),
    bundle: create(BundleSchema, {
      fileKey: chance.bytes(32),
      authKey: chance.bytes(32),
      accessToken: chance.bytes(32),
      boxSecretKey: chance.bytes(32),
      identitySeed,
    }),
    identityPublicKey: cipher.signPublicKey(identitySeed),
  }
}

const derive = ({ password, kdf }: Parts): Promise<Uint8Array> =>
  cipher.scrypt(new TextEncoder().encode(password.normalize('NFKC')), kdf.salt, kdf)

const assemble = async (chance: Chance, parts: Parts): Promise<MasterKeys> => {
  const { version, generation, kdf, bundle, identityPublicKey } = parts
  const key = await derive(parts)
  const bundleKey = chance.bytes(32)
  const nonce = chance.bytes(12)
  const slotContext = encodeContext('slot', 1, kdf.n, kdf.r, kdf.p, kdf.salt, identityPublicKey)
  const bundleContext = encodeContext('bundle', version, generation, identityPublicKey)
  const slot = create(SlotSchema, {
    kind: SlotKind.PASSWORD,
    kdf,
    commitment: cipher.hkdf(key, 'anysync/v1/slot-commitment', 32),
    nonce,
    sealedBundleKey: cipher.gcmSeal(cipher.hkdf(key, 'anysync/v1/slot-wrap', 32), nonce, bundleKey, slotContext),
  })
  const sealedBundle = sealKey(cipher, chance, bundleKey).seal(toBinary(BundleSchema, bundle), bundleContext)
  return create(MasterKeysSchema, { version, generation, identityPublicKey, slots: [slot], sealedBundle })
}

const fileOf = (keys: MasterKeys): string => toBinary(MasterKeysSchema, keys).toHex()

export const makeMasterKeysVectors = async (): Promise<MasterKeysVectors> => {
  const chance = seededChance(19)
  const parts = honestParts(chance)
  const keys = await assemble(chance, parts)
  const kdf = create(KdfSchema, { n: 32_768, r: 8, p: 2, salt: chance.bytes(16) })
  const unicode = { ...honestParts(chance), password: 'Gru\u0308ße ﬁnden 🐟', generation: 2n ** 63n, kdf }
  return {
    valid: [await validVector(keys, parts), await validVector(await assemble(chance, unicode), unicode)],
    invalid: [...malformed(keys), ...(await altered(chance, keys, parts))],
  }
}

const validVector = async (keys: MasterKeys, parts: Parts): Promise<MasterKeysVectors['valid'][number]> => {
  const { fileKey, authKey, accessToken, boxSecretKey, identitySeed } = parts.bundle
  return {
    file: fileOf(keys),
    password: parts.password,
    generation: String(parts.generation),
    identityPublicKey: parts.identityPublicKey.toHex(),
    passwordKey: (await derive(parts)).toHex(),
    fileKey: fileKey.toHex(),
    authKey: authKey.toHex(),
    accessToken: accessToken.toHex(),
    boxSecretKey: boxSecretKey.toHex(),
    identitySeed: identitySeed.toHex(),
  }
}

type Invalid = MasterKeysVectors['invalid'][number]

const raw = (why: string, file: string, kind: Kind = 'corrupt'): Invalid => ({
  file,
  password,
  kind,
  isDerived: false,
  why,
})

/** Files that are refused before anything is derived. */
const malformed = (keys: MasterKeys): Invalid[] => {
  const slot = keys.slots[0]!
  const good = fileOf(keys)
  const lie = (why: string, change: Partial<MasterKeys>, kind: Kind = 'corrupt') =>
    raw(why, fileOf({ ...keys, ...change }), kind)
  const slotLie = (why: string, change: Partial<Slot>, kind: Kind = 'corrupt') =>
    lie(why, { slots: [{ ...slot, ...change }] }, kind)
  const kdfLie = (why: string, change: Partial<Kdf>) => slotLie(why, { kdf: { ...slot.kdf!, ...change } })
  const { kdf: _, ...slotWithoutKdf } = slot
  return [
    raw('empty', ''),
    raw('truncated by one byte', good.slice(0, -2)),
    raw('truncated to half', good.slice(0, good.length >> 1)),
    raw('a byte appended', good + '00'),
    raw('an unknown field appended', good + 'f80101'),
    raw('the generation twice', good.slice(0, 4) + '1001' + good.slice(4)),
    raw('the version in two bytes', '088100' + good.slice(4)),
    raw('not a message', 'ff'.repeat(64)),
    lie('version 0', { version: 0 }),
    lie('version 2', { version: 2 }, 'invalid'),
    lie('generation 0', { generation: 0n }),
    lie('no identity', { identityPublicKey: new Uint8Array() }),
    lie('an identity of 31 bytes', { identityPublicKey: keys.identityPublicKey.subarray(1) }),
    lie('no slot', { slots: [] }),
    lie('two slots for a password', { slots: [slot, slot] }),
    lie('nine slots', { slots: Array<Slot>(9).fill(slot) }),
    lie('no bundle', { sealedBundle: new Uint8Array() }),
    lie('a bundle shorter than its seal', { sealedBundle: keys.sealedBundle.subarray(0, 40) }),
    slotLie('a slot of kind 0', { kind: SlotKind.UNSPECIFIED }),
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- a kind that is not yet
    slotLie('a slot of an unknown kind', { kind: 2 as SlotKind }, 'invalid'),
    slotLie('a commitment of 31 bytes', { commitment: slot.commitment.subarray(1) }),
    slotLie('no commitment', { commitment: new Uint8Array() }),
    slotLie('a nonce of 11 bytes', { nonce: slot.nonce.subarray(1) }),
    slotLie('a sealed bundle key of 47 bytes', { sealedBundleKey: slot.sealedBundleKey.subarray(1) }),
    lie('a slot without parameters', { slots: [slotWithoutKdf] }),
    kdfLie('N below the floor', { n: 8192 }),
    kdfLie('r below the floor', { r: 4 }),
    kdfLie('p below the floor', { p: 0 }),
    kdfLie('N above the ceiling', { n: 2 ** 21 }),
    kdfLie('r above the ceiling', { r: 16 }),
    kdfLie('p above the ceiling', { p: 5 }),
    kdfLie('N that is no power of two', { n: 16_385 }),
    kdfLie('a salt of 15 bytes', { salt: slot.kdf!.salt.subarray(1) }),
    kdfLie('no salt', { salt: new Uint8Array() }),
  ]
}

const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 5 ? byte ^ 4 : byte))

/** Files that are well formed; only the password tells that something is wrong. */
const altered = async (chance: Chance, keys: MasterKeys, parts: Parts): Promise<Invalid[]> => {
  const slot = keys.slots[0]!
  const otherParts = { ...honestParts(chance), kdf: parts.kdf }
  const other = await assemble(chance, otherParts)
  const made = (why: string, keys: MasterKeys, kind: Kind = 'corrupt', typed = password) => ({
    file: fileOf(keys),
    password: typed,
    kind,
    isDerived: true,
    why,
  })
  const slotLie = (why: string, change: Partial<Slot>, kind: Kind = 'corrupt') =>
    made(why, { ...keys, slots: [{ ...slot, ...change }] }, kind)
  const short = create(BundleSchema, { ...parts.bundle, authKey: parts.bundle.authKey.subarray(1) })
  const bare = create(BundleSchema, { ...parts.bundle, accessToken: new Uint8Array() })
  const [stranger] = other.slots
  return [
    made('a wrong password', keys, 'unauthorized', 'correct horse battery stable'),
    made('a password that differs in case', keys, 'unauthorized', 'Correct horse battery staple'),
    made('a password with a space after it', keys, 'unauthorized', `${password} `),
    slotLie('another salt', { kdf: { ...slot.kdf!, salt: chance.bytes(16) } }, 'unauthorized'),
    slotLie('another cost', { kdf: { ...slot.kdf!, p: 2 } }, 'unauthorized'),
    slotLie('a commitment that does not match', { commitment: flip(slot.commitment) }, 'unauthorized'),
    slotLie('a commitment that matches, a bundle key that does not', { sealedBundleKey: chance.bytes(48) }),
    slotLie('another nonce', { nonce: flip(slot.nonce) }),
    made('the slot of another account with the same password and salt', { ...keys, slots: [stranger!] }),
    made('the bundle of another account with the same password and salt', {
      ...keys,
      sealedBundle: other.sealedBundle,
    }),
    made('slot and bundle of another account', { ...other, identityPublicKey: keys.identityPublicKey }),
    made('a foreign identity', { ...keys, identityPublicKey: other.identityPublicKey }),
    made('a later generation', { ...keys, generation: 2n }),
    made('a flipped bit in the sealed bundle', { ...keys, sealedBundle: flip(keys.sealedBundle) }),
    made(
      'an identity that its seed does not give, sealed by the holder of the password',
      await assemble(chance, { ...parts, identityPublicKey: otherParts.identityPublicKey }),
    ),
    made('a bundle with a key of 31 bytes', await assemble(chance, { ...parts, bundle: short })),
    made('a bundle without a token', await assemble(chance, { ...parts, bundle: bare })),
  ]
}
