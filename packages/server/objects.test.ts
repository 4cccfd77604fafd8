import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { connect } from 'node:http2'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { packBytesMax } from '@anysync/protocol/limits.ts'
import type { RunningServer } from './app.ts'
import {
  callsTo,
  emptyHead,
  kindIn,
  newDevice,
  newHome,
  newPack,
  newServer,
  newVault,
  objectPath,
  recordAfter,
  send,
  type TestOptions,
} from './household.suite.ts'

const setUp = async (t: TestContext, options: TestOptions & { bytesQuota?: number } = {}) => {
  const home = await newHome(t)
  const { bytesQuota = null, ...serverOptions } = options
  const server = await newServer(t, { ...serverOptions, home })
  const { token, calls } = await newDevice(server, 'anna@example.org', bytesQuota)
  const vaultId = await newVault(calls)
  const files = () =>
    readdirSync(home.objects, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
  const used = async () => Number((await calls.account.whoAmI({})).bytesUsed)
  return { home, server, token, calls, vaultId, files, used }
}

test('PUT stores once, HEAD and GET give it back, whole and in ranges', async (t) => {
  const { server, token, calls, vaultId, used } = await setUp(t)
  const pack = newPack(1_000_000)
  const path = objectPath(vaultId, pack.name)
  for (const status of [201, 200]) {
    assert.equal((await send(server, 'PUT', path, { token, body: pack.bytes })).status, status)
    assert.equal(await used(), 1_000_000)
  }
  const head = await send(server, 'HEAD', path, { token })
  assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, '1000000', 0])
  const whole = await send(server, 'GET', path, { token })
  assert.equal(whole.status, 200)
  assert.deepEqual(whole.body, pack.bytes)
  const part = await send(server, 'GET', path, { token, headers: { range: 'bytes=10-29' } })
  assert.deepEqual([part.status, part.headers['content-range']], [206, 'bytes 10-29/1000000'])
  assert.deepEqual(part.body, pack.bytes.subarray(10, 30))
  const beyond = await send(server, 'GET', path, { token, headers: { range: 'bytes=1000000-1000001' } })
  assert.deepEqual([beyond.status, kindIn(beyond)], [400, 'invalid'])
  assert.equal((await calls.vault.listVaults({})).vaults[0]?.bytesStored, 1_000_000n)
})

test('the same routes answer over HTTP/2', async (t) => {
  const { server, token, vaultId } = await setUp(t)
  const pack = newPack(300_000)
  const session = connect(server.url, { ca: server.certificate() })
  const call = async (method: string, body?: Uint8Array) => {
    const stream = session.request({
      ':method': method,
      ':path': objectPath(vaultId, pack.name),
      authorization: `Bearer ${Buffer.from(token).toString('base64url')}`,
      ...(body === undefined ? {} : { 'content-length': body.length }),
    })
    stream.end(body)
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    return { status: headers[':status'], body: Buffer.concat(await stream.toArray()) }
  }
  assert.equal((await call('PUT', pack.bytes)).status, 201)
  const { status, body } = await call('GET')
  assert.equal(status, 200)
  assert.deepEqual(body, pack.bytes)
  session.close()
})

test('wrong bytes, a wrong length or a missing length are refused and leave nothing', async (t) => {
  const { server, token, vaultId, files, used } = await setUp(t)
  const pack = newPack(200_000)
  const path = objectPath(vaultId, pack.name)
  const put = (body: Uint8Array, headers: Record<string, string | number> = {}) =>
    send(server, 'PUT', path, { token, body, headers })
  const wrong = await put(randomBytes(200_000))
  assert.deepEqual([wrong.status, kindIn(wrong)], [422, 'corrupt'])
  const short = await put(pack.bytes.subarray(1))
  assert.deepEqual([short.status, kindIn(short)], [422, 'corrupt'])
  const empty = await put(new Uint8Array())
  assert.deepEqual([empty.status, kindIn(empty)], [400, 'invalid'])
  const chunked = await new Promise<number | undefined>((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${Buffer.from(token).toString('base64url')}`,
      'transfer-encoding': 'chunked',
    }
    const agent = new Agent({ ca: server.certificate() })
    const outgoing = request(`${server.url}${path}`, { method: 'PUT', headers, agent }, (incoming) => {
      incoming.resume().on('end', () => resolve(incoming.statusCode))
    })
    outgoing.on('error', reject).end(pack.bytes)
  })
  assert.equal(chunked, 400)
  assert.deepEqual(files(), [])
  assert.equal(await used(), 0)
})

test('an upload that is announced too long is refused before its bytes', async (t) => {
  const { server, token, vaultId } = await setUp(t)
  const headers = {
    authorization: `Bearer ${Buffer.from(token).toString('base64url')}`,
    'content-length': packBytesMax + 1,
  }
  const outgoing = request(`${server.url}${objectPath(vaultId, 'a'.repeat(64))}`, {
    method: 'PUT',
    headers,
    agent: new Agent({ ca: server.certificate() }),
  })
  outgoing.on('error', () => undefined).flushHeaders()
  const [incoming] = (await once(outgoing, 'response')) as [{ statusCode: number }]
  assert.equal(incoming.statusCode, 400)
  outgoing.destroy()
})

test('an upload that is cut off leaves nothing, and can be sent again', async (t) => {
  const { server, token, vaultId, files, used } = await setUp(t)
  const pack = newPack(2_000_000)
  const path = objectPath(vaultId, pack.name)
  const headers = {
    authorization: `Bearer ${Buffer.from(token).toString('base64url')}`,
    'content-length': pack.bytes.length,
  }
  const outgoing = request(`${server.url}${path}`, {
    method: 'PUT',
    headers,
    agent: new Agent({ ca: server.certificate() }),
  })
  outgoing.on('error', () => undefined)
  await new Promise((resolve) => outgoing.write(pack.bytes.subarray(0, 1_500_000), resolve))
  while (files().length === 0) await new Promise((resolve) => setImmediate(resolve))
  outgoing.destroy()
  while (files().length > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(await used(), 0)
  assert.equal((await send(server, 'PUT', path, { token, body: pack.bytes })).status, 201)
})

test('the quota holds, also for uploads at once, and a refused upload costs nothing', async (t) => {
  const { server, token, vaultId, used } = await setUp(t, { bytesQuota: 250_000 })
  const packs = Array.from({ length: 4 }, () => newPack(100_000))
  const answers = await Promise.all(
    packs.map((pack) => send(server, 'PUT', objectPath(vaultId, pack.name), { token, body: pack.bytes })),
  )
  const stored = answers.filter(({ status }) => status === 201)
  const full = answers.filter(({ status }) => status === 413)
  assert.ok(stored.length >= 1 && stored.length <= 2 && stored.length + full.length === 4)
  for (const answer of full) assert.equal(kindIn(answer), 'full')
  assert.equal(await used(), stored.length * 100_000)
})

test('one pack sent at once by many is stored and counted once', async (t) => {
  const { server, token, vaultId, used, files } = await setUp(t)
  const pack = newPack(100_000)
  const put = () => send(server, 'PUT', objectPath(vaultId, pack.name), { token, body: pack.bytes })
  const statuses = (await Promise.all([put(), put(), put(), put()])).map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 201).length, 1)
  assert.equal(statuses.filter((status) => status === 200).length, 3)
  assert.deepEqual([await used(), files().length], [100_000, 1])
})

test('Existing names what is stored, in order; a pack that the disk lost is taken again', async (t) => {
  const { home, server, token, calls, vaultId, used } = await setUp(t)
  const [a, b, c] = [newPack(10), newPack(20), newPack(30)]
  for (const pack of [a, c]) await send(server, 'PUT', objectPath(vaultId, pack.name), { token, body: pack.bytes })
  const existing = async () =>
    (await calls.object.existing({ vaultId, packs: [c.id, b.id, a.id] })).packs.map((id) => id.toHex())
  assert.deepEqual(await existing(), [c.name, a.name])
  rmSync(join(home.objects, vaultId.toHex(), a.name.slice(0, 2), a.name))
  assert.deepEqual(await existing(), [c.name])
  assert.equal((await send(server, 'GET', objectPath(vaultId, a.name), { token })).status, 404)
  assert.equal((await send(server, 'PUT', objectPath(vaultId, a.name), { token, body: a.bytes })).status, 200)
  assert.deepEqual(await existing(), [c.name, a.name])
  assert.equal(await used(), 40)
  await assert.rejects(
    calls.object.existing({ vaultId, packs: Array.from({ length: 1025 }, () => a.id) }),
    /at most 1024/,
  )
})

test('a record is refused until its packs are stored', async (t) => {
  const { server, token, calls, vaultId } = await setUp(t)
  const pack = newPack(1000)
  const append = () =>
    calls.vault.append({ vaultId, expected: emptyHead, record: recordAfter(vaultId, emptyHead), packs: [pack.id] })
  await assert.rejects(append(), /not stored/)
  assert.equal((await calls.vault.listVaults({})).vaults[0]?.head?.sequence, 0n)
  await send(server, 'PUT', objectPath(vaultId, pack.name), { token, body: pack.bytes })
  assert.equal((await append()).head?.sequence, 1n)
})

test('a pack of one vault is not in another, even of the same account', async (t) => {
  const { server, token, calls, vaultId } = await setUp(t)
  const other = await newVault(calls)
  const pack = newPack(1000)
  await send(server, 'PUT', objectPath(vaultId, pack.name), { token, body: pack.bytes })
  assert.equal((await send(server, 'GET', objectPath(other, pack.name), { token })).status, 404)
  assert.deepEqual((await callsTo(server, token).object.existing({ vaultId: other, packs: [pack.id] })).packs, [])
})

/** An upload of which only the beginning was sent; ends with its status, or null when the line was cut. */
const beginUpload = (server: RunningServer, token: Uint8Array, path: string, bytes: Uint8Array, sentBytes: number) => {
  const headers = {
    authorization: `Bearer ${Buffer.from(token).toString('base64url')}`,
    'content-length': bytes.length,
  }
  const outgoing = request(`${server.url}${path}`, {
    method: 'PUT',
    headers,
    agent: new Agent({ ca: server.certificate() }),
  })
  const status = new Promise<number | null>((resolve) => {
    outgoing.on('error', () => resolve(null))
    outgoing.on('response', (incoming) => incoming.resume().on('end', () => resolve(incoming.statusCode ?? null)))
  })
  outgoing.write(bytes.subarray(0, sentBytes))
  return { status, finish: () => outgoing.end(bytes.subarray(sentBytes)) }
}

const until = async (fact: () => boolean): Promise<void> => {
  while (!fact()) await new Promise((resolve) => setImmediate(resolve))
}

test('a stopping server lets an upload finish, and takes nothing new', async (t) => {
  const { server, token, vaultId, files } = await setUp(t)
  const [pack, late] = [newPack(1_000_000), newPack(1000)]
  const upload = beginUpload(server, token, objectPath(vaultId, pack.name), pack.bytes, 700_000)
  await until(() => files().length > 0)
  const closed = server.close()
  await assert.rejects(send(server, 'PUT', objectPath(vaultId, late.name), { token, body: late.bytes }))
  upload.finish()
  assert.equal(await upload.status, 201)
  await closed
  assert.deepEqual(files(), [pack.name])
})

test('a stopping server does not wait for ever, and a cut upload leaves nothing', async (t) => {
  const { server, token, vaultId, files } = await setUp(t, { drainMs: 50 })
  const pack = newPack(1_000_000)
  const upload = beginUpload(server, token, objectPath(vaultId, pack.name), pack.bytes, 700_000)
  await until(() => files().length > 0)
  await server.close()
  assert.equal(await upload.status, null)
  await until(() => files().length === 0)
})

test('an upload that is too slow is cut, and the server lives on', async (t) => {
  const { server, token, vaultId, files } = await setUp(t, { bodyMs: 50 })
  const pack = newPack(1000)
  const upload = beginUpload(server, token, objectPath(vaultId, pack.name), pack.bytes, 10)
  assert.equal(await upload.status, null)
  await until(() => files().length === 0)
  assert.equal((await send(server, 'PUT', objectPath(vaultId, pack.name), { token, body: pack.bytes })).status, 201)
})
