import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, toJson, type JsonValue } from '@bufbuild/protobuf'
import { DeviceCertificateSchema, SnapshotBodySchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { SyncError, type Kind } from '@anysync/protocol/errors.ts'
import { parseVaultId, vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import vectors from '../../../vectors/record.json' with { type: 'json' }
import { replayedChance } from '../content/store.suite.ts'
import { openVaultKeys } from '../crypto/vault-keys.ts'
import { seededChance } from '../memory/chance.ts'
import type { Chance, LogHead } from '../ports.ts'
import { genesisHash, openRecord, readRecord, sealRecord, type Signer } from './record.ts'
import { bodyOf, cipher, keysOf, signerOf, trouble, vaultId } from './vault.suite.ts'

const vectorKeys = (chance: Chance = seededChance(1)) =>
  openVaultKeys(cipher, chance, parseVaultId(vectors.vaultId), new Map([[0, Uint8Array.fromHex(vectors.vaultKey)]]))
const identityPublicKey = cipher.signPublicKey(Uint8Array.fromHex(vectors.identitySeed))
const devices = vectors.devices as unknown as Record<number, { signingSeed: string; certificate: JsonValue }>
const signerOfVector = (device: number): Signer => ({
  signingSeed: Uint8Array.fromHex(devices[device]!.signingSeed),
  certificate: fromJson(DeviceCertificateSchema, devices[device]!.certificate),
})
const parts = { cipher, keys: vectorKeys(), identityPublicKey }

test('the golden records are sealed byte for byte and open as a chain', () => {
  assert.equal(genesisHash(cipher, parseVaultId(vectors.vaultId)), vectors.genesis)
  let previous: LogHead | null = null
  for (const { device, nonce, body, hash, hex } of vectors.valid) {
    const bytes = Uint8Array.fromHex(hex)
    const opened = openRecord(parts, previous, bytes)
    assert.ok(opened.body.$typeName === 'anysync.v1.SnapshotBody')
    assert.deepEqual(toJson(SnapshotBodySchema, opened.body), body)
    assert.equal(opened.head.hash, hash)
    assert.deepEqual(readRecord(parts, bytes), opened)
    const keys = vectorKeys(replayedChance(nonce))
    const message = fromJson(SnapshotBodySchema, body)
    const sealed = sealRecord({ cipher, keys, signer: signerOfVector(device) }, previous, message)
    assert.equal(sealed.bytes.toHex(), hex)
    assert.deepEqual(sealed.head, opened.head)
    previous = opened.head
  }
})

const first = openRecord(parts, null, Uint8Array.fromHex(vectors.valid[0]!.hex)).head
for (const { why, kind, hex } of vectors.invalid) {
  test(`a record is refused: ${why}`, () => {
    assert.throws(() => openRecord(parts, first, Uint8Array.fromHex(hex)), trouble(kind as Kind))
  })
}

test('every flipped bit of a record is refused', () => {
  const bytes = Uint8Array.fromHex(vectors.valid[1]!.hex)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice()
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    assert.throws(
      () => openRecord(parts, first, damaged),
      (error) => error instanceof SyncError && (error.kind === 'corrupt' || error.kind === 'invalid'),
    )
  }
})

test('a record belongs to one vault, one place and one identity', () => {
  const signer = signerOf(1)
  const keys = keysOf()
  const { bytes, head } = sealRecord({ cipher, keys, signer }, null, bodyOf())
  const identity = signer.certificate.identityPublicKey
  assert.equal(openRecord({ cipher, keys, identityPublicKey: identity }, null, bytes).head.hash, head.hash)
  const otherVault = keysOf(vaultIdFromBytes(new Uint8Array(16).fill(0x12)))
  assert.throws(
    () => openRecord({ cipher, keys: otherVault, identityPublicKey: identity }, null, bytes),
    trouble('corrupt'),
  )
  assert.throws(() => openRecord({ cipher, keys, identityPublicKey: identity }, head, bytes), trouble('corrupt'))
  const stranger = cipher.signPublicKey(new Uint8Array(32).fill(3))
  assert.throws(() => openRecord({ cipher, keys, identityPublicKey: stranger }, null, bytes), trouble('corrupt'))
})

test('a record that would be too large is refused before it is sent', () => {
  const packs = Array.from({ length: 4000 }, () => ({ pack: new Uint8Array(400) }))
  const body = { ...bodyOf(), packs: packs.map(({ pack }) => ({ $typeName: 'anysync.v1.IndexedPack' as const, pack })) }
  assert.throws(
    () => sealRecord({ cipher, keys: keysOf(vaultId), signer: signerOf(1) }, null, body),
    trouble('invalid'),
  )
})
