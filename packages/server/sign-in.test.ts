import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fromConnectError } from '@anysync/protocol/wire.ts'
import {
  kindOf,
  rejectsWith,
  callsTo,
  logIn,
  loginRequest,
  newDevice,
  newHome,
  newInvitation,
  newServer,
  newVault,
  signUp,
  signUpRequest,
} from './household.suite.ts'

test('an invitation makes one account, and not after its time', async (t) => {
  const server = await newServer(t)
  const { account } = callsTo(server, null)
  const invitation = await newInvitation(server)
  await account.signUp(signUpRequest('anna@example.org', invitation).request)
  const answers: string[] = []
  const expired = await newInvitation(server, { lifeMs: -1 })
  for (const bad of [invitation, expired, new Uint8Array(32)]) {
    await account.signUp(signUpRequest('bob@example.org', bad).request).catch((error: unknown) => {
      answers.push(fromConnectError('test', error).message)
      assert.equal(kindOf(error), 'missing')
    })
  }
  assert.equal(answers.length, 3)
  assert.equal(new Set(answers).size, 1)
})

test('an e-mail that has an account is a conflict, and the invitation stays good', async (t) => {
  const server = await newServer(t)
  await signUp(server, 'anna@example.org')
  const { account } = callsTo(server, null)
  const invitation = await newInvitation(server)
  await rejectsWith(account.signUp(signUpRequest('anna@example.org', invitation).request), 'conflict')
  await account.signUp(signUpRequest('bob@example.org', invitation).request)
})

test('sign-up refuses weak parameters and fields of the wrong form', async (t) => {
  const server = await newServer(t)
  const { account } = callsTo(server, null)
  const invitation = await newInvitation(server)
  const { request } = signUpRequest('anna@example.org', invitation)
  const bad = [
    { kdf: { ...request.kdf, n: 8192 } },
    { kdf: { ...request.kdf, n: 20_000 } },
    { kdf: { ...request.kdf, p: 5 } },
    { kdf: { ...request.kdf, salt: new Uint8Array(15) } },
    { email: 'Anna@example.org' },
    { email: 'anna' },
    { email: `${'a'.repeat(250)}@b.cd` },
    { loginPublicKey: new Uint8Array(31) },
    { masterKeys: new Uint8Array(16 * 1024 + 1) },
    { masterKeys: new Uint8Array() },
    { invitation: new Uint8Array(31) },
  ]
  for (const change of bad) await rejectsWith(account.signUp({ ...request, ...change }), 'invalid')
  await account.signUp(request)
})

test('login gives user, device, token and master.keys; the token works and is not on the disk', async (t) => {
  const home = await newHome(t)
  const server = await newServer(t, { home })
  const person = await signUp(server, 'anna@example.org')
  const device = await logIn(server, person)
  const me = await device.calls.account.whoAmI({})
  assert.deepEqual(Buffer.from(me.userId), Buffer.from(person.userId))
  assert.deepEqual(Buffer.from(me.deviceId), Buffer.from(device.deviceId))
  assert.equal(me.deviceName, 'kitchen laptop')
  await server.close()
  for (const file of [home.databaseFile, home.runFile].filter((file) => existsSync(file))) {
    const bytes = readFileSync(file)
    for (const secret of [device.token, person.accountToken]) {
      assert.ok(!bytes.includes(secret))
      assert.ok(!bytes.includes(Buffer.from(secret).toString('hex')))
      assert.ok(!bytes.includes(Buffer.from(secret).toString('base64url')))
    }
  }
})

test('a login signed for another certificate, with a used challenge or by another key fails alike', async (t) => {
  const server = await newServer(t)
  const person = await signUp(server, 'anna@example.org')
  const other = await signUp(server, 'bob@example.org')
  const { account } = callsTo(server, null)
  const box = new Uint8Array(32).fill(9)
  const fresh = async (email = person.email) => (await account.challenge({ email })).challenge
  const used = await fresh()
  await account.login(loginRequest(server, person, used, box))
  const requests = [
    loginRequest(server, person, used, box),
    loginRequest(server, person, await fresh(), box, { fingerprint: new Uint8Array(32) }),
    loginRequest(server, { ...other, email: person.email }, await fresh(), box),
    loginRequest(server, person, await fresh(other.email), box),
    loginRequest(server, { ...other, email: 'nobody@example.org' }, await fresh('nobody@example.org'), box),
  ]
  const messages = new Set<string>()
  for (const request of requests) {
    await account.login(request).then(
      () => assert.fail('a wrong login passed'),
      (error: unknown) => messages.add(`${kindOf(error)} ${fromConnectError('test', error).message}`),
    )
  }
  assert.equal(messages.size, 1)
  assert.match([...messages].join(), /^unauthorized /)
})

test('too many wrong passwords wait, for known and unknown e-mails alike, and signed-in devices go on', async (t) => {
  let nowMs = Date.now()
  const server = await newServer(t, { clock: { nowMs: () => nowMs } })
  const device = await newDevice(server, 'anna@example.org')
  const { account } = callsTo(server, null)
  const stranger = await signUp(server, 'eve@example.org')
  const attempt = async (email: string) => {
    const { challenge } = await account.challenge({ email })
    return account.login(loginRequest(server, { ...stranger, email }, challenge, new Uint8Array(32))).then(
      () => 'passed',
      (error: unknown) => `${kindOf(error)} ${fromConnectError('test', error).message}`,
    )
  }
  const told = async (email: string) => {
    const answers = []
    for (let i = 0; i < 7; i++) answers.push(await attempt(email))
    return answers
  }
  const known = await told('anna@example.org')
  assert.deepEqual(await told('nobody@example.org'), known)
  assert.equal(known.filter((answer) => answer.startsWith('unauthorized')).length, 5)
  assert.equal(known.at(-1), 'unavailable too many failed attempts: wait 1 seconds and try again')
  await device.calls.account.whoAmI({})
  nowMs += 1000
  await logIn(server, device.person)
  assert.match(await attempt('anna@example.org'), /^unauthorized/)
})

test('a revoked device can do nothing and its watch ends; the account token alone revokes', async (t) => {
  const server = await newServer(t)
  const laptop = await newDevice(server, 'anna@example.org')
  const phone = await logIn(server, laptop.person)
  await newVault(phone.calls)
  const watch = phone.calls.vault.watch({})[Symbol.asyncIterator]()
  await watch.next()
  await rejectsWith(laptop.calls.account.revokeDevice({ deviceId: phone.deviceId }), 'unauthorized')
  const owner = callsTo(server, laptop.person.accountToken)
  await rejectsWith(owner.account.whoAmI({}), 'unauthorized')
  await owner.account.revokeDevice({ deviceId: phone.deviceId })
  await rejectsWith(watch.next(), 'unauthorized')
  await rejectsWith(phone.calls.account.whoAmI({}), 'unauthorized')
  const { devices } = await laptop.calls.account.listDevices({})
  assert.deepEqual(
    devices.map(({ isRevoked }) => isRevoked),
    [false, true],
  )
  await laptop.calls.account.logout({})
  await rejectsWith(laptop.calls.account.whoAmI({}), 'unauthorized')
})
