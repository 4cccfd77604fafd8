import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { scryptCeiling, scryptFloor, scryptStrong } from '@anysync/protocol/limits.ts'
import { seededChance } from '../memory/chance.ts'
import type { Cipher } from '../ports.ts'
import { checkKdf, checkNewPassword, loginSeed, newKdf, passwordKey, sameKdf } from './password.ts'

const chance = seededChance(9)
const idle: Cipher = { ...nodeCipher, scrypt: () => assert.fail('derived') }
const isInvalid = (error: unknown): boolean => error instanceof SyncError && error.kind === 'invalid'

test('the floor, the strong setting and the ceiling are accepted', () => {
  for (const cost of [scryptFloor, scryptStrong, scryptCeiling]) checkKdf(newKdf(chance, cost))
})

test('parameters outside the bounds are refused before anything is derived', async () => {
  const good = newKdf(chance, scryptFloor)
  const wrong = [
    { n: 8192 },
    { n: 0 },
    { n: 16_385 },
    { n: 24_576 },
    { n: 2 ** 21 },
    { n: 2 ** 31 },
    { r: 7 },
    { r: 9 },
    { p: 0 },
    { p: 5 },
    { salt: new Uint8Array() },
    { salt: new Uint8Array(15) },
    { salt: new Uint8Array(17) },
  ]
  for (const change of wrong) {
    await assert.rejects(passwordKey(idle, 'a password', { ...good, ...change }), isInvalid)
  }
})

test('an empty password is refused before anything is derived', async () => {
  await assert.rejects(passwordKey(idle, '', newKdf(chance, scryptFloor)), isInvalid)
})

test('a new password needs 8 characters, counted as a person would', () => {
  for (const password of ['12345678', 'пароль-1', '🐟🐟🐟🐟🐟🐟🐟🐟']) checkNewPassword(password)
  for (const password of ['', '1234567', '🐟🐟🐟🐟', 'e\u0301e\u0301e\u0301e\u0301']) {
    assert.throws(() => checkNewPassword(password), isInvalid)
  }
})

test('the password key is scrypt of the NFKC form, and the login seed is another key', async () => {
  const kdf = newKdf(chance, scryptFloor)
  const key = await passwordKey(nodeCipher, 'Gru\u0308ße ﬁnden', kdf)
  const nfkc = new TextEncoder().encode('Grüße finden')
  assert.deepEqual(key, await nodeCipher.scrypt(nfkc, kdf.salt, scryptFloor))
  const seed = loginSeed(nodeCipher, key)
  assert.equal(seed.length, 32)
  assert.notDeepEqual(seed, key)
})

test('two sets of parameters are the same when cost and salt are', () => {
  const kdf = newKdf(chance, scryptFloor)
  assert.ok(sameKdf(kdf, { ...kdf }))
  for (const change of [{ n: 1 }, { r: 1 }, { p: 2 }, { salt: new Uint8Array(16) }]) {
    assert.ok(!sameKdf(kdf, { ...kdf, ...change }))
  }
})
