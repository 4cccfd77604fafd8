/**
 * What Door and Remote promise, for the memory server and the real one alike. One server serves the whole suite;
 * every test uses vaults of its own.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { isTrouble, type Kind } from '@anysync/protocol/errors.ts'
import { KdfSchema, RecordHeaderSchema, RecordKind, RecordSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import {
  idToBytes,
  packIdFromBytes,
  recordHashFromBytes,
  vaultIdFromBytes,
  type PackId,
  type VaultId,
} from '@anysync/protocol/ids.ts'
import { scryptFloor } from '@anysync/protocol/limits.ts'
import { newBoxKeyPair, openBox } from '../crypto/box.ts'
import { encodeContext } from '../crypto/context.ts'
import type { Chance, Cipher, Door, Login, LogHead, Remote, SignUp } from '../ports.ts'

export type ServerUnderTest = {
  door: Door
  remoteFor(deviceToken: Uint8Array): Remote
  invitation(): Promise<Uint8Array>
  close(): Promise<void>
}

type Person = { email: string; loginSeed: Uint8Array; masterKeys: Uint8Array }

const wrongLogin: Kind = 'unauthorized'
const timeout = 20_000

const fails = (kind: Kind) => (error: unknown) => {
  assert(isTrouble(error, kind), `wanted ${kind}, got ${String(error)}`)
  assert.notEqual(error.message, '')
  return true
}
const messageOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (error) {
    assert(error instanceof Error)
    return error.message
  }
  return assert.fail('this should have failed')
}

const collect = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

export const testRemote = (
  name: string,
  { cipher, chance }: { cipher: Cipher; chance: Chance },
  open: () => Promise<ServerUnderTest>,
): void => {
  const newVaultId = (): VaultId => vaultIdFromBytes(chance.bytes(16))

  const newPack = (length: number): { id: PackId; bytes: Uint8Array } => {
    const bytes = chance.bytes(length)
    return { id: packIdFromBytes(cipher.sha256(bytes)), bytes }
  }

  const newRecord = (
    vaultId: VaultId,
    after: LogHead | null,
    { bodyBytes = 100, sequence = (after?.sequence ?? 0) + 1 } = {},
  ): { bytes: Uint8Array; head: LogHead } => {
    const header = create(RecordHeaderSchema, {
      version: 1,
      vaultId: idToBytes(vaultId),
      sequence: BigInt(sequence),
      previous:
        after === null ? cipher.sha256(encodeContext('genesis', idToBytes(vaultId))) : Uint8Array.fromHex(after.hash),
      kind: RecordKind.SNAPSHOT,
      device: {
        deviceId: chance.bytes(16),
        devicePublicKey: chance.bytes(32),
        identityPublicKey: chance.bytes(32),
        issuedNs: 1n,
        signature: chance.bytes(64),
      },
    })
    const bytes = toBinary(
      RecordSchema,
      create(RecordSchema, {
        header: toBinary(RecordHeaderSchema, header),
        sealedBody: chance.bytes(bodyBytes),
        signature: chance.bytes(64),
      }),
    )
    return { bytes, head: { sequence, hash: recordHashFromBytes(cipher.sha256(bytes)) } }
  }

  describe(name, { timeout: 60_000 }, () => {
    let server: ServerUnderTest
    let alice: Person
    let aliceToken: Uint8Array
    let remote: Remote
    let bob: Remote

    const newSignUp = async (): Promise<{ person: Person; request: SignUp }> => {
      const person = {
        email: `${chance.bytes(6).toHex()}@example.org`,
        loginSeed: chance.bytes(32),
        masterKeys: chance.bytes(300),
      }
      const request = {
        invitation: await server.invitation(),
        email: person.email,
        loginPublicKey: cipher.signPublicKey(person.loginSeed),
        kdf: create(KdfSchema, { ...scryptFloor, salt: chance.bytes(16) }),
        accessTokenHash: chance.bytes(32),
        identityPublicKey: chance.bytes(32),
        boxPublicKey: chance.bytes(32),
        masterKeys: person.masterKeys,
      }
      return { person, request }
    }

    const newPerson = async (): Promise<Person> => {
      const { person, request } = await newSignUp()
      await server.door.signUp(request)
      return person
    }

    const newLogin = async (person: Person): Promise<{ request: Login; boxSecretKey: Uint8Array }> => {
      const { challenge } = await server.door.challenge(person.email)
      const box = newBoxKeyPair(chance)
      const request = {
        clientVersion: '0.1.0',
        email: person.email,
        boxPublicKey: box.publicKey,
        challenge,
        deviceName: 'the laptop',
      }
      return { request: { ...request, signature: signLogin(person, request) }, boxSecretKey: box.secretKey }
    }

    const signLogin = (
      person: Person,
      request: Omit<Login, 'signature'>,
      fingerprint = server.door.certificateFingerprint,
    ): Uint8Array => {
      const { challenge, email, boxPublicKey, clientVersion, deviceName } = request
      const message = encodeContext('login', challenge, email, boxPublicKey, clientVersion, deviceName, fingerprint)
      return cipher.sign(person.loginSeed, message)
    }

    const logIn = async (person: Person): Promise<Uint8Array> => {
      const { request, boxSecretKey } = await newLogin(person)
      const { sealedToken, serverBoxPublicKey } = await server.door.login(request)
      const token = openBox(sealedToken, serverBoxPublicKey, boxSecretKey)
      assert.equal(token.length, 32)
      return token
    }

    const newVault = async (): Promise<VaultId> => {
      const vaultId = newVaultId()
      await remote.createVault(vaultId, chance.bytes(200))
      return vaultId
    }

    const appendOne = async (vaultId: VaultId, after: LogHead | null): Promise<LogHead> =>
      remote.append(vaultId, after, newRecord(vaultId, after).bytes, [])

    before(async () => {
      server = await open()
      alice = await newPerson()
      aliceToken = await logIn(alice)
      remote = server.remoteFor(aliceToken)
      bob = server.remoteFor(await logIn(await newPerson()))
    })
    after(() => server.close())

    test('a login answers the device and master.keys, and its token opens the account', { timeout }, async () => {
      const { request, boxSecretKey } = await newLogin(alice)
      const answer = await server.door.login(request)
      assert.deepEqual(new Uint8Array(answer.masterKeys), new Uint8Array(alice.masterKeys))
      const token = openBox(answer.sealedToken, answer.serverBoxPublicKey, boxSecretKey)
      const me = await server.remoteFor(token).whoAmI()
      assert.equal(me.email, alice.email)
      assert.equal(me.deviceName, 'the laptop')
      assert.equal(me.userId, answer.userId)
      assert.equal(me.deviceId, answer.deviceId)
    })

    test('an invitation is good once, and a used one looks like one that never was', { timeout }, async () => {
      const first = await newSignUp()
      await server.door.signUp(first.request)
      const { request } = await newSignUp()
      const used = server.door.signUp({ ...request, invitation: first.request.invitation })
      const unknown = server.door.signUp({ ...request, invitation: chance.bytes(32) })
      await assert.rejects(used, fails('missing'))
      await assert.rejects(unknown, fails('missing'))
      assert.equal(await messageOf(used), await messageOf(unknown))
    })

    test(
      'an e-mail has one account; only the holder of an invitation learns so, and keeps it',
      { timeout },
      async () => {
        const { request } = await newSignUp()
        await assert.rejects(server.door.signUp({ ...request, email: alice.email }), fails('conflict'))
        const invitation = chance.bytes(32)
        await assert.rejects(server.door.signUp({ ...request, email: alice.email, invitation }), fails('missing'))
        await server.door.signUp(request)
      },
    )

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
      for (const change of wrong) await assert.rejects(server.door.signUp({ ...request, ...change }), fails('invalid'))
      await server.door.signUp(request)
    })

    test('an unknown e-mail is challenged like a known one, and the same each time', { timeout }, async () => {
      const known = await server.door.challenge(alice.email)
      const once = await server.door.challenge('nobody@example.org')
      const again = await server.door.challenge('nobody@example.org')
      const other = await server.door.challenge('nobody2@example.org')
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
        { ...request, challenge: (await server.door.challenge(stranger.email)).challenge },
      ]
      const messages = new Set<string>()
      for (const login of wrong) {
        const attempt = server.door.login(login)
        await assert.rejects(attempt, fails(wrongLogin))
        messages.add(await messageOf(attempt))
      }
      assert.equal(messages.size, 1)
    })

    test('a challenge is good once', { timeout }, async () => {
      const { request } = await newLogin(alice)
      await server.door.login(request)
      await assert.rejects(server.door.login(request), fails(wrongLogin))
    })

    test('a stranger is told nothing and changes nothing', { timeout }, async () => {
      const vaultId = await newVault()
      const { id, bytes } = newPack(100)
      const record = newRecord(vaultId, null)
      const stranger = server.remoteFor(chance.bytes(32))
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
      assert.equal(await remote.packLength(vaultId, id), null)
      assert.deepEqual(await collect(remote.recordsSince(vaultId, 0)), [])
    })

    test("another account's vault is missing, like one that does not exist", { timeout }, async () => {
      const vaultId = await newVault()
      const { id, bytes } = newPack(100)
      await remote.putPack(vaultId, id, bytes)
      for (const absent of [vaultId, newVaultId()]) {
        const record = newRecord(absent, null)
        const calls: (() => Promise<unknown>)[] = [
          () => bob.append(absent, null, record.bytes, []),
          () => collect(bob.recordsSince(absent, 0)),
          () => bob.existingPacks(absent, [id]),
          () => bob.packsInUse(absent),
          () => bob.putPack(absent, id, bytes),
          () => bob.getPack(absent, id, 0, 1),
        ]
        for (const call of calls) await assert.rejects(call(), fails('missing'))
        assert.equal(await bob.packLength(absent, id), null)
      }
      const { vaults } = await bob.listVaults()
      assert(vaults.every((vault) => vault.vaultId !== vaultId))
      await assert.rejects(bob.createVault(vaultId, chance.bytes(10)), fails('conflict'))
    })

    test('after a logout the token opens nothing, and other devices go on', { timeout }, async () => {
      const token = await logIn(alice)
      await server.remoteFor(token).logout()
      await assert.rejects(server.remoteFor(token).whoAmI(), fails('unauthorized'))
      await assert.rejects(server.remoteFor(token).logout(), fails('unauthorized'))
      await remote.whoAmI()
    })

    test(
      'a new vault is listed last, with its grant and no head; repeating its creation is harmless, its id is taken',
      { timeout },
      async () => {
        const vaultId = newVaultId()
        const grant = chance.bytes(4096)
        const before = await remote.listVaults()
        await remote.createVault(vaultId, grant)
        await remote.createVault(vaultId, grant)
        await assert.rejects(remote.createVault(vaultId, chance.bytes(4096)), fails('conflict'))
        const { vaults, incarnation } = await remote.listVaults()
        assert.equal(incarnation.length, 16)
        assert.equal(incarnation.toHex(), before.incarnation.toHex())
        assert.equal(vaults.length, before.vaults.length + 1)
        const vault = vaults.at(-1)
        assert(vault !== undefined)
        assert.equal(vault.vaultId, vaultId)
        assert.equal(vault.grant.toHex(), grant.toHex())
        assert.equal(vault.head, null)
        assert.equal(vault.bytesStored, 0)
      },
    )

    test('a grant is 1 to 4096 bytes', { timeout }, async () => {
      await assert.rejects(remote.createVault(newVaultId(), new Uint8Array()), fails('invalid'))
      await assert.rejects(remote.createVault(newVaultId(), chance.bytes(4097)), fails('invalid'))
    })

    test('records append one by one and come back in order, byte for byte', { timeout }, async () => {
      const vaultId = await newVault()
      let head: LogHead | null = null
      const records: string[] = []
      for (let i = 0; i < 20; i++) {
        const record = newRecord(vaultId, head, { bodyBytes: 5000 })
        head = await remote.append(vaultId, head, record.bytes, [])
        assert.deepEqual(head, record.head)
        records.push(record.bytes.toHex())
      }
      const since = async (sequence: number): Promise<string[]> =>
        (await collect(remote.recordsSince(vaultId, sequence))).map((record) => record.toHex())
      assert.deepEqual(await since(0), records)
      assert.deepEqual(await since(18), records.slice(18))
      assert.deepEqual(await since(20), [])
      assert.deepEqual(await since(1000), [])
      const { vaults } = await remote.listVaults()
      assert.deepEqual(vaults.find((vault) => vault.vaultId === vaultId)?.head, head)
    })

    test('who expects another head is told of a conflict', { timeout }, async () => {
      const vaultId = await newVault()
      const first = await appendOne(vaultId, null)
      await assert.rejects(appendOne(vaultId, null), fails('conflict'))
      const second = await appendOne(vaultId, first)
      await assert.rejects(appendOne(vaultId, first), fails('conflict'))
      const fork = { sequence: second.sequence, hash: first.hash }
      await assert.rejects(appendOne(vaultId, fork), fails('conflict'))
      const future = { sequence: second.sequence + 1, hash: second.hash }
      await assert.rejects(appendOne(vaultId, future), fails('conflict'))
      assert.equal((await collect(remote.recordsSince(vaultId, 0))).length, 2)
    })

    test('of several appends to one head, one wins', { timeout }, async () => {
      const vaultId = await newVault()
      const results = await Promise.allSettled(Array.from({ length: 5 }, () => appendOne(vaultId, null)))
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const result of results) if (result.status === 'rejected') fails('conflict')(result.reason)
      assert.equal((await collect(remote.recordsSince(vaultId, 0))).length, 1)
    })

    test('repeating the append that made the head is harmless; later it is a conflict', { timeout }, async () => {
      const vaultId = await newVault()
      const { bytes, head } = newRecord(vaultId, null)
      assert.deepEqual(await remote.append(vaultId, null, bytes, []), head)
      assert.deepEqual(await remote.append(vaultId, null, bytes, []), head)
      assert.equal((await collect(remote.recordsSince(vaultId, 0))).length, 1)
      await appendOne(vaultId, head)
      await assert.rejects(remote.append(vaultId, null, bytes, []), fails('conflict'))
    })

    test('a record whose header does not continue the log is invalid', { timeout }, async () => {
      const vaultId = await newVault()
      const head = await appendOne(vaultId, null)
      const wrong = [
        newRecord(vaultId, head, { sequence: 3 }).bytes,
        newRecord(vaultId, { ...head, hash: recordHashFromBytes(chance.bytes(32)) }).bytes,
        newRecord(newVaultId(), head).bytes,
        new Uint8Array([255, 255, 255]),
        new Uint8Array(),
      ]
      for (const record of wrong) await assert.rejects(remote.append(vaultId, head, record, []), fails('invalid'))
      assert.equal((await collect(remote.recordsSince(vaultId, 0))).length, 1)
    })

    test('a record is at most 1 MiB and brings at most 4096 packs', { timeout }, async () => {
      const vaultId = await newVault()
      const large = newRecord(vaultId, null, { bodyBytes: 1024 * 1024 - 1000 })
      const head = await remote.append(vaultId, null, large.bytes, [])
      assert.deepEqual(head, large.head)
      const [back] = await collect(remote.recordsSince(vaultId, 0))
      assert.equal(back?.toHex(), large.bytes.toHex())
      const tooLarge = newRecord(vaultId, head, { bodyBytes: 1024 * 1024 })
      await assert.rejects(remote.append(vaultId, head, tooLarge.bytes, []), fails('invalid'))
      const packs = Array.from({ length: 4097 }, () => packIdFromBytes(chance.bytes(32)))
      await assert.rejects(remote.append(vaultId, head, newRecord(vaultId, head).bytes, packs), fails('invalid'))
    })

    test('a record is refused until every pack that it needs is stored', { timeout }, async () => {
      const vaultId = await newVault()
      const here = newPack(100)
      const absent = newPack(200)
      const record = newRecord(vaultId, null)
      await remote.putPack(vaultId, here.id, here.bytes)
      await assert.rejects(remote.append(vaultId, null, record.bytes, [here.id, absent.id]), fails('missing'))
      assert.deepEqual(await collect(remote.recordsSince(vaultId, 0)), [])
      await remote.putPack(vaultId, absent.id, absent.bytes)
      assert.deepEqual(await remote.append(vaultId, null, record.bytes, [here.id, absent.id]), record.head)
    })

    test('a pack comes back whole and in any range, never more or less', { timeout }, async () => {
      const vaultId = await newVault()
      const { id, bytes } = newPack(1_500_000)
      await remote.putPack(vaultId, id, bytes)
      assert.equal(await remote.packLength(vaultId, id), bytes.length)
      const ranges: [number, number][] = [
        [0, bytes.length],
        [0, 1],
        [bytes.length - 1, 1],
        [12, 70_000],
        [777_777, 222_222],
      ]
      for (const [offset, length] of ranges) {
        const got = await remote.getPack(vaultId, id, offset, length)
        assert.equal(Buffer.compare(got, bytes.subarray(offset, offset + length)), 0)
      }
    })

    test('what lies beyond the end of a pack is missing, and so is a pack that is not there', { timeout }, async () => {
      const vaultId = await newVault()
      const { id, bytes } = newPack(1000)
      await remote.putPack(vaultId, id, bytes)
      for (const [offset, length] of [
        [0, 1001],
        [999, 2],
        [1000, 1],
        [5000, 10],
      ] as const) {
        await assert.rejects(remote.getPack(vaultId, id, offset, length), fails('missing'))
      }
      const absent = packIdFromBytes(chance.bytes(32))
      await assert.rejects(remote.getPack(vaultId, absent, 0, 1), fails('missing'))
      assert.equal(await remote.packLength(vaultId, absent), null)
      await assert.rejects(remote.getPack(vaultId, id, 0, 0), fails('invalid'))
      await assert.rejects(remote.getPack(vaultId, id, -1, 10), fails('invalid'))
    })

    test('storing a pack twice, even at once, is harmless and counts once', { timeout }, async () => {
      const vaultId = await newVault()
      const { id, bytes } = newPack(100_000)
      const { bytesUsed } = await remote.whoAmI()
      await Promise.all([1, 2, 3].map(() => remote.putPack(vaultId, id, bytes)))
      await remote.putPack(vaultId, id, bytes)
      assert.equal((await remote.whoAmI()).bytesUsed, bytesUsed + bytes.length)
      const { vaults } = await remote.listVaults()
      assert.equal(vaults.find((vault) => vault.vaultId === vaultId)?.bytesStored, bytes.length)
    })

    test('bytes that are not what the name says are corrupt and not stored', { timeout }, async () => {
      const vaultId = await newVault()
      const { id, bytes } = newPack(100_000)
      const flipped = bytes.slice()
      flipped[50_000] = (flipped[50_000] ?? 0) ^ 1
      for (const wrong of [flipped, bytes.subarray(1), bytes.subarray(0, -1)]) {
        await assert.rejects(remote.putPack(vaultId, id, wrong), fails('corrupt'))
        assert.equal(await remote.packLength(vaultId, id), null)
      }
      await remote.putPack(vaultId, id, bytes)
      assert.equal(await remote.packLength(vaultId, id), bytes.length)
    })

    test('a vault says which packs it holds, of any number, and holds none of another vault', { timeout }, async () => {
      const vaultId = await newVault()
      const other = await newVault()
      const { id, bytes } = newPack(100)
      await remote.putPack(vaultId, id, bytes)
      const many = Array.from({ length: 2050 }, () => packIdFromBytes(chance.bytes(32)))
      assert.deepEqual(await remote.existingPacks(vaultId, [...many, id]), new Map([[id, 'kept']]))
      assert.deepEqual(await remote.existingPacks(vaultId, []), new Map())
      assert.deepEqual(await remote.existingPacks(other, [id]), new Map())
      assert.equal(await remote.packLength(other, id), null)
      await assert.rejects(remote.getPack(other, id, 0, 1), fails('missing'))
    })

    test('a vault says which packs it deletes later, until a record brings them again', { timeout }, async () => {
      const vaultId = await newVault()
      const { id, bytes } = newPack(100)
      await remote.putPack(vaultId, id, bytes)
      let head: LogHead | null = null
      const append = async (packs: PackId[], retired: PackId[]): Promise<void> => {
        head = await remote.append(vaultId, head, newRecord(vaultId, head).bytes, packs, retired)
      }
      for (const how of ['kept', 'retired', 'kept'] as const) {
        await (how === 'kept' ? append([id], []) : append([], [id]))
        assert.deepEqual(await remote.existingPacks(vaultId, [id]), new Map([[id, how]]))
      }
    })

    test('the packs in use are those that a record brought and none retired', { timeout }, async () => {
      const vaultId = await newVault()
      const packs = [newPack(10), newPack(20), newPack(30)]
      for (const { id, bytes } of packs) await remote.putPack(vaultId, id, bytes)
      const [a, b, c] = packs.map(({ id }) => id)
      assert(a !== undefined && b !== undefined && c !== undefined)
      assert.deepEqual(await remote.packsInUse(vaultId), [])
      const first = newRecord(vaultId, null)
      await remote.append(vaultId, null, first.bytes, [a, b])
      assert.deepEqual(await remote.packsInUse(vaultId), [a, b].sort())
      const second = newRecord(vaultId, first.head)
      await remote.append(vaultId, first.head, second.bytes, [c], [a])
      assert.deepEqual(await remote.packsInUse(vaultId), [b, c].sort())
      assert.deepEqual(await remote.packsInUse(await newVault()), [])
    })

    type News = { vaultId: VaultId; head: LogHead | null }

    /** Reads a watch until it has told each of these, in any order. */
    const until = async (watch: AsyncIterator<News>, ...wanted: News[]): Promise<void> => {
      const left = new Map(wanted.map((news) => [news.vaultId, news.head]))
      while (left.size > 0) {
        const { done, value } = await watch.next()
        assert(done !== true, 'the watch goes on')
        const head = left.get(value.vaultId)
        if (head?.hash !== value.head?.hash || !left.delete(value.vaultId)) continue
        assert.deepEqual(value.head, head)
      }
    }

    test('a watch tells every head at once, then each that moves, also of new vaults', { timeout }, async () => {
      const empty = await newVault()
      const vaultId = await newVault()
      const first = await appendOne(vaultId, null)
      const controller = new AbortController()
      const watch = remote.watch(controller.signal)[Symbol.asyncIterator]()
      await until(watch, { vaultId: empty, head: null }, { vaultId, head: first })

      const second = await server.remoteFor(aliceToken).append(vaultId, first, newRecord(vaultId, first).bytes, [])
      await until(watch, { vaultId, head: second })
      const later = await newVault()
      await until(watch, { vaultId: later, head: await appendOne(later, null) })
      await until(watch, { vaultId, head: await appendOne(vaultId, second) })

      const pending = watch.next()
      controller.abort()
      assert.equal((await pending).done, true)
    })

    test('a watch that begins aborted ends at once, and leaving one ends it', { timeout }, async () => {
      assert.deepEqual(await collect(remote.watch(AbortSignal.abort())), [])
      const vaultId = await newVault()
      for await (const news of remote.watch(new AbortController().signal)) if (news.vaultId === vaultId) break
    })

    test('a watch tells nothing of other accounts', { timeout }, async () => {
      const controller = new AbortController()
      const watch = bob.watch(controller.signal)[Symbol.asyncIterator]()
      const bobs = newVaultId()
      await bob.createVault(bobs, chance.bytes(10))
      const vaultId = await newVault()
      await appendOne(vaultId, null)
      const record = newRecord(bobs, null)
      const seen = new Set<VaultId>()
      const pending = watch.next()
      await bob.append(bobs, null, record.bytes, [])
      for (let next = await pending; next.done !== true; next = await watch.next()) {
        seen.add(next.value.vaultId)
        if (next.value.head?.hash === record.head.hash) break
      }
      controller.abort()
      assert.deepEqual([...seen], [bobs])
    })
  })
}
