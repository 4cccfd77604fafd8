/**
 * From the password to the keys of a vault (docs/format.md, "Keys"): scrypt, HKDF, XAES-256-GCM, Ed25519, and the contexts
 * that bind every seal and signature to its place.
 */
import * as crypto from 'node:crypto'
import { demand, Message } from './message.ts'

/** 'anysync/v1' and the fields, each behind its length. */
export const context = (...fields: (string | Uint8Array | number | bigint)[]): Uint8Array =>
  Buffer.concat(
    ['anysync/v1', ...fields].flatMap((field) => {
      const bytes = typeof field === 'number' || typeof field === 'bigint' ? u64(field) : Buffer.from(field)
      return [u64(bytes.length).subarray(4), bytes]
    }),
  )

const u64 = (value: number | bigint): Buffer => Buffer.from(BigInt(value).toString(16).padStart(16, '0'), 'hex')

export const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

export const derive = (secret: Uint8Array, purpose: string): Uint8Array =>
  new Uint8Array(crypto.hkdfSync('sha256', secret, '', `anysync/v1/${purpose}`, 32))

/** Opens what XAES-256-GCM sealed (C2SP): nonce 24 ‖ ciphertext ‖ tag 16. `what` is what an error calls it. */
export const open = (key: Uint8Array, sealed: Uint8Array, associated: Uint8Array, what: string): Uint8Array => {
  const aes = (block: Uint8Array): Buffer => crypto.createCipheriv('aes-256-ecb', key, null).update(block)
  const l = aes(new Uint8Array(16))
  const k1 = l.map((byte, i) => (byte << 1) ^ ((l[i + 1] ?? 0) >> 7) ^ (i === 15 && (l[0] ?? 0) > 127 ? 0x87 : 0))
  const half = (counter: number): Buffer => {
    const block = Buffer.concat([Uint8Array.of(0, counter, 0x58, 0), sealed.subarray(0, 12)])
    return aes(block.map((byte, i) => byte ^ (k1[i] ?? 0)))
  }
  demand(sealed.length >= 40, `${what} is too short`)
  const derived = Buffer.concat([half(1), half(2)])
  return openGcm(derived, sealed.subarray(12, 24), sealed.subarray(24), associated, what)
}

const openGcm = (key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array, what: string) => {
  const decipher = crypto.createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  decipher.setAAD(associated).setAuthTag(sealed.subarray(-16))
  const plaintext = decipher.update(sealed.subarray(0, -16))
  try {
    decipher.final()
  } catch {
    demand(false, `${what} was altered, or was sealed elsewhere or by another key`)
  }
  return plaintext
}

export const isSigned = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  const key = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }
  return crypto.verify(null, message, crypto.createPublicKey({ key, format: 'jwk' }), signature)
}

export type Account = { fileKey: Uint8Array; identity: Uint8Array }

/** Null when the password is wrong. */
export const openMasterKeys = (bytes: Uint8Array, password: string): Account | null => {
  const keys = new Message('master.keys', bytes, 5)
  demand(keys.number(1) === 1, 'master.keys has a version that this program does not know')
  const identity = keys.bytes(3, 32)
  const slot = keys.message(4, 'the slot of master.keys', 5)
  demand(slot.number(1) === 1, 'the slot of master.keys is of a kind that this program does not know')
  const kdf = slot.message(2, 'the parameters of a slot', 4)
  const [N, r, p, salt] = [kdf.number(1), kdf.number(2), kdf.number(3), kdf.bytes(4, 16)]
  const isFitting = N >= 16_384 && N <= 1_048_576 && (N & (N - 1)) === 0 && r === 8 && p >= 1 && p <= 4
  demand(isFitting, `master.keys asks for scrypt N ${N} r ${r} p ${p}, which is out of bounds`)
  const key = crypto.scryptSync(password.normalize('NFKC'), salt, 32, { N, r, p, maxmem: 256 * N * r })
  if (!crypto.timingSafeEqual(derive(key, 'slot-commitment'), slot.bytes(3, 32))) return null
  const slotContext = context('slot', 1, N, r, p, salt, identity)
  const bundleKey = openGcm(derive(key, 'slot-wrap'), slot.bytes(4, 12), slot.bytes(5, 48), slotContext, 'a slot')
  const bundle = open(bundleKey, keys.bytes(5), context('bundle', 1, keys.integer(2), identity), 'the bundle')
  return { fileKey: new Message('the bundle', bundle, 5).bytes(1, 32), identity }
}

export const openGrant = ({ fileKey, identity }: Account, bytes: Uint8Array) => {
  const grant = new Message('a grant', bytes, 6)
  demand(grant.number(1) === 1 && grant.number(4) === 1, 'a grant has a version or role that is not known')
  const [vaultId, epoch] = [grant.bytes(2, 16), grant.number(3)]
  const keyContext = context('grant', vaultId, epoch, 1, identity)
  const vaultKey = open(derive(fileKey, 'grant'), grant.bytes(5), keyContext, 'the key in a grant')
  const label = open(derive(fileKey, 'label'), grant.bytes(6), context('label', vaultId), 'the label in a grant')
  return { vaultId, name: new Message('a label', label, 2).text(1), epoch, vaultKey }
}
