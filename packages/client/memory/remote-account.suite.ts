/** What Door and Remote promise of accounts: sign-up, login, logout, and what strangers are told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { KdfSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { scryptFloor } from '@anysync/protocol/limits.ts'
import { openBox } from '../crypto/box.ts'
import type { SignUp } from '../ports.ts'
import { collect, fails, messageOf, timeout, wrongLogin, type RemoteWorld } from './remote-world.suite.ts'

export const testAccounts = (world: RemoteWorld): void => {
  const { newVaultId, newPack, newRecord, newSignUp, newPerson, newLogin, signLogin, logIn, newVault, chance } = world

  test('a login answers the device and master.keys, and its token opens the account', { timeout }, async () => {
    const { request, boxSecretKey } = await newLogin(world.alice)
    const answer = await world.server.door.login(request)
    assert.deepEqual(new Uint8Array(answer.masterKeys), new Uint8Array(world.alice.masterKeys))
    const token = openBox(answer.sealedToken, answer.serverBoxPublicKey, boxSecretKey)
    const me = await world.server.remoteFor(token).whoAmI()
    assert.equal(me.email, world.alice.email)
    assert.equal(me.deviceName, 'the laptop')
    assert.equal(me.userId, answer.userId)
    assert.equal(me.deviceId, answer.deviceId)
  })

  test('an invitation is good once, and a used one looks like one that never was', { timeout }, async () => {
    const first = await newSignUp()
    await world.server.door.signUp(first.request)
    const { request } = await newSignUp()
    const used = world.server.door.signUp({ ...request, invitation: first.request.invitation })
    const unknown = world.server.door.signUp({ ...request, invitation: chance.bytes(32) })
    await assert.rejects(used, fails('missing'))
    await assert.rejects(unknown, fails('missing'))
    assert.equal(await messageOf(used), await messageOf(unknown))
  })

  test('an e-mail has one account; only the holder of an invitation learns so, and keeps it', { timeout }, async () => {
    const { request } = await newSignUp()
    await assert.rejects(world.server.door.signUp({ ...request, email: world.alice.email }), fails('conflict'))
    const invitation = chance.bytes(32)
    await assert.rejects(
      world.server.door.signUp({ ...request, email: world.alice.email, invitation }),
      fails('missing'),
    )
    await world.server.door.signUp(request)
  })

  test('a malformed sign-up is invalid and uses up nothing', { timeout }, async () => {
    const { request } = await newSignUp()
    const wrong: Partial<SignUp>[] = [
      { email: 'nobody' },
      { email: 'a@b@c' },
      { email: 'Upper@example.org' },
      { loginPublicKey: chance.bytes(31) },
      { kdf: create(KdfSchema, { n: 1024, r: 8, p: 1, salt: chance.bytes(16) }) },
      { kdf: create(KdfSchema, { ...scryptFloor, salt: chance.bytes(8) }) },
      { accessTokenHash: new Uint8Array() },
      { identityPublicKey: chance.bytes(33) },
      { boxPublicKey: chance.bytes(1) },
      { masterKeys: new Uint8Array() },
      { masterKeys: chance.bytes(16 * 1024 + 1) },
    ]
    for (const change of wrong)
      await assert.rejects(world.server.door.signUp({ ...request, ...change }), fails('invalid'))
    await world.server.door.signUp(request)
  })

  test('an unknown e-mail is challenged like a known one, and the same each time', { timeout }, async () => {
    const known = await world.server.door.challenge(world.alice.email)
    const once = await world.server.door.challenge('nobody@example.org')
    const again = await world.server.door.challenge('nobody@example.org')
    const other = await world.server.door.challenge('nobody2@example.org')
    assert.deepEqual({ ...once.kdf, salt: once.kdf.salt.toHex() }, { ...again.kdf, salt: again.kdf.salt.toHex() })
    assert.notEqual(once.kdf.salt.toHex(), other.kdf.salt.toHex())
    assert.notEqual(once.challenge.toHex(), again.challenge.toHex())
    assert.equal(once.challenge.length, known.challenge.length)
    const shape = ({ n, r, p, salt }: typeof known.kdf): unknown => [n, r, p, salt.length]
    assert.deepEqual(shape(once.kdf), shape(known.kdf))
  })

  test('whatever is wrong with a login, the answer is the same', { timeout }, async () => {
    // A person of this test alone, because failures make later logins wait.
    const carol = await newPerson()
    const stranger = { ...carol, email: 'stranger@example.org' }
    const impostor = { ...carol, loginSeed: chance.bytes(32) }
    const { request } = await newLogin(carol)
    const wrong = [
      (await newLogin(stranger)).request,
      (await newLogin(impostor)).request,
      { ...(await newLogin(carol)).request, deviceName: 'another' },
      { ...(await newLogin(carol)).request, boxPublicKey: chance.bytes(32) },
      { ...request, signature: signLogin(carol, request, chance.bytes(32)) },
      { ...request, challenge: (await world.server.door.challenge(stranger.email)).challenge },
    ]
    const messages = new Set<string>()
    for (const login of wrong) {
      const attempt = world.server.door.login(login)
      await assert.rejects(attempt, fails(wrongLogin))
      messages.add(await messageOf(attempt))
    }
    assert.equal(messages.size, 1)
  })

  test('a challenge is good once', { timeout }, async () => {
    const { request } = await newLogin(world.alice)
    await world.server.door.login(request)
    await assert.rejects(world.server.door.login(request), fails(wrongLogin))
  })

  test('a stranger is told nothing and changes nothing', { timeout }, async () => {
    const vaultId = await newVault()
    const { id, bytes } = newPack(100)
    const record = newRecord(vaultId, null)
    const stranger = world.server.remoteFor(chance.bytes(32))
    const calls: (() => Promise<unknown>)[] = [
      () => stranger.whoAmI(),
      () => stranger.logout(),
      () => stranger.createVault(newVaultId(), chance.bytes(10)),
      () => stranger.listVaults(),
      () => stranger.append(vaultId, null, record.bytes, []),
      () => collect(stranger.recordsSince(vaultId, 0)),
      () => collect(stranger.watch(new AbortController().signal)),
      () => stranger.existingPacks(vaultId, [id]),
      () => stranger.packsInUse(vaultId),
      () => stranger.putPack(vaultId, id, bytes),
      () => stranger.getPack(vaultId, id, 0, 1),
      () => stranger.packLength(vaultId, id),
    ]
    for (const call of calls) await assert.rejects(call(), fails('unauthorized'))
    assert.equal(await world.remote.packLength(vaultId, id), null)
    assert.deepEqual(await collect(world.remote.recordsSince(vaultId, 0)), [])
  })

  test("another account's vault is missing, like one that does not exist", { timeout }, async () => {
    const vaultId = await newVault()
    const { id, bytes } = newPack(100)
    await world.remote.putPack(vaultId, id, bytes)
    for (const absent of [vaultId, newVaultId()]) {
      const record = newRecord(absent, null)
      const calls: (() => Promise<unknown>)[] = [
        () => world.bob.append(absent, null, record.bytes, []),
        () => collect(world.bob.recordsSince(absent, 0)),
        () => world.bob.existingPacks(absent, [id]),
        () => world.bob.packsInUse(absent),
        () => world.bob.putPack(absent, id, bytes),
        () => world.bob.getPack(absent, id, 0, 1),
      ]
      for (const call of calls) await assert.rejects(call(), fails('missing'))
      assert.equal(await world.bob.packLength(absent, id), null)
    }
    const { vaults } = await world.bob.listVaults()
    assert(vaults.every((vault) => vault.vaultId !== vaultId))
    await assert.rejects(world.bob.createVault(vaultId, chance.bytes(10)), fails('conflict'))
  })

  test('after a logout the token opens nothing, and other devices go on', { timeout }, async () => {
    const token = await logIn(world.alice)
    await world.server.remoteFor(token).logout()
    await assert.rejects(world.server.remoteFor(token).whoAmI(), fails('unauthorized'))
    await assert.rejects(world.server.remoteFor(token).logout(), fails('unauthorized'))
    await world.remote.whoAmI()
  })
}
