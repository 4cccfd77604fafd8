/**
 * From a password to keys. Whoever offers parameters may be lying, so they are judged before anything is derived:
 * too little would let them guess the password, too much would stop the machine.
 */
import { create } from '@bufbuild/protobuf'
import { demand } from '@anysync/protocol/errors.ts'
import { KdfSchema, type Kdf } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { passwordCharactersMin, saltBytes, scryptCeiling, scryptFloor } from '@anysync/protocol/limits.ts'
import type { Chance, Cipher } from '../ports.ts'
import { equalBytes, utf8 } from './bytes.ts'
import { deriveKey } from './purposes.ts'

/** How much work a derivation takes (RFC 7914 §2). */
export type KdfCost = { n: number; r: number; p: number }

/** Parameters of this cost with a fresh salt. */
export const newKdf = (chance: Chance, cost: KdfCost): Kdf =>
  create(KdfSchema, { n: cost.n, r: cost.r, p: cost.p, salt: chance.bytes(saltBytes) })

/** Throws `invalid` unless the parameters lie between the floor and the ceiling. */
export const checkKdf = (kdf: Kdf): void => {
  const flaw = kdfFlaw(kdf)
  demand(flaw === null, 'password.derive', 'invalid', `the password is not used: ${flaw ?? ''}`)
}

/** Why these parameters are refused, or null when they are not. */
export const kdfFlaw = ({ n, r, p, salt }: Kdf): string | null => {
  const asked = `scrypt N ${n} r ${r} p ${p}`
  const { n: nMin, r: rMin, p: pMin } = scryptFloor
  const { n: nMax, r: rMax, p: pMax } = scryptCeiling
  if (n < nMin || r < rMin || p < pMin) return `${asked} is weaker than N ${nMin} r ${rMin} p ${pMin}`
  if (n > nMax || r > rMax || p > pMax) return `${asked} is more than N ${nMax} r ${rMax} p ${pMax}`
  if ((n & (n - 1)) !== 0) return `${asked}: N must be a power of two`
  if (salt.length !== saltBytes) return `the salt is ${salt.length} bytes, wanted ${saltBytes}`
  return null
}

export const sameKdf = (a: Kdf, b: Kdf): boolean =>
  a.n === b.n && a.r === b.r && a.p === b.p && equalBytes(a.salt, b.salt)

/** Throws `invalid` for a password too short to protect an account. Asked at sign-up only. */
export const checkNewPassword = (password: string): void => {
  const count = Array.from(password.normalize('NFKC')).length
  const message = `the password has ${count} characters; choose one of at least ${passwordCharactersMin}`
  demand(count >= passwordCharactersMin, 'password.check', 'invalid', message)
}

/**
 * scrypt of the password's NFKC form, so that it may be typed on any keyboard. 32 bytes. Throws `invalid` for an empty
 * password and for parameters that `checkKdf` refuses, before it derives.
 */
export const passwordKey = async (cipher: Cipher, password: string, kdf: Kdf): Promise<Uint8Array> => {
  demand(password !== '', 'password.derive', 'invalid', 'the password is empty; type it')
  checkKdf(kdf)
  return cipher.scrypt(utf8(password.normalize('NFKC')), kdf.salt, { n: kdf.n, r: kdf.r, p: kdf.p })
}

/** The Ed25519 seed that answers a login challenge. The server knows its public half only. */
export const loginSeed = (cipher: Cipher, key: Uint8Array): Uint8Array => deriveKey(cipher, key, 'login')
