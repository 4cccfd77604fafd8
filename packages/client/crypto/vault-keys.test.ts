import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { seededChance } from '../memory/chance.ts'
import { utf8 } from './bytes.ts'
import { purposes, type Purpose, deriveKey } from './purposes.ts'
import { openVaultKeys } from './vault-keys.ts'

const chance = seededChance(13)
const vaultId = vaultIdFromBytes(chance.bytes(16))
const keyByEpoch = new Map([0, 1].map((epoch) => [epoch, chance.bytes(32)]))
const isCorrupt = (error: unknown): boolean => error instanceof SyncError && error.kind === 'corrupt'

test('every purpose has a key of its own, and the info that the format says', () => {
  const secret = chance.bytes(32)
  const names = Object.keys(purposes) as Purpose[]
  assert.equal(new Set(names.map((purpose) => deriveKey(nodeCipher, secret, purpose).toHex())).size, names.length)
  assert.deepEqual(deriveKey(nodeCipher, secret, 'chunk-id'), nodeCipher.hkdf(secret, 'anysync/v1/chunk-id', 32))
})

test('what one key of a vault sealed, no other key of it opens', () => {
  const keys = openVaultKeys(nodeCipher, chance, vaultId, keyByEpoch)
  assert.equal(keys.epoch, 1)
  const all = [0, 1].flatMap((epoch) => [keys.content(epoch), keys.index(epoch), keys.log(epoch)])
  for (const one of all) {
    const sealed = one.seal(utf8('plaintext'), utf8(''))
    for (const other of all) {
      if (one === other) assert.deepEqual(other.open(sealed, utf8('')), utf8('plaintext'))
      else assert.throws(() => other.open(sealed, utf8('')), isCorrupt)
    }
  }
})

test('chunk ids and the gear stay the same when the epoch changes', () => {
  const before = openVaultKeys(nodeCipher, chance, vaultId, new Map([...keyByEpoch].slice(0, 1)))
  const after = openVaultKeys(nodeCipher, chance, vaultId, keyByEpoch)
  assert.equal(before.epoch, 0)
  assert.deepEqual(before.chunkId(utf8('x')), after.chunkId(utf8('x')))
  assert.deepEqual(before.gearKey, after.gearKey)
})

test('a vault without the key of an epoch is corrupt, and so is one without epoch 0', () => {
  const keys = openVaultKeys(nodeCipher, chance, vaultId, keyByEpoch)
  assert.throws(() => keys.content(2), isCorrupt)
  assert.throws(() => openVaultKeys(nodeCipher, chance, vaultId, new Map()), isCorrupt)
})
