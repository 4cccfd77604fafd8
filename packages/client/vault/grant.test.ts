import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { GrantSchema, Role } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { Kind } from '@anysync/protocol/errors.ts'
import { parseVaultId } from '@anysync/protocol/ids.ts'
import vectors from '../../../vectors/grant.json' with { type: 'json' }
import { replayedChance } from '../content/store.suite.ts'
import { seededChance } from '../memory/chance.ts'
import { newVaultGrant, openGrant } from './grant.ts'
import { cipher, trouble, vaultId } from './vault.suite.ts'

const chance = seededChance(3)
const owner = {
  fileKey: Uint8Array.fromHex(vectors.fileKey),
  identityPublicKey: cipher.signPublicKey(Uint8Array.fromHex(vectors.identitySeed)),
}

test('the golden grants are made byte for byte and open', () => {
  for (const { name, vaultId, chance: drawn, vaultKey, hex } of vectors.valid) {
    const id = parseVaultId(vaultId)
    const made = newVaultGrant({ cipher, chance: replayedChance(drawn.join('')) }, owner, id, name)
    assert.equal(made.grant.toHex(), hex)
    assert.equal(made.vaultKey.toHex(), vaultKey)
    const opened = openGrant({ cipher, chance }, owner, id, Uint8Array.fromHex(hex))
    assert.deepEqual(opened, { vaultId: id, epoch: 0, role: Role.OWNER, vaultKey: made.vaultKey, name })
  }
})

for (const { why, kind, hex } of vectors.invalid) {
  test(`a grant is refused: ${why}`, () => {
    assert.throws(() => openGrant({ cipher, chance }, owner, vaultId, Uint8Array.fromHex(hex)), trouble(kind as Kind))
  })
}

test('a grant opens for its owner only', () => {
  const { grant } = newVaultGrant({ cipher, chance }, owner, vaultId, 'documents')
  const other = { ...owner, fileKey: chance.bytes(32) }
  assert.throws(() => openGrant({ cipher, chance }, other, vaultId, grant), trouble('corrupt'))
  const stranger = { ...owner, identityPublicKey: chance.bytes(32) }
  assert.throws(() => openGrant({ cipher, chance }, stranger, vaultId, grant), trouble('corrupt'))
})

test('every flipped bit of a grant is refused', () => {
  const { grant } = newVaultGrant({ cipher, chance }, owner, vaultId, 'documents')
  for (let bit = 0; bit < grant.length * 8; bit++) {
    const damaged = grant.slice()
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    assert.throws(() => openGrant({ cipher, chance }, owner, vaultId, damaged))
  }
})

test('the length of a grant does not tell the length of the name', () => {
  const lengths = Array.from({ length: 255 }, (_, i) =>
    newVaultGrant({ cipher, chance }, owner, vaultId, 'n'.repeat(i + 1)),
  )
  assert.equal(new Set(lengths.map(({ grant }) => grant.length)).size, 1)
  assert.ok(fromBinary(GrantSchema, lengths[0]!.grant).sealedLabel.length > 512)
})

test('a vault needs a name of 1 to 255 bytes', () => {
  for (const name of ['', 'n'.repeat(256), 'ü'.repeat(128)]) {
    assert.throws(() => newVaultGrant({ cipher, chance }, owner, vaultId, name), trouble('invalid', /1 to 255 bytes/))
  }
})
