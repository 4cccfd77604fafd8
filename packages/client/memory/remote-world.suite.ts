/** The server that a suite of Remote works with, two accounts on it, and what its tests make of them. */
import assert from 'node:assert/strict'
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

export const wrongLogin: Kind = 'unauthorized'
export const timeout = 20_000

export const fails = (kind: Kind) => (error: unknown) => {
  assert(isTrouble(error, kind), `wanted ${kind}, got ${String(error)}`)
  assert.notEqual(error.message, '')
  return true
}
export const messageOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (error) {
    assert(error instanceof Error)
    return error.message
  }
  return assert.fail('this should have failed')
}

export const collect = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** `open` must have ended before anything but the makers is used. */
export const createRemoteWorld = (
  { cipher, chance }: { cipher: Cipher; chance: Chance },
  openServer: () => Promise<ServerUnderTest>,
) => {
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

  return {
    cipher,
    chance,
    newVaultId,
    newPack,
    newRecord,
    newSignUp,
    newPerson,
    newLogin,
    signLogin,
    logIn,
    newVault,
    appendOne,
    get server() {
      return server
    },
    get alice() {
      return alice
    },
    get aliceToken() {
      return aliceToken
    },
    get remote() {
      return remote
    },
    get bob() {
      return bob
    },
    async open() {
      server = await openServer()
      alice = await newPerson()
      aliceToken = await logIn(alice)
      remote = server.remoteFor(aliceToken)
      bob = server.remoteFor(await logIn(await newPerson()))
    },
  }
}

export type RemoteWorld = ReturnType<typeof createRemoteWorld>
