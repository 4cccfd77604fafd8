/**
 * A stranger's walk: every route that the server answers is called without a token, with a random one, with a revoked
 * one and with another account's. Nothing is learned and nothing is changed. The routes come from the server and the
 * schema themselves, so a new one cannot be forgotten: it fails here until somebody says what a stranger would try.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import {
  create,
  toBinary,
  toJsonString,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
} from '@bufbuild/protobuf'
import * as accountPb from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import { Account } from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import * as objectPb from '@anysync/protocol/gen/anysync/v1/object_pb.js'
import * as vaultPb from '@anysync/protocol/gen/anysync/v1/vault_pb.js'
import type { RunningServer } from '@anysync/server/app.ts'
import { admissionOf, routeOf } from '@anysync/server/authorize.ts'
import {
  emptyHead,
  logIn,
  loginRequest,
  newDevice,
  newHome,
  newPack,
  newServer,
  newVault,
  objectPath,
  recordAfter,
  send,
  signUp,
  type Answer,
} from '@anysync/server/household.suite.ts'

const files = [accountPb.file_anysync_v1_account, vaultPb.file_anysync_v1_vault, objectPb.file_anysync_v1_object]
const methods: DescMethod[] = files.flatMap((file) => file.services.flatMap((service) => service.methods))

const setUp = async (t: TestContext) => {
  const home = await newHome(t)
  const server = await newServer(t, { home })
  const anna = await newDevice(server, 'anna@example.org')
  const bob = await newDevice(server, 'bob@example.org')
  const lost = await logIn(server, anna.person)
  await lost.calls.account.logout({})
  const vaultId = await newVault(anna.calls)
  const pack = newPack(5000)
  await send(server, 'PUT', objectPath(vaultId, pack.name), { token: anna.token, body: pack.bytes })
  const record = recordAfter(vaultId, emptyHead)
  const { head = emptyHead } = await anna.calls.vault.append({ vaultId, expected: emptyHead, record, packs: [pack.id] })
  return { home, server, anna, bob, lost, vaultId, pack, record, head }
}
type World = Awaited<ReturnType<typeof setUp>>

/** What a stranger would send to learn of Anna or to change what is hers, by method. */
const attemptsOn = (world: Pick<World, 'vaultId' | 'pack' | 'head' | 'anna'>): Record<string, object> => {
  const { vaultId, pack, head, anna } = world
  return {
    'Account.WhoAmI': {},
    'Account.Logout': {},
    'Account.ListDevices': {},
    'Account.RevokeDevice': { deviceId: anna.deviceId },
    'Vault.CreateVault': { vaultId, grant: randomBytes(100) },
    'Vault.ListVaults': {},
    'Vault.Append': { vaultId, expected: head, record: recordAfter(vaultId, head), packs: [pack.id] },
    'Vault.RecordsSince': { vaultId, sequence: 0n },
    'Vault.Watch': {},
    'Object.Existing': { vaultId, packs: [pack.id] },
    'Object.InUse': { vaultId },
  }
}

const attemptOn = (method: DescMethod, world: Pick<World, 'vaultId' | 'pack' | 'head' | 'anna'>) => {
  const attempt = attemptsOn(world)[`${method.parent.name}.${method.name}`]
  assert.ok(attempt, `say in attemptsOn what a stranger would send to ${method.parent.name}.${method.name}`)
  return create(method.input, attempt as MessageInitShape<DescMessage>)
}

const contentTypes = [
  'application/json',
  'application/connect+json',
  'application/grpc-web+proto',
  'application/grpc+proto',
]

const envelope = (bytes: Uint8Array): Uint8Array => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

const callRaw = (
  server: RunningServer,
  method: DescMethod,
  message: ReturnType<typeof attemptOn>,
  contentType: string,
  token: Uint8Array | null,
): Promise<Answer> => {
  const bytes = contentType.endsWith('json')
    ? Buffer.from(toJsonString(method.input, message))
    : toBinary(method.input, message)
  const body = contentType === 'application/json' ? bytes : envelope(bytes)
  return send(server, 'POST', routeOf(method), { token, body, headers: { 'content-type': contentType } })
}

/** Everything that the server keeps, but for when devices were seen. */
const everything = async ({ server, home }: World): Promise<unknown> => {
  const rows = []
  for (const table of ['account', 'invitation', 'vault', 'vault_grant', 'record', 'pack', 'setting'] as const) {
    rows.push(await server.database.selectFrom(table).selectAll().execute())
  }
  const devices = await server.database
    .selectFrom('device')
    .select(['device_id', 'user_id', 'name', 'revoked_ms'])
    .execute()
  return { rows, devices, objects: readdirSync(home.objects, { recursive: true }).map(String).toSorted() }
}

const isRefused = ({ status, headers, body }: Answer): boolean =>
  status === 401 || headers['grpc-status'] === '16' || body.includes('"unauthenticated"')

/** All of an answer but its time of day. */
const timeless = ({ status, headers, body }: Answer) => {
  const { date, ...rest } = headers
  assert.ok(date)
  return [status, rest, body.toString()] as const
}

/** No bytes of Anna's in any spelling. */
const tellsNothing = (answer: Answer, { anna, vaultId, pack, record, head }: World, what: string): void => {
  const text = Buffer.concat([Buffer.from(JSON.stringify(answer.headers)), answer.body])
  for (const secret of [
    anna.person.userId,
    anna.person.masterKeys,
    anna.deviceId,
    anna.token,
    pack.bytes,
    record,
    head.hash,
    vaultId,
  ]) {
    for (const spelling of [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('base64')]) {
      assert.ok(!text.includes(spelling), what)
    }
  }
  assert.ok(!text.includes('anna@example.org'), what)
}

test('the routes that the server answers are those of the schema, packs and health, and only these are open', async (t) => {
  const server = await newServer(t)
  const paths = [...new Set(server.routes.map(({ path }) => path))]
  assert.deepEqual(
    paths.toSorted(),
    [...methods.map(routeOf), '/healthz', '/objects/:vault/:pack', '/readyz'].toSorted(),
  )
  assert.deepEqual(paths.filter((path) => admissionOf(path) === 'anybody').toSorted(), [
    '/anysync.v1.Account/Challenge',
    '/anysync.v1.Account/Login',
    '/anysync.v1.Account/SignUp',
    '/healthz',
    '/readyz',
  ])
})

test('without a token, with a random or a revoked one every route refuses alike and changes nothing', async (t) => {
  const world = await setUp(t)
  const { server, lost, vaultId, pack } = world
  const before = await everything(world)
  const tokens = [null, randomBytes(32), lost.token, new Uint8Array(32)]
  const compare = (answers: Answer[], what: string) => {
    for (const answer of answers) {
      assert.ok(isRefused(answer), `${what}: ${answer.status} ${answer.body.toString()}`)
      tellsNothing(answer, world, what)
    }
    const seen = new Set(answers.map((answer) => JSON.stringify(timeless(answer))))
    assert.equal(seen.size, 1, `${what} answers differently`)
  }
  for (const method of methods.filter((method) => admissionOf(routeOf(method)) !== 'anybody')) {
    const attempt = attemptOn(method, world)
    for (const contentType of contentTypes) {
      const answers = await Promise.all(tokens.map((token) => callRaw(server, method, attempt, contentType, token)))
      compare(answers, `${method.name} as ${contentType}`)
    }
  }
  const others = server.routes.filter(({ path }) => admissionOf(path) !== 'anybody' && !path.startsWith('/anysync.'))
  for (const { method, path } of [...others, { method: 'GET', path: '/nowhere' }, { method: 'POST', path: '/' }]) {
    const place = path.replace(':vault', vaultId.toHex()).replace(':pack', pack.name)
    const body = method === 'PUT' || method === 'POST' ? { body: pack.bytes } : {}
    compare(
      await Promise.all(tokens.map((token) => send(server, method, place, { token, ...body }))),
      `${method} ${path}`,
    )
  }
  for (const authorization of [
    'Bearer',
    'Bearer x',
    'Basic YTpi',
    `Bearer ${'A'.repeat(5000)}`,
    `Bearer ${'é'.repeat(43)}`,
  ]) {
    const answer = await send(server, 'GET', objectPath(vaultId, pack.name), { headers: { authorization } })
    assert.equal(answer.status, 401, authorization.slice(0, 20))
  }
  assert.deepEqual(await everything(world), before)
})

const hideIds = (answer: Answer, of: Pick<World, 'vaultId' | 'anna'>): string =>
  JSON.stringify([answer.status, answer.body.toString()])
    .replaceAll(Buffer.from(of.vaultId).toString('hex'), 'VAULT')
    .replaceAll(Buffer.from(of.anna.deviceId).toString('hex'), 'DEVICE')

test("with another account's token Anna's things answer like things that do not exist", async (t) => {
  const world = await setUp(t)
  const { server, bob, vaultId, pack } = world
  const nothing = { ...world, vaultId: randomBytes(16), anna: { ...world.anna, deviceId: randomBytes(16) } }
  const before = await everything(world)
  // What these answer is Bob's own, and the walk below looks that nothing of Anna's is in it.
  const ownMethods = new Set(['WhoAmI', 'ListDevices', 'ListVaults', 'Logout', 'Watch'])
  for (const method of methods.filter((method) => admissionOf(routeOf(method)) !== 'anybody')) {
    const token = admissionOf(routeOf(method)) === 'account' ? bob.person.accountToken : bob.token
    if (method.name === 'CreateVault' || method.name === 'Watch' || method.name === 'Logout') continue
    const contentType = method.methodKind === 'unary' ? 'application/json' : 'application/connect+json'
    const answer = await callRaw(server, method, attemptOn(method, world), contentType, token)
    const what = `${method.name}: ${answer.body.toString()}`
    if (ownMethods.has(method.name)) {
      assert.equal(answer.status, 200, what)
      tellsNothing(answer, world, what)
      continue
    }
    const absent = await callRaw(server, method, attemptOn(method, nothing), contentType, token)
    assert.match(answer.body.toString(), /not_found/, what)
    assert.equal(hideIds(answer, world), hideIds(absent, nothing), what)
  }
  for (const method of ['PUT', 'GET', 'HEAD']) {
    const body = method === 'PUT' ? { body: pack.bytes } : {}
    const call = (id: Uint8Array) => send(server, method, objectPath(id, pack.name), { token: bob.token, ...body })
    const [answer, absent] = [await call(vaultId), await call(nothing.vaultId)]
    assert.equal(answer.status, 404)
    assert.equal(hideIds(answer, world), hideIds(absent, nothing))
  }
  // Bob may learn that a random id of 16 bytes is taken if he guesses it; its owner and content stay as they were.
  await assert.rejects(bob.calls.vault.createVault({ vaultId, grant: new Uint8Array(9) }), /taken/)
  const watch = bob.calls.vault.watch({})[Symbol.asyncIterator]()
  const own = await newVault(bob.calls)
  const { value } = (await watch.next()) as { value: { vaultId: Uint8Array } }
  assert.equal(value.vaultId.toHex(), own.toHex())
  await watch.return?.()

  await server.database
    .deleteFrom('vault_grant')
    .where('sealed', 'is not', null)
    .where('user_id', '=', bobId(world))
    .execute()
  await server.database.deleteFrom('vault').where('owner', '=', bobId(world)).execute()
  assert.deepEqual(await everything(world), before)
})

const bobId = ({ bob }: World) => bob.person.userId.toHex() as never

test("a device's token does not do what needs the account's, nor the other way round", async (t) => {
  const world = await setUp(t)
  const { server, anna } = world
  for (const method of methods) {
    const admission = admissionOf(routeOf(method))
    if (admission === 'anybody') continue
    const wrong = admission === 'account' ? anna.token : anna.person.accountToken
    const contentType = method.methodKind === 'unary' ? 'application/json' : 'application/connect+json'
    const answer = await callRaw(server, method, attemptOn(method, world), contentType, wrong)
    assert.ok(isRefused(answer), method.name)
  }
})

test('known and unknown e-mails answer alike: challenge and login tell nobody who has an account', async (t) => {
  const world = await setUp(t)
  const { server, bob } = world
  const post = (method: DescMethod, message: object): Promise<Answer> =>
    callRaw(server, method, create(method.input, message as MessageInitShape<DescMessage>), 'application/json', null)
  const emails = ['anna@example.org', 'nobody@example.org']

  const shapes = []
  for (const email of emails) {
    const answers = [await post(Account.method.challenge, { email }), await post(Account.method.challenge, { email })]
    const parsed = answers.map(
      ({ body }) => JSON.parse(body.toString()) as { challenge: string; kdf: { salt: string } },
    )
    // The salt of an e-mail is the same each time, known or not; the challenge never is.
    assert.deepEqual(parsed[0]?.kdf, parsed[1]?.kdf)
    assert.notEqual(parsed[0]?.challenge, parsed[1]?.challenge)
    shapes.push(
      answers
        .map(timeless)
        .map(([status, headers, body]) => [
          status,
          headers,
          body.replaceAll(
            /"(challenge|salt)":"([^"]*)"/g,
            (_, key: string, value: string) => `"${key}":${value.length}`,
          ),
        ]),
    )
  }
  assert.deepEqual(shapes[0], shapes[1])

  const refusals = []
  for (const email of emails) {
    const { body } = await post(Account.method.challenge, { email })
    const challenge = Buffer.from((JSON.parse(body.toString()) as { challenge: string }).challenge, 'base64')
    const wrongPassword = loginRequest(server, { email, loginKey: bob.person.loginKey }, challenge, randomBytes(32))
    const badChallenge = { ...wrongPassword, challenge: randomBytes(challenge.length) }
    for (const request of [wrongPassword, badChallenge, { ...badChallenge, challenge: randomBytes(3) }]) {
      const answer = await post(Account.method.login, request)
      assert.equal(answer.status, 401)
      refusals.push(JSON.stringify(timeless(answer)))
    }
  }
  assert.equal(refusals.length, 6)
  assert.equal(new Set(refusals).size, 1)
})

test('without an invitation nobody learns whether an e-mail has an account', async (t) => {
  const server = await newServer(t)
  await signUp(server, 'anna@example.org')
  const answers = new Set<string>()
  for (const email of ['anna@example.org', 'nobody@example.org']) {
    const request = {
      email,
      invitation: randomBytes(32),
      kdf: { n: 16_384, r: 8, p: 1, salt: randomBytes(16) },
      loginPublicKey: randomBytes(32),
      accessTokenHash: randomBytes(32),
      identityPublicKey: randomBytes(32),
      boxPublicKey: randomBytes(32),
      masterKeys: randomBytes(300),
    }
    const message = create(Account.method.signUp.input, request)
    const { status, body } = await callRaw(server, Account.method.signUp, message, 'application/json', null)
    answers.add(JSON.stringify([status, body.toString()]))
  }
  assert.equal(answers.size, 1)
})

test('a stream that began before its device was revoked ends', async (t) => {
  const { server, anna } = await setUp(t)
  const phone = await logIn(server, anna.person)
  const watch = phone.calls.vault.watch({})[Symbol.asyncIterator]()
  await watch.next()
  const ended = assert.rejects(Promise.resolve(watch.next()), /revoked/)
  await phone.calls.account.logout({})
  await ended
})
