import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { SyncError, type Kind } from '@anysync/protocol/errors.ts'
import type { Kdf } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { deviceIdFromBytes, userIdFromBytes } from '@anysync/protocol/ids.ts'
import { scryptFloor } from '@anysync/protocol/limits.ts'
import { parseAccessKeys, serializeAccessKeys } from '../crypto/access-keys.ts'
import { newBoxKeyPair, sealBox } from '../crypto/box.ts'
import { encodeContext } from '../crypto/context.ts'
import { openMasterKeys, openWithPasswordKey, parseMasterKeys, sealMasterKeys } from '../crypto/master-keys.ts'
import { checkDeviceCertificate } from '../crypto/sign.ts'
import { seededChance } from '../memory/chance.ts'
import { steppedClock } from '../memory/clock.ts'
import { createMemoryServer } from '../memory/remote.ts'
import type { Cipher, Door, Login, LoginAnswer, SignUp } from '../ports.ts'
import { logIn, parseEmail, signUp, type NewDevice } from './account.ts'

const email = 'ada@example.org'
const password = 'correct horse battery'
const chance = seededChance(5)
const certificate = chance.bytes(300)

/** scrypt that costs nothing: what it must give is tested with the cipher. */
const cipher: Cipher = {
  ...nodeCipher,
  scrypt: async (password, salt, { n, r, p }) => nodeCipher.sha256(password, salt, encodeContext(n, r, p)),
}

/** The door of a server with room for one account, which checks what the real one checks. */
const fakeDoor = (): Door & { account: SignUp | null; logins: Login[]; token: Uint8Array } => {
  const token = chance.bytes(32)
  const challenge = chance.bytes(32)
  return {
    account: null,
    logins: [],
    token,
    certificateFingerprint: cipher.sha256(certificate),
    async signUp(request) {
      this.account = request
      return userIdFromBytes(new Uint8Array(16).fill(1))
    },
    async challenge() {
      assert.ok(this.account)
      return { challenge, kdf: this.account.kdf }
    },
    async login(request) {
      assert.ok(this.account)
      this.logins.push(request)
      const message = encodeContext(
        'login',
        challenge,
        this.account.email,
        request.boxPublicKey,
        request.clientVersion,
        request.deviceName,
        this.certificateFingerprint,
      )
      if (!cipher.verify(this.account.loginPublicKey, message, request.signature)) {
        throw new SyncError('account.login', 'unauthorized', 'the e-mail or the password is wrong')
      }
      const box = newBoxKeyPair(chance)
      return {
        userId: userIdFromBytes(new Uint8Array(16).fill(1)),
        deviceId: deviceIdFromBytes(new Uint8Array(16).fill(2)),
        sealedToken: sealBox(chance, token, request.boxPublicKey, box.secretKey),
        serverBoxPublicKey: box.publicKey,
        masterKeys: this.account.masterKeys,
      }
    },
  }
}

type FakeDoor = ReturnType<typeof fakeDoor>

const signedUp = async (): Promise<{ door: FakeDoor; masterKeys: Uint8Array }> => {
  const door = fakeDoor()
  const { masterKeys } = await signUp({ door, cipher, chance, invitation: chance.bytes(32), email, password })
  return { door, masterKeys }
}

const device = (door: Door, more: Partial<NewDevice> = {}): NewDevice => ({
  door,
  cipher,
  chance,
  clock: steppedClock(),
  serverUrl: 'https://localhost:65065',
  pinnedCertificate: certificate,
  email,
  password,
  clientVersion: '0.1.0',
  deviceName: 'laptop',
  ...more,
})

/** The same door, but for what the server answers. */
const answering = (door: FakeDoor, change: (answer: LoginAnswer) => Partial<LoginAnswer>): FakeDoor => ({
  ...door,
  login: async (request) => {
    const answer = await door.login(request)
    return { ...answer, ...change(answer) }
  },
})

const challenging = (door: FakeDoor, change: (kdf: Kdf) => Partial<Kdf>): FakeDoor => ({
  ...door,
  challenge: async (email) => {
    const { challenge, kdf } = await door.challenge(email)
    return { challenge, kdf: { ...kdf, ...change(kdf) } }
  },
})

const trouble =
  (kind: Kind, words: RegExp = /./) =>
  (error: unknown): boolean =>
    error instanceof SyncError && error.kind === kind && words.test(error.message)

const contains = (bytes: Uint8Array, part: Uint8Array): boolean => Buffer.from(bytes).includes(part)

test('who signed up logs in with the password alone, and gets keys that open what the account has', async () => {
  const { door, masterKeys } = await signedUp()
  const login = await logIn(device(door))
  assert.deepEqual(login.masterKeys, masterKeys)
  const { bundle, identityPublicKey, generation } = await openMasterKeys(cipher, masterKeys, password)
  assert.equal(generation, 1n)
  const { accessKeys } = login
  assert.deepEqual(accessKeys.fileKey, bundle.fileKey)
  assert.deepEqual(accessKeys.deviceToken, door.token)
  assert.deepEqual(accessKeys.pinnedCertificate, certificate)
  assert.deepEqual(parseAccessKeys(serializeAccessKeys(accessKeys)), accessKeys)
  assert.ok(accessKeys.deviceCertificate)
  checkDeviceCertificate(cipher, accessKeys.deviceCertificate, identityPublicKey)
  assert.deepEqual(accessKeys.deviceCertificate.devicePublicKey, cipher.signPublicKey(accessKeys.signingSeed))
})

test('access.keys hold neither the identity nor the account token nor any key but the file key', async () => {
  const { door, masterKeys } = await signedUp()
  const file = serializeAccessKeys((await logIn(device(door))).accessKeys)
  const { bundle } = await openMasterKeys(cipher, masterKeys, password)
  assert.ok(contains(file, bundle.fileKey))
  for (const secret of [bundle.identitySeed, bundle.accessToken, bundle.authKey, bundle.boxSecretKey]) {
    assert.ok(!contains(file, secret))
  }
})

test('the server is sent public halves, hashes and sealed bytes only', async () => {
  const { door, masterKeys } = await signedUp()
  await logIn(device(door))
  const { bundle, passwordKey } = await openMasterKeys(cipher, masterKeys, password)
  const fields: unknown[] = [
    ...Object.values(door.account ?? {}),
    ...door.logins.flatMap((login) => Object.values(login)),
  ]
  const sent = fields.map((field) => (field instanceof Uint8Array ? field : Buffer.from(String(field))))
  assert.equal(door.logins.length, 1)
  const { fileKey, authKey, accessToken, boxSecretKey, identitySeed } = bundle
  for (const secret of [
    fileKey,
    authKey,
    accessToken,
    boxSecretKey,
    identitySeed,
    passwordKey,
    Buffer.from(password),
  ]) {
    for (const field of sent) assert.ok(!contains(field, secret))
  }
  assert.deepEqual(door.account?.accessTokenHash, cipher.sha256(accessToken))
})

test('every login has a box key and a signing key of its own', async () => {
  const { door } = await signedUp()
  const [one, two] = [await logIn(device(door)), await logIn(device(door))]
  assert.notDeepEqual(door.logins[0]?.boxPublicKey, door.logins[1]?.boxPublicKey)
  assert.notDeepEqual(one.accessKeys.signingSeed, two.accessKeys.signingSeed)
})

test('an e-mail may be typed in capitals and with spaces around it', async () => {
  const { door } = await signedUp()
  assert.equal((await logIn(device(door, { email: ' Ada@Example.ORG ' }))).accessKeys.email, email)
})

test('a password may be typed in any Unicode form', async () => {
  const door = fakeDoor()
  await signUp({ door, cipher, chance, invitation: chance.bytes(32), email, password: 'Grüße ﬁnden' })
  await logIn(device(door, { password: 'Gru\u0308ße finden' }))
})

test('a wrong password is unauthorized, whether or not there is a local master.keys', async () => {
  const { door, masterKeys } = await signedUp()
  await assert.rejects(logIn(device(door, { password: 'wrong password' })), trouble('unauthorized'))
  const before = door.logins.length
  await assert.rejects(logIn(device(door, { password: 'wrong password', masterKeys })), trouble('unauthorized'))
  assert.equal(door.logins.length, before, 'the local copy knows it without asking the server')
})

test('sign-up refuses an empty and a weak password and what is no e-mail address, and asks nobody', async () => {
  const door = fakeDoor()
  const account = { door, cipher, chance, invitation: chance.bytes(32), email, password }
  for (const password of ['', '1234567', 'ﬁﬁﬁ']) {
    await assert.rejects(signUp({ ...account, password }), trouble('invalid', /at least 8/))
  }
  for (const email of ['', 'ada', '@example.org', 'ada@', 'a@b@c', 'a b@c', `${'a'.repeat(250)}@example.org`]) {
    await assert.rejects(signUp({ ...account, email }), trouble('invalid', /e-mail/))
  }
  await assert.rejects(signUp({ ...account, kdf: { ...scryptFloor, n: 8192 } }), trouble('invalid', /weaker/))
  assert.equal(door.account, null)
  assert.equal(parseEmail('a@b'), 'a@b')
})

test('login refuses an empty password, and a device name that is empty or too long', async () => {
  const { door } = await signedUp()
  await assert.rejects(logIn(device(door, { password: '' })), trouble('invalid', /empty/))
  for (const deviceName of ['', '  ', 'x'.repeat(65), 'é'.repeat(33)]) {
    await assert.rejects(logIn(device(door, { deviceName })), trouble('invalid', /device name/))
  }
  assert.equal(door.logins.length, 0)
})

test('a server that asks for a weak or a ruinous derivation gets nothing', async () => {
  const { door } = await signedUp()
  const idle: Cipher = { ...cipher, scrypt: () => assert.fail('derived') }
  for (const change of [{ n: 8192 }, { r: 4 }, { p: 0 }, { n: 2 ** 21 }, { n: 20_000 }, { r: 16 }, { p: 5 }]) {
    const liar = challenging(door, () => change)
    await assert.rejects(logIn(device(liar, { cipher: idle })), trouble('invalid'))
  }
  const liar = challenging(door, () => ({ salt: new Uint8Array(8) }))
  await assert.rejects(logIn(device(liar, { cipher: idle })), trouble('invalid', /salt/))
  assert.equal(door.logins.length, 0)
})

test('a server that asks for another derivation than the local master.keys is an alarm, before anything is derived', async () => {
  const { door, masterKeys } = await signedUp()
  const idle: Cipher = { ...cipher, scrypt: () => assert.fail('derived') }
  for (const change of [{ n: 32_768 }, { salt: new Uint8Array(16) }]) {
    const liar = challenging(door, () => change)
    await assert.rejects(logIn(device(liar, { cipher: idle, masterKeys })), trouble('corrupt', /derivation/))
  }
})

test('a local master.keys that the server continues is replaced by it; one that it does not is an alarm', async () => {
  const { door, masterKeys } = await signedUp()
  const { bundle, passwordKey } = await openMasterKeys(cipher, masterKeys, password)
  assert.ok(door.account)
  const { kdf } = door.account
  const newer = sealMasterKeys(cipher, chance, { bundle, generation: 2n, kdf, passwordKey })

  assert.deepEqual((await logIn(device(door, { masterKeys }))).masterKeys, masterKeys)
  const ahead = answering(door, () => ({ masterKeys: newer }))
  assert.deepEqual((await logIn(device(ahead, { masterKeys }))).masterKeys, newer)
  await assert.rejects(logIn(device(door, { masterKeys: newer })), trouble('corrupt', /generation 1/))

  const stranger = { ...bundle, identitySeed: chance.bytes(32) }
  const foreign = sealMasterKeys(cipher, chance, { bundle: stranger, generation: 3n, kdf, passwordKey })
  const swapped = answering(door, () => ({ masterKeys: foreign }))
  await assert.rejects(logIn(device(swapped, { masterKeys })), trouble('corrupt', /another identity/))
})

test('a server that gives master.keys which are not the account’s is an alarm', async () => {
  const { door } = await signedUp()
  const other = await signedUp()
  const lies: [change: (answer: LoginAnswer) => Partial<LoginAnswer>, words: RegExp][] = [
    [() => ({ masterKeys: new Uint8Array() }), /version/],
    [() => ({ masterKeys: new Uint8Array(20_000) }), /refused/],
    [() => ({ masterKeys: other.masterKeys }), /challenge/],
    [
      ({ masterKeys }) => ({
        masterKeys: masterKeys.map((byte, i) => (i === masterKeys.length - 1 ? byte ^ 1 : byte)),
      }),
      /altered/,
    ],
  ]
  for (const [change, words] of lies) {
    await assert.rejects(logIn(device(answering(door, change))), trouble('corrupt', words))
  }
  // The same derivation, but sealed under another password: the server let ours in, so it is not the password.
  const { account } = door
  assert.ok(account)
  const key = chance.bytes(32)
  const forged = sealMasterKeys(cipher, chance, {
    bundle: openWithPasswordKey(cipher, parseMasterKeys(account.masterKeys), await scryptOf(account.kdf)).bundle,
    generation: 1n,
    kdf: account.kdf,
    passwordKey: key,
  })
  const liar = answering(door, () => ({ masterKeys: forged }))
  await assert.rejects(logIn(device(liar)), trouble('corrupt', /another password/))
})

const scryptOf = ({ n, r, p, salt }: Kdf): Promise<Uint8Array> =>
  cipher.scrypt(new TextEncoder().encode(password), salt, { n, r, p })

test('a token that was boxed for another login, altered, or has the wrong length is refused', async () => {
  const { door } = await signedUp()
  const box = newBoxKeyPair(chance)
  const lies: ((answer: LoginAnswer) => Partial<LoginAnswer>)[] = [
    ({ sealedToken }) => ({ sealedToken: sealedToken.map((byte, i) => (i === 30 ? byte ^ 1 : byte)) }),
    () => ({ serverBoxPublicKey: box.publicKey }),
    () => ({ sealedToken: new Uint8Array() }),
    () => ({
      sealedToken: sealBox(
        chance,
        new Uint8Array(31),
        door.logins.at(-1)?.boxPublicKey ?? new Uint8Array(),
        box.secretKey,
      ),
      serverBoxPublicKey: box.publicKey,
    }),
  ]
  for (const lie of lies) await assert.rejects(logIn(device(answering(door, lie))), trouble('corrupt'))
})

test('a proof made for one certificate is worth nothing to a server with another', async () => {
  const { door } = await signedUp()
  const middle: FakeDoor = {
    ...door,
    certificateFingerprint: cipher.sha256(chance.bytes(300)),
    login: (request) => door.login(request),
  }
  await assert.rejects(logIn(device(middle, { pinnedCertificate: new Uint8Array() })), trouble('unauthorized'))
})

test('no message of a failed login holds the password or a key', async () => {
  const { door, masterKeys } = await signedUp()
  const failures = [
    logIn(device(door, { password: 'a canary password' })),
    logIn(device(door, { password: 'a canary password', masterKeys })),
    logIn(device(answering(door, () => ({ sealedToken: new Uint8Array(5) })))),
  ]
  for (const result of await Promise.allSettled(failures)) {
    assert.equal(result.status, 'rejected')
    assert.ok(!String(result.reason.message).includes('canary'))
  }
})

test('the memory server lets in who signed up, and nobody else; the account token outranks the device', async () => {
  const clock = steppedClock()
  const server = createMemoryServer({ cipher, chance, clock })
  const door = server.door()
  const account = { door, cipher, chance, invitation: server.invite(), email, password }
  const { userId, masterKeys } = await signUp(account)
  const { accessKeys } = await logIn(device(door, { pinnedCertificate: new Uint8Array() }))
  const me = await server.remote(accessKeys.deviceToken).whoAmI()
  assert.equal(me.userId, userId)
  assert.equal(me.email, email)
  assert.equal(me.deviceName, 'laptop')

  const stranger = device(door, { pinnedCertificate: new Uint8Array(), email: 'eve@example.org' })
  await assert.rejects(logIn(stranger), trouble('unauthorized'))
  await assert.rejects(signUp(account), trouble('missing', /invitation/))

  const { bundle } = await openMasterKeys(cipher, masterKeys, password)
  await assert.rejects(server.revokeDevice(accessKeys.deviceToken, me.deviceId), trouble('unauthorized'))
  await server.revokeDevice(bundle.accessToken, me.deviceId)
  await assert.rejects(server.remote(accessKeys.deviceToken).whoAmI(), trouble('unauthorized'))
})
