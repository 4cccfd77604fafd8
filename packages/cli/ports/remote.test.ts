import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { steppedClock } from '@anysync/client/memory/clock.ts'
import { testRemote } from '@anysync/client/memory/remote.suite.ts'
import { isTrouble, type Kind } from '@anysync/protocol/errors.ts'
import { packIdFromBytes, vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { retriesMax } from '@anysync/protocol/limits.ts'
import { newCertificate, type TestCertificate } from './certificates.suite.ts'
import { nodeChance } from './chance.ts'
import { nodeCipher } from './cipher.ts'
import { learnTrust } from './dial.ts'
import { openDoor } from './door.ts'
import { createFlow, noLimits } from './flow.ts'
import { startRealServer } from './real-server.suite.ts'
import { openRemote } from './remote.ts'
import type { LineOptions } from './transport.ts'
import { parseRates } from '../settings/rates.ts'

testRemote('the real server', { cipher: nodeCipher, chance: nodeChance }, async () => {
  const opened = new AsyncDisposableStack()
  const server = opened.use(await startRealServer())
  const address = { host: 'localhost', port: server.port }
  const trust = await learnTrust(address, server.fingerprint)
  return {
    door: opened.use(openDoor(address, trust)),
    remoteFor: (token) => opened.use(openRemote(address, trust, token)),
    invitation: () => server.invitation(),
    close: () => opened.disposeAsync(),
  }
})

// ---------------------------------------------------------------------------------------------------
// Servers that break their promises

let certificate: TestCertificate | null = null
const vaultId = vaultIdFromBytes(nodeChance.bytes(16))
const pack = packIdFromBytes(nodeChance.bytes(32))

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A Remote to a server that answers requests like this, and the paths that were asked for. */
const remoteTo = async (t: TestContext, answer: Answer, options: LineOptions = {}) => {
  certificate ??= await newCertificate({ host: 'localhost' })
  const asked: string[] = []
  const server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    answer(request, response)
  }).listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const trust = { kind: 'pinned', certificate: certificate.der } as const
  const remote = openRemote({ host: 'localhost', port }, trust, nodeChance.bytes(32), {
    pause: async () => {},
    ...options,
  })
  t.after(async () => {
    await remote[Symbol.asyncDispose]()
    server.closeAllConnections()
    server.close()
  })
  return { remote, asked, port }
}

const fails =
  (kind: Kind, words = /./) =>
  (error: unknown) => {
    assert(isTrouble(error, kind), `wanted ${kind}, got ${String(error)}`)
    assert.match(error.message, words)
    return true
  }

const range = (response: ServerResponse, header: string, body: Uint8Array): void => {
  response.writeHead(206, { 'content-range': header, 'content-length': body.length }).end(body)
}

test("another program's 404 does not make a pack missing", async (t) => {
  const { remote, asked, port } = await remoteTo(t, (_request, response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>')
  })
  await assert.rejects(remote.getPack(vaultId, pack, 0, 10), fails('unavailable', new RegExp(`localhost:${port}.*404`)))
  assert.equal(asked.length, retriesMax + 1)
})

test("the server's own words are the error, made safe for a terminal", async (t) => {
  const message = 'quota\u001b[31m is\nused up'
  const { remote, asked } = await remoteTo(t, (_request, response) => {
    response.writeHead(413).end(JSON.stringify({ kind: 'full', message }))
  })
  await assert.rejects(remote.putPack(vaultId, pack, nodeChance.bytes(10)), fails('full', /^quota \[31m is used up$/))
  assert.equal(asked.length, 1)
})

test('what is unavailable is tried again until it is there', async (t) => {
  const bytes = nodeChance.bytes(10)
  let calls = 0
  const { remote } = await remoteTo(t, (request, response) => {
    calls++
    if (calls === 1) return void request.socket.destroy()
    if (calls === 2) return void response.writeHead(503).end('{"kind":"unavailable","message":"busy"}')
    return range(response, 'bytes 5-14/100', bytes)
  })
  assert.deepEqual(await remote.getPack(vaultId, pack, 5, 10), bytes)
  assert.equal(calls, 3)
})

test('a pack upload that broke off is sent whole again', async (t) => {
  const bytes = nodeChance.bytes(700_000)
  const bodies: Buffer[] = []
  const { remote } = await remoteTo(t, (request, response) => {
    if (bodies.length === 0) {
      bodies.push(Buffer.alloc(0))
      request.once('data', () => request.socket.destroy())
      return
    }
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      assert.equal(request.headers['content-length'], '700000')
      bodies.push(Buffer.concat(pieces))
      response.writeHead(201).end()
    })
  })
  await remote.putPack(vaultId, pack, bytes)
  assert.equal(Buffer.compare(bodies[1] ?? Buffer.alloc(0), bytes), 0)
})

test('a range that is not the one asked for is never taken for it', async (t) => {
  const body = nodeChance.bytes(10)
  const table: [answer: Answer, kind: Kind][] = [
    [(_request, response) => range(response, 'bytes 6-15/100', body), 'corrupt'],
    [(_request, response) => range(response, 'bytes 5-15/100', nodeChance.bytes(11)), 'corrupt'],
    [(_request, response) => range(response, 'bytes 5-14/100', nodeChance.bytes(20)), 'corrupt'],
    [(_request, response) => range(response, 'nonsense', body), 'corrupt'],
    [(_request, response) => range(response, 'bytes 5-12/13', nodeChance.bytes(8)), 'missing'],
    [(_request, response) => void response.writeHead(200).end(nodeChance.bytes(100)), 'unavailable'],
    [(_request, response) => range(response, 'bytes 5-14/100', nodeChance.bytes(9)), 'unavailable'],
    [
      (request, response) => {
        response.writeHead(206, { 'content-range': 'bytes 5-14/100', 'content-length': 10 }).write(body.subarray(0, 5))
        setImmediate(() => request.socket.destroy())
      },
      'unavailable',
    ],
  ]
  for (const [answer, kind] of table) {
    const { remote } = await remoteTo(t, answer)
    await assert.rejects(remote.getPack(vaultId, pack, 5, 10), fails(kind))
  }
})

const endless: Answer = (_request, response) => {
  response.writeHead(500, { 'content-type': 'text/plain' })
  const more = (): void => {
    while (!response.destroyed && response.write('x'.repeat(65_536)));
    if (!response.destroyed) response.once('drain', more)
  }
  more()
}

test('an answer without end is not read to its end', async (t) => {
  const { remote } = await remoteTo(t, endless)
  await assert.rejects(remote.getPack(vaultId, pack, 0, 10), fails('unavailable'))
})

test('a HEAD counts by its status, because it cannot hold words', async (t) => {
  const table: [status: number, kind: Kind][] = [
    [401, 'unauthorized'],
    [400, 'invalid'],
    [503, 'unavailable'],
    [500, 'unavailable'],
    [418, 'unavailable'],
  ]
  for (const [status, kind] of table) {
    const { remote } = await remoteTo(t, (_request, response) => void response.writeHead(status).end())
    await assert.rejects(remote.packLength(vaultId, pack), fails(kind))
  }
})

test('a line that breaks during a call is unavailable and never a conflict', async (t) => {
  // This server speaks no HTTP/2, so every call over it breaks.
  const { remote, port } = await remoteTo(t, (request) => void request.socket.destroy())
  const record = nodeChance.bytes(10)
  await assert.rejects(remote.append(vaultId, null, record, []), fails('unavailable', new RegExp(`localhost:${port}`)))
  await assert.rejects(remote.listVaults(), fails('unavailable'))
})

test('a closed remote answers at once and opens nothing', async (t) => {
  const { remote, asked } = await remoteTo(t, (_request, response) => void response.writeHead(200).end())
  await remote[Symbol.asyncDispose]()
  await assert.rejects(remote.packLength(vaultId, pack), fails('unavailable', /closed/))
  await assert.rejects(remote.whoAmI(), fails('unavailable', /closed/))
  assert.deepEqual(asked, [])
})

test('packs travel at the pace of the flow, in slices, and a closed line ends what waits', async (t) => {
  const bytes = nodeChance.bytes(300_000)
  const answer: Answer = (request, response) => {
    if (request.method === 'GET') return range(response, `bytes 0-${bytes.length - 1}/${bytes.length}`, bytes)
    request.resume().on('end', () => response.writeHead(201).end())
  }
  const clock = steppedClock()
  const flow = createFlow(clock, () => 0)
  flow.adjust({ ...noLimits, uploadRates: parseRates('100KB/s'), downloadRates: parseRates('50KB/s') })
  const { remote } = await remoteTo(t, answer, { flow })

  /** Milliseconds of the stepped clock until the work is done. */
  const msOf = async (work: Promise<unknown>): Promise<number> => {
    const startMs = clock.monotonicMs()
    const done = new AbortController()
    void work.then(() => done.abort())
    while (!done.signal.aborted) {
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(clock.nextWaitMs() ?? 0)
    }
    return clock.monotonicMs() - startMs
  }
  const upMs = await msOf(remote.putPack(vaultId, pack, bytes))
  assert.ok(Math.abs(upMs - 3000) < 300, `${upMs} ms`)
  const downMs = await msOf(remote.getPack(vaultId, pack, 0, bytes.length))
  // What arrived in one piece is paid for afterwards.
  assert.ok(downMs > 4500 && downMs < 6300, `${downMs} ms`)

  const waiting = assert.rejects(remote.putPack(vaultId, pack, bytes), fails('unavailable'))
  while (clock.nextWaitMs() === null) await new Promise((resolve) => setImmediate(resolve))
  await remote[Symbol.asyncDispose]()
  await waiting
})
