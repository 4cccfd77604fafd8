import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { masterKeysBytesMax, scryptFloor } from '@anysync/protocol/limits.ts'
import { seededChance } from '../memory/chance.ts'
import { memoryCipher } from '../memory/cipher.ts'
import type { Cipher } from '../ports.ts'
import { encodeContext } from './context.ts'
import { goldenVectors, hex } from './golden.suite.ts'
import { makeMasterKeysVectors } from './master-keys-vectors.suite.ts'
import { newBundle, openMasterKeys, openWithPasswordKey, parseMasterKeys, sealMasterKeys } from './master-keys.ts'
import { newKdf, passwordKey } from './password.ts'

const vectors = goldenVectors('master-keys', await makeMasterKeysVectors())
const idle: Cipher = { ...nodeCipher, scrypt: () => assert.fail('derived') }

/** scrypt that costs nothing: for properties over thousands of files. */
const quick: Cipher = {
  ...nodeCipher,
  scrypt: async (password, salt, { n, r, p }) => nodeCipher.sha256(password, salt, encodeContext(n, r, p)),
}

for (const [name, cipher] of [
  ["Node's cipher", nodeCipher],
  ['the memory cipher', memoryCipher],
] as const) {
  test(`${name}: the password alone recovers every key`, async () => {
    for (const { file, password, generation, ...keys } of vectors.valid) {
      const opened = await openMasterKeys(cipher, hex(file), password)
      assert.equal(opened.generation, BigInt(generation))
      assert.equal(opened.identityPublicKey.toHex(), keys.identityPublicKey)
      assert.equal(opened.passwordKey.toHex(), keys.passwordKey)
      for (const key of ['fileKey', 'authKey', 'accessToken', 'boxSecretKey', 'identitySeed'] as const) {
        assert.equal(opened.bundle[key].toHex(), keys[key])
      }
    }
  })
}

test('what can be refused without the password is refused before anything is derived', async () => {
  for (const { file, password, kind, why } of vectors.invalid.filter(({ isDerived }) => !isDerived)) {
    await assert.rejects(openMasterKeys(idle, hex(file), password), (error) => isTrouble(error, kind), why)
  }
})

test('a wrong password is unauthorized, and what was altered is corrupt', async () => {
  for (const { file, password, kind, why } of vectors.invalid.filter(({ isDerived }) => isDerived)) {
    await assert.rejects(openMasterKeys(nodeCipher, hex(file), password), (error) => isTrouble(error, kind), why)
  }
})

test('no master.keys opens with any one bit flipped', async () => {
  const chance = seededChance(21)
  const kdf = newKdf(chance, scryptFloor)
  const key = await passwordKey(quick, 'a password', kdf)
  const good = sealMasterKeys(quick, chance, { bundle: newBundle(chance), generation: 1n, kdf, passwordKey: key })
  await openMasterKeys(quick, good, 'a password')
  for (let bit = 0; bit < good.length * 8; bit++) {
    const altered = good.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
    await assert.rejects(openMasterKeys(quick, altered, 'a password'), (error) =>
      ['corrupt', 'invalid', 'unauthorized'].some((kind) => isTrouble(error, kind as 'corrupt')),
    )
  }
})

test('no master.keys opens when it was cut anywhere or has a byte more', async () => {
  const { file, password } = vectors.valid[0]!
  for (let length = 0; length < hex(file).length; length++) {
    assert.throws(
      () => parseMasterKeys(hex(file).subarray(0, length)),
      (error) => isTrouble(error, 'corrupt'),
    )
  }
  await assert.rejects(openMasterKeys(idle, hex(file + '00'), password), (error) => isTrouble(error, 'corrupt'))
})

test('master.keys over 16 KiB are not even read', () => {
  for (const length of [masterKeysBytesMax + 1, 10 * masterKeysBytesMax]) {
    assert.throws(() => parseMasterKeys(new Uint8Array(length)), /refused/)
  }
})

test('every rewrite makes other bytes of the same keys', async () => {
  const chance = seededChance(22)
  const bundle = newBundle(chance)
  const kdf = newKdf(chance, scryptFloor)
  const key = await passwordKey(quick, 'a password', kdf)
  const seal = (generation: bigint): Uint8Array =>
    sealMasterKeys(quick, chance, { bundle, generation, kdf, passwordKey: key })
  assert.notDeepEqual(seal(1n), seal(1n))
  for (const generation of [1n, 2n, 2n ** 64n - 1n]) {
    const opened = openWithPasswordKey(quick, parseMasterKeys(seal(generation)), key)
    assert.deepEqual(opened.bundle, bundle)
    assert.equal(opened.generation, generation)
  }
})

test('neither the password nor any key shows in the file', async () => {
  for (const { file, password, generation: _, identityPublicKey: __, file: ___, ...secrets } of vectors.valid) {
    for (const secret of Object.values(secrets)) assert.ok(!file.includes(secret))
    assert.ok(!file.includes(Buffer.from(password).toString('hex')))
  }
})
