import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { KdfSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { packIdFromBytes, vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { challengeMsMax, scryptFloor } from '@anysync/protocol/limits.ts'
import { newBoxKeyPair, openBox } from '../crypto/box.ts'
import { encodeContext } from '../crypto/context.ts'
import type { Remote } from '../ports.ts'
import { seededChance } from './chance.ts'
import { memoryCipher as cipher } from './cipher.ts'
import { steppedClock } from './clock.ts'
import { createMemoryServer, type MemoryServer, type ServerCall } from './remote.ts'
import { testRemote } from './remote.suite.ts'

testRemote('the memory server', { cipher, chance: seededChance(1) }, async () => {
  const server = createMemoryServer({ cipher, chance: seededChance(2), clock: steppedClock() })
  return {
    door: server.door(),
    remoteFor: (token) => server.remote(token),
    invitation: async () => server.invite(),
    close: async () => {},
  }
})

const email = 'ann@example.org'

const house = ({ bytesQuota = 0 } = {}) => {
  const chance = seededChance(3)
  const clock = steppedClock()
  const server = createMemoryServer({ cipher, chance, clock })
  const door = server.door()
  const loginSeed = chance.bytes(32)
  const accessToken = chance.bytes(32)
  const signUp = (invitation = server.invite({ bytesQuota })) =>
    door.signUp({
      invitation,
      email,
      loginPublicKey: cipher.signPublicKey(loginSeed),
      kdf: create(KdfSchema, { ...scryptFloor, salt: chance.bytes(16) }),
      accessTokenHash: cipher.sha256(accessToken),
      identityPublicKey: chance.bytes(32),
      boxPublicKey: chance.bytes(32),
      masterKeys: chance.bytes(100),
    })
  const logIn = async ({ waitMs = 0 } = {}): Promise<Uint8Array> => {
    const { challenge } = await door.challenge(email)
    clock.advance(waitMs)
    const box = newBoxKeyPair(chance)
    const fields = { clientVersion: '0', boxPublicKey: box.publicKey, deviceName: 'desk' }
    const message = encodeContext('login', challenge, email, box.publicKey, '0', 'desk', door.certificateFingerprint)
    const answer = await door.login({ ...fields, email, challenge, signature: cipher.sign(loginSeed, message) })
    return openBox(answer.sealedToken, answer.serverBoxPublicKey, box.secretKey)
  }
  const newPack = (length: number) => {
    const bytes = chance.bytes(length)
    return { id: packIdFromBytes(cipher.sha256(bytes)), bytes }
  }
  return { chance, clock, server, door, accessToken, signUp, logIn, newPack }
}

const kindIs = (kind: Parameters<typeof isTrouble>[1]) => (error: unknown) => isTrouble(error, kind)

const bytesSeen = (server: MemoryServer): string => [...server.bytesStored()].map((bytes) => bytes.toHex()).join(' ')

test('an invitation and a challenge expire', async () => {
  const { server, clock, signUp, logIn } = house()
  const invitation = server.invite({ validMs: 1000 })
  clock.advance(1000)
  await assert.rejects(signUp(invitation), kindIs('missing'))
  await signUp()
  await assert.rejects(logIn({ waitMs: challengeMsMax }), kindIs('unauthorized'))
  await logIn({ waitMs: challengeMsMax - 1 })
})

test("only the account's token revokes a device, and the device's watch ends", async () => {
  const { server, accessToken, signUp, logIn } = house()
  await signUp()
  const token = await logIn()
  const { deviceId } = await server.remote(token).whoAmI()
  const other = await logIn()
  const watch = server.remote(token).watch(new AbortController().signal)[Symbol.asyncIterator]()
  const pending = assert.rejects(watch.next(), kindIs('unauthorized'))
  await assert.rejects(server.revokeDevice(other, deviceId), kindIs('unauthorized'))
  await server.revokeDevice(accessToken, deviceId)
  await pending
  await assert.rejects(server.remote(token).whoAmI(), kindIs('unauthorized'))
  await server.remote(other).whoAmI()
  assert.deepEqual(
    (await server.listDevices(other)).map((device) => device.isRevoked),
    [true, false],
  )
})

test('a quota is full before a byte too many is stored', async () => {
  const { server, chance, signUp, logIn, newPack } = house({ bytesQuota: 1000 })
  await signUp()
  const remote = server.remote(await logIn())
  const vaultId = vaultIdFromBytes(chance.bytes(16))
  await remote.createVault(vaultId, chance.bytes(10))
  const [first, second, third] = [newPack(600), newPack(401), newPack(400)]
  await remote.putPack(vaultId, first.id, first.bytes)
  await assert.rejects(remote.putPack(vaultId, second.id, second.bytes), kindIs('full'))
  await remote.putPack(vaultId, third.id, third.bytes)
  await remote.putPack(vaultId, first.id, first.bytes)
})

test('a server put back has forgotten what came later and says so, unless it happened behind its back', async () => {
  const { server, chance, signUp, logIn, newPack } = house()
  await signUp()
  const remote = server.remote(await logIn())
  const vaultId = vaultIdFromBytes(chance.bytes(16))
  await remote.createVault(vaultId, chance.bytes(10))
  const { incarnation } = await remote.listVaults()
  const copy = server.snapshot()
  const { id, bytes } = newPack(100)
  await remote.putPack(vaultId, id, bytes)
  const watch = remote.watch(new AbortController().signal)[Symbol.asyncIterator]()
  await watch.next()

  server.restore(copy, { isAnnounced: false })
  await assert.rejects(watch.next(), kindIs('unavailable'))
  assert.equal(await remote.packLength(vaultId, id), null)
  assert.deepEqual((await remote.listVaults()).incarnation, incarnation)
  await remote.putPack(vaultId, id, bytes)

  server.restore(copy, { isAnnounced: true })
  assert.equal(await remote.packLength(vaultId, id), null)
  assert.notDeepEqual((await remote.listVaults()).incarnation, incarnation)
})

test('a fault before a call prevents it, and a fault after it only loses the reply', async () => {
  const { server, chance, signUp, logIn } = house()
  await signUp()
  const remote: Remote = server.remote(await logIn())
  const { deviceId } = await remote.whoAmI()
  const calls: ServerCall[] = []
  const failAt = (moment: ServerCall['moment']) =>
    server.setFault((call) => {
      calls.push(call)
      if (call.moment === moment) throw new SyncError(call.operation, 'unavailable', 'the line is down')
    })
  const vaultId = vaultIdFromBytes(chance.bytes(16))
  failAt('before')
  await assert.rejects(remote.createVault(vaultId, chance.bytes(10)), kindIs('unavailable'))
  server.setFault(null)
  assert.equal((await remote.listVaults()).vaults.length, 0)
  failAt('after')
  await assert.rejects(remote.createVault(vaultId, chance.bytes(10)), kindIs('unavailable'))
  server.setFault(null)
  assert.equal((await remote.listVaults()).vaults.length, 1)
  assert.deepEqual(calls, [
    { operation: 'vault.create', moment: 'before', device: deviceId },
    { operation: 'vault.create', moment: 'before', device: deviceId },
    { operation: 'vault.create', moment: 'after', device: deviceId },
  ])
})

test('cut watches end with unavailable and may begin again', async () => {
  const { server, chance, signUp, logIn } = house()
  await signUp()
  const remote = server.remote(await logIn())
  await remote.createVault(vaultIdFromBytes(chance.bytes(16)), chance.bytes(10))
  const { signal } = new AbortController()
  const watch = remote.watch(signal)[Symbol.asyncIterator]()
  await watch.next()
  const pending = assert.rejects(watch.next(), kindIs('unavailable'))
  server.cutWatches()
  await pending
  assert.equal((await remote.watch(signal)[Symbol.asyncIterator]().next()).done, false)
})

test('every byte received is shown, refused packs too, and no token is among them', async () => {
  const { server, chance, signUp, logIn, newPack } = house()
  await signUp()
  const token = await logIn()
  const remote = server.remote(token)
  const vaultId = vaultIdFromBytes(chance.bytes(16))
  const grant = chance.bytes(40)
  await remote.createVault(vaultId, grant)
  const [kept, refused] = [newPack(50), newPack(60)]
  await remote.putPack(vaultId, kept.id, kept.bytes)
  await assert.rejects(remote.putPack(vaultId, kept.id.replace(/^./, 'z') as typeof kept.id, refused.bytes))
  const seen = bytesSeen(server)
  for (const bytes of [grant, kept.bytes, refused.bytes, new TextEncoder().encode(email)]) {
    assert(seen.includes(bytes.toHex()))
  }
  assert(!seen.includes(token.toHex()))
})

const tokenAndBytes = async (): Promise<string> => {
  const { server, signUp, logIn } = house()
  await signUp()
  return (await logIn()).toHex() + bytesSeen(server)
}

test('the same seed gives the same server', async () => {
  assert.equal(await tokenAndBytes(), await tokenAndBytes())
})
