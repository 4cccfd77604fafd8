/**
 * For tests: a real server in a temporary home, and people with accounts and devices made over the wire.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, hash, randomBytes, sign, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { toBinary } from '@bufbuild/protobuf'
import { createClient, type Client, type Interceptor, type Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import nacl from 'tweetnacl'
import { encodeContext } from '@anysync/protocol/context.ts'
import { fromConnectError } from '@anysync/protocol/wire.ts'
import { Account } from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import { RecordHeaderSchema, RecordSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { Object$ as ObjectService } from '@anysync/protocol/gen/anysync/v1/object_pb.js'
import { Vault } from '@anysync/protocol/gen/anysync/v1/vault_pb.js'
import { create } from '@bufbuild/protobuf'
import { startServer, type RunningServer, type ServerOptions } from './app.ts'
import { systemClock } from './clock.ts'
import { parseConfig } from './config.ts'
import { createHome } from './create-home.ts'
import { homeAt, type Home } from './home.ts'
import { createInvitation } from './invitations.ts'
import { createLog } from './log.ts'

export const silentLog = () => createLog('error', { write: (line: string) => process.stderr.write(line) })

export const newFolder = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'anysync-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A file system of a size such as '1m'; null where this system does not let us have one. */
export const mountSmall = (t: TestContext, size: string): string | null => {
  const folder = mkdtempSync(join(tmpdir(), 'anysync-small-'))
  let isMounted = false
  t.after(() => {
    if (isMounted) execFileSync('umount', ['-l', folder])
    rmdirSync(folder)
  })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' })
    isMounted = true
    return folder
  } catch {
    return null
  }
}

export const newHome = async (t: TestContext): Promise<Home> => {
  const home = homeAt(newFolder(t))
  await createHome(home, { port: 0, host: '127.0.0.1' })
  return home
}

export type TestOptions = Partial<Omit<ServerOptions, 'home'>> & { home?: Home }

export const newServer = async (t: TestContext, options: TestOptions = {}): Promise<RunningServer> => {
  const home = options.home ?? (await newHome(t))
  const config = parseConfig('port = 0\nlisten = "127.0.0.1"\naddress = "127.0.0.1"\nreserve = "1MB"', home)
  const server = await startServer({ config, log: silentLog(), drainMs: 2000, ...options, home })
  t.after(() => server.close())
  return server
}

export type Calls = {
  account: Client<typeof Account>
  vault: Client<typeof Vault>
  object: Client<typeof ObjectService>
}

export type Protocol = 'connect' | 'grpc' | 'grpc-web'

export const transportTo = (
  server: RunningServer,
  token: Uint8Array | null,
  protocol: Protocol = 'connect',
): Transport => {
  const bearer: Interceptor = (next) => (request) => {
    if (token !== null) request.header.set('authorization', `Bearer ${Buffer.from(token).toString('base64url')}`)
    return next(request)
  }
  const options = {
    baseUrl: server.url,
    httpVersion: '2' as const,
    nodeOptions: { ca: server.certificate() },
    interceptors: [bearer],
  }
  if (protocol === 'grpc') return createGrpcTransport(options)
  return protocol === 'grpc-web' ? createGrpcWebTransport(options) : createConnectTransport(options)
}

export const callsTo = (server: RunningServer, token: Uint8Array | null, protocol: Protocol = 'connect'): Calls => {
  const transport = transportTo(server, token, protocol)
  return {
    account: createClient(Account, transport),
    vault: createClient(Vault, transport),
    object: createClient(ObjectService, transport),
  }
}

export type Person = {
  email: string
  userId: Uint8Array
  accountToken: Uint8Array
  loginKey: KeyObject
  masterKeys: Uint8Array
  kdf: { n: number; r: number; p: number; salt: Uint8Array }
}

export const newInvitation = async (
  server: RunningServer,
  options: { bytesQuota?: number | null; lifeMs?: number } = {},
): Promise<Uint8Array> => {
  const { bytesQuota = null, lifeMs = 60_000 } = options
  return (await createInvitation(server.database, systemClock, { bytesQuota, lifeMs })).token
}

export const signUpRequest = (email: string, invitation: Uint8Array) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const accountToken = randomBytes(32)
  const kdf = { n: 16_384, r: 8, p: 1, salt: randomBytes(16) }
  const request = {
    invitation,
    email,
    kdf,
    loginPublicKey: rawKey(publicKey),
    accessTokenHash: hash('sha256', accountToken, 'buffer'),
    identityPublicKey: randomBytes(32),
    boxPublicKey: randomBytes(32),
    masterKeys: randomBytes(300),
  }
  return { request, accountToken, loginKey: privateKey }
}

export const signUp = async (
  server: RunningServer,
  email: string,
  bytesQuota: number | null = null,
): Promise<Person> => {
  const invitation = await newInvitation(server, { bytesQuota })
  const { request, accountToken, loginKey } = signUpRequest(email, invitation)
  const { userId } = await callsTo(server, null).account.signUp(request)
  return { email, userId, accountToken, loginKey, masterKeys: request.masterKeys, kdf: request.kdf }
}

const rawKey = (key: KeyObject): Uint8Array => Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')

export type Device = { token: Uint8Array; deviceId: Uint8Array; calls: Calls }

/** A signed login request, with what the caller wants to be wrong with it. */
export const loginRequest = (
  server: RunningServer,
  person: Pick<Person, 'email' | 'loginKey'>,
  challenge: Uint8Array,
  box: Uint8Array,
  changes: { fingerprint?: Uint8Array } = {},
) => {
  const clientVersion = '0.1.0'
  const deviceName = 'kitchen laptop'
  const fingerprint = changes.fingerprint ?? server.fingerprint()
  const signed = encodeContext('login', challenge, person.email, box, clientVersion, deviceName, fingerprint)
  const signature = sign(null, signed, person.loginKey)
  return { clientVersion, email: person.email, boxPublicKey: box, challenge, deviceName, signature }
}

export const logIn = async (server: RunningServer, person: Person): Promise<Device> => {
  const calls = callsTo(server, null)
  const { challenge } = await calls.account.challenge({ email: person.email })
  const box = nacl.box.keyPair()
  const answer = await calls.account.login(loginRequest(server, person, challenge, box.publicKey))
  const { sealedToken, serverBoxPublicKey, deviceId } = answer
  const token = nacl.box.open(sealedToken.slice(24), sealedToken.slice(0, 24), serverBoxPublicKey, box.secretKey)
  if (token === null) throw new Error('the token does not open')
  return { token, deviceId, calls: callsTo(server, token) }
}

export const newDevice = async (server: RunningServer, email: string, bytesQuota: number | null = null) => {
  const person = await signUp(server, email, bytesQuota)
  return { person, ...(await logIn(server, person)) }
}

/** A vault with a grant that nobody can open. */
export const newVault = async (calls: Calls): Promise<Uint8Array> => {
  const vaultId = randomBytes(16)
  await calls.vault.createVault({ vaultId, grant: randomBytes(200) })
  return vaultId
}

/** The record that follows a head, sealed and signed by nobody. */
export const recordAfter = (
  vaultId: Uint8Array,
  head: { sequence: bigint; hash: Uint8Array },
  body = randomBytes(50),
) => {
  const isFirst = head.sequence === 0n
  const header = create(RecordHeaderSchema, {
    version: 1,
    vaultId,
    sequence: head.sequence + 1n,
    previous: isFirst ? hash('sha256', encodeContext('genesis', vaultId), 'buffer') : head.hash,
    epoch: 0,
    kind: 1,
  })
  return toBinary(
    RecordSchema,
    create(RecordSchema, {
      header: toBinary(RecordHeaderSchema, header),
      sealedBody: body,
      signature: randomBytes(64),
    }),
  )
}

export const emptyHead = { sequence: 0n, hash: new Uint8Array() }

export const packOf = (bytes: Uint8Array) => ({
  name: hash('sha256', bytes),
  id: hash('sha256', bytes, 'buffer'),
  bytes,
})

export const newPack = (length: number) => packOf(randomBytes(length))

export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer }

/** One plain HTTP/1.1 request. */
export const send = (
  server: RunningServer,
  method: string,
  path: string,
  options: { token?: Uint8Array | null; body?: Uint8Array; headers?: Record<string, string | number> } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { token = null, body, headers = {} } = options
    const authorization = token === null ? {} : { authorization: `Bearer ${Buffer.from(token).toString('base64url')}` }
    const length = body === undefined ? {} : { 'content-length': body.length }
    const outgoing = request(
      `${server.url}${path}`,
      { method, headers: { ...length, ...authorization, ...headers }, agent: new Agent({ ca: server.certificate() }) },
      (incoming) => {
        const parts: Buffer[] = []
        incoming.on('data', (part: Buffer) => parts.push(part))
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(parts) }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })

export const objectPath = (vaultId: Uint8Array, name: string): string => `/objects/${vaultId.toHex()}/${name}`

/** The kind in an answer of plain HTTP. */
export const kindIn = (answer: Answer): unknown => (JSON.parse(answer.body.toString()) as { kind: unknown }).kind

/** The kind of trouble that a call met. */
export const kindOf = (error: unknown) => fromConnectError('test', error).kind

export const rejectsWith = (work: Promise<unknown>, kind: string) =>
  assert.rejects(work, (error: unknown) => {
    assert.equal(kindOf(error), kind, error instanceof Error ? error.message : String(error))
    return true
  })

export const collect = async <T>(stream: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}
