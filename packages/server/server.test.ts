import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { Code, ConnectError } from '@connectrpc/connect'
import { connectionsPerAddressMax, holdMsDefault } from '@anysync/protocol/limits.ts'
import { systemClock } from './clock.ts'
import { createHome } from './create-home.ts'
import { homeAt } from './home.ts'
import {
  collect,
  rejectsWith,
  callsTo,
  emptyHead,
  kindIn,
  logIn,
  mountSmall,
  newDevice,
  newFolder,
  newHome,
  newPack,
  newServer,
  newVault,
  objectPath,
  recordAfter,
  send,
  type Protocol,
} from './household.suite.ts'
import { createLog } from './log.ts'
import { createIdentity } from './tls.ts'

test('Connect, gRPC and gRPC-Web all answer, refuse and stream', async (t) => {
  const server = await newServer(t)
  const device = await newDevice(server, 'anna@example.org')
  const vaultId = await newVault(device.calls)
  await device.calls.vault.append({ vaultId, expected: emptyHead, record: recordAfter(vaultId, emptyHead), packs: [] })
  for (const protocol of ['connect', 'grpc', 'grpc-web'] satisfies Protocol[]) {
    const calls = callsTo(server, device.token, protocol)
    assert.equal((await calls.account.whoAmI({})).email, 'anna@example.org')
    assert.equal((await collect(calls.vault.recordsSince({ vaultId, sequence: 0n }))).length, 1)
    await rejectsWith(calls.vault.createVault({ vaultId, grant: new Uint8Array(1) }), 'conflict')
    await rejectsWith(collect(calls.vault.recordsSince({ vaultId: new Uint8Array(16), sequence: 0n })), 'missing')

    const stranger = callsTo(server, null, protocol)
    const unary = () => stranger.account.whoAmI({})
    const streaming = () => collect(stranger.vault.recordsSince({ vaultId, sequence: 0n }))
    for (const work of [unary, streaming]) {
      await assert.rejects(work, (error: unknown) => {
        const trouble = ConnectError.from(error)
        assert.equal(trouble.code, Code.Unauthenticated)
        assert.equal(trouble.rawMessage, "this call needs a device's token: log in again")
        return true
      })
    }
  }
})

test('a restart keeps accounts, devices, vaults, records and packs', async (t) => {
  const home = await newHome(t)
  const first = await newServer(t, { home })
  const { person, token, calls } = await newDevice(first, 'anna@example.org')
  const vaultId = await newVault(calls)
  const pack = newPack(100_000)
  assert.equal((await send(first, 'PUT', objectPath(vaultId, pack.name), { token, body: pack.bytes })).status, 201)
  const record = recordAfter(vaultId, emptyHead)
  const { head } = await calls.vault.append({ vaultId, expected: emptyHead, record, packs: [pack.id] })
  const before = await calls.vault.listVaults({})
  await first.close()

  const second = await newServer(t, { home })
  const again = callsTo(second, token)
  const after = await again.vault.listVaults({})
  assert.deepEqual(after, before)
  assert.deepEqual(after.vaults[0]?.head, head)
  assert.deepEqual(
    (await collect(again.vault.recordsSince({ vaultId, sequence: 0n }))).map((answer) => Buffer.from(answer.record)),
    [Buffer.from(record)],
  )
  const { body } = await send(second, 'GET', objectPath(vaultId, pack.name), { token })
  assert.deepEqual(body, pack.bytes)
  await logIn(second, person)
})

test('watch tells every head at once, then each move, then that it lives', async (t) => {
  const server = await newServer(t, { aliveMs: 20 })
  const { calls, person } = await newDevice(server, 'anna@example.org')
  const other = await newDevice(server, 'bob@example.org')
  const vaultId = await newVault(calls)
  const phone = await logIn(server, person)
  const watch = phone.calls.vault.watch({})[Symbol.asyncIterator]()
  const next = async () => {
    for (;;) {
      const { value } = (await watch.next()) as { value: { vaultId: Uint8Array; head?: { sequence: bigint } } }
      if (value.vaultId.length > 0) return [value.vaultId.toHex(), value.head?.sequence]
    }
  }
  assert.deepEqual(await next(), [vaultId.toHex(), 0n])
  await newVault(other.calls)
  await calls.vault.append({ vaultId, expected: emptyHead, record: recordAfter(vaultId, emptyHead), packs: [] })
  assert.deepEqual(await next(), [vaultId.toHex(), 1n])
  const alive = (await watch.next()) as { value: { vaultId: Uint8Array } }
  assert.equal(alive.value.vaultId.length, 0)
})

test('closing ends watch streams as unavailable, and a second close is harmless', async (t) => {
  const server = await newServer(t)
  const { calls } = await newDevice(server, 'anna@example.org')
  await newVault(calls)
  const watch = calls.vault.watch({})[Symbol.asyncIterator]()
  await watch.next()
  const next = watch.next()
  const ended = rejectsWith(next, 'unavailable')
  await Promise.all([server.close(), server.close()])
  await ended
})

test('only one server runs for a home, and a port that is taken is a clear error', async (t) => {
  const home = await newHome(t)
  const server = await newServer(t, { home })
  await assert.rejects(newServer(t, { home }), /already runs/)
  const config = {
    port: server.port,
    address: null,
    listen: '127.0.0.1',
    reserveBytes: 0,
    holdMs: holdMsDefault,
    log: 'error' as const,
    tls: null,
  }
  const elsewhere = await newHome(t)
  await assert.rejects(newServer(t, { home: elsewhere, config }), /port \d+ is taken/)
  // Nothing stays locked after a failed start.
  await newServer(t, { home: elsewhere })
})

test('garbage at the port, malformed messages and bad headers leave the server alive', async (t) => {
  const server = await newServer(t)
  const { token, calls } = await newDevice(server, 'anna@example.org')
  const tcp = connectTcp(server.port, '127.0.0.1')
  tcp.end('GET / HTTP/1.1\r\n\r\n\0\0\0 garbage')
  tcp.on('error', () => undefined).resume()
  await once(tcp, 'close')
  for (const bytes of [
    '\x16\x03\x01 nonsense \r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxxxxx',
    'PUT /objects HTTP/9\r\n\r\n',
  ]) {
    const tls = connectTls({
      port: server.port,
      host: '127.0.0.1',
      ca: server.certificate(),
      ALPNProtocols: ['http/1.1'],
    })
    tls.on('error', () => undefined).resume()
    await once(tls, 'secureConnect')
    tls.end(bytes)
    await once(tls, 'close')
  }
  const malformed = await send(server, 'POST', '/anysync.v1.Vault/Append', {
    token,
    body: Buffer.from('ffffffffffffffffff', 'hex'),
    headers: { 'content-type': 'application/proto' },
  })
  // Connect for Node calls bytes that are no message an internal error.
  assert.equal(malformed.status, 500)
  const large = await send(server, 'POST', '/anysync.v1.Vault/Append', {
    token,
    body: Buffer.alloc(3 * 1024 * 1024),
    headers: { 'content-type': 'application/proto' },
  })
  assert.ok(large.status >= 400, `${large.status}`)
  assert.equal((await send(server, 'GET', '/objects/%zz/%00', { token })).status, 400)
  assert.equal((await send(server, 'GET', '/nowhere', { token })).status, 404)
  assert.equal((await send(server, 'DELETE', objectPath(new Uint8Array(16), 'a'.repeat(64)), { token })).status, 404)
  await calls.account.whoAmI({})
})

test('one address cannot take every connection, and has its share again when it lets go', async (t) => {
  const server = await newServer(t)
  const open = Array.from({ length: connectionsPerAddressMax }, () => {
    const socket = connectTcp(server.port, '127.0.0.1').on('error', () => undefined)
    t.after(() => socket.destroy())
    return socket
  })
  await Promise.all(open.map((socket) => once(socket, 'connect')))
  const tooMany = connectTcp(server.port, '127.0.0.1')
    .on('error', () => undefined)
    .resume()
  await once(tooMany, 'close')
  assert.ok(open.every((socket) => !socket.closed))
  for (const socket of open) socket.destroy()
  // The server hears of it a little later.
  while ((await send(server, 'GET', '/healthz').catch(() => null))?.status !== 200);
})

test('health and readiness answer without a token, and say nothing else', async (t) => {
  const server = await newServer(t)
  for (const path of ['/healthz', '/readyz']) {
    const answer = await send(server, 'GET', path)
    assert.equal(answer.status, 200)
    assert.equal(answer.body.toString(), '{"status":"ok"}')
  }
  assert.equal(kindIn(await send(server, 'GET', '/')), 'unauthorized')
})

test('a certificate of the operator is read again when its files change', async (t) => {
  const folder = newFolder(t)
  const files = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const next = { certificate: join(folder, 'next-cert.pem'), key: join(folder, 'next-key.pem') }
  for (const one of [files, next]) await createIdentity(one, ['localhost', '127.0.0.1'], systemClock.nowMs())
  assert.equal(statSync(files.key).mode & 0o777, 0o600)
  const config = {
    port: 0,
    address: '127.0.0.1',
    listen: '127.0.0.1',
    reserveBytes: 0,
    holdMs: holdMsDefault,
    log: 'error' as const,
    tls: { ...files, pin: true },
  }
  const lines: string[] = []
  const reread = Promise.withResolvers<void>()
  const write = (line: string) => {
    lines.push(line)
    if (line.includes('read again')) reread.resolve()
  }
  const server = await newServer(t, { config, certificateMs: 10, log: createLog('info', { write }) })
  const before = server.fingerprint().toHex()
  copyFileSync(next.key, files.key)
  copyFileSync(next.certificate, files.certificate)
  const later = new Date(Date.now() + 5000)
  utimesSync(files.certificate, later, later)
  await reread.promise
  assert.notEqual(server.fingerprint().toHex(), before)
  assert.equal((await send(server, 'GET', '/healthz')).status, 200)
})

test('a full disk is told as full, for records and packs alike, and freeing space is all it takes', async (t) => {
  const folder = mountSmall(t, '4m')
  if (folder === null) return t.skip('this user may not mount a small file system')
  const home = homeAt(folder)
  await createHome(home, { port: 0, host: '127.0.0.1' })
  const server = await newServer(t, { home })
  const { token, calls } = await newDevice(server, 'anna@example.org')
  const vaultId = await newVault(calls)
  const filler = join(folder, 'filler')
  try {
    writeFileSync(filler, Buffer.alloc(8 * 1024 * 1024))
  } catch (error) {
    assert.match(String(error), /ENOSPC/)
  }
  const pack = newPack(100_000)
  const put = () => send(server, 'PUT', objectPath(vaultId, pack.name), { token, body: pack.bytes })
  assert.equal(kindIn(await put()), 'full')
  const record = recordAfter(vaultId, emptyHead, randomBytes(500_000))
  const append = () => calls.vault.append({ vaultId, expected: emptyHead, record, packs: [] })
  await rejectsWith(append(), 'full')
  rmSync(filler)
  assert.equal((await put()).status, 201)
  assert.equal((await append()).head?.sequence, 1n)
  await server.close()
})
