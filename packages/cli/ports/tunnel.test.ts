import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createTcp, type AddressInfo } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { createServer, type TLSSocket } from 'node:tls'
import { inspect } from 'node:util'
import { testRemote } from '@anysync/client/memory/remote.suite.ts'
import { isTrouble, type SyncError } from '@anysync/protocol/errors.ts'
import { newCertificate } from './certificates.suite.ts'
import { nodeChance } from './chance.ts'
import { nodeCipher } from './cipher.ts'
import { dial, learnTrust } from './dial.ts'
import { openDoor } from './door.ts'
import { formatServer, type ServerAddress } from './link.ts'
import { networkTrouble } from './network-trouble.ts'
import type { Trust } from './pin.ts'
import { serveAnything, serveHttpProxy, serveSocksProxy, type TestProxy } from './proxies.suite.ts'
import { formatProxy, type ProxyServer } from './proxy.ts'
import { startRealServer } from './real-server.suite.ts'
import { openRemote } from './remote.ts'
import { tunnelThrough } from './tunnel.ts'

const login = { user: 'ada', password: 'correct horse: ä' }
// Nobody but a proxy finds this name.
const hidden = 'server.invalid'

const served = async (t: TestContext, serving: Promise<TestProxy>): Promise<TestProxy> => {
  const proxy = await serving
  t.after(() => proxy[Symbol.asyncDispose]())
  return proxy
}

for (const [name, host, serve] of [
  ['an HTTP proxy', hidden, (port: number) => serveHttpProxy(port, { login })],
  ['a SOCKS5 proxy that finds the server', hidden, (port: number) => serveSocksProxy(port, { login })],
  ['a SOCKS5 proxy', 'localhost', (port: number) => serveSocksProxy(port, { isRemote: false })],
] as const) {
  testRemote(`the real server through ${name}`, { cipher: nodeCipher, chance: nodeChance }, async () => {
    const opened = new AsyncDisposableStack()
    const server = opened.use(await startRealServer())
    const served = opened.use(await serve(server.port))
    const proxy: ProxyServer = { ...served.proxy, ...(host === hidden ? { login } : {}) }
    const address = { host, port: server.port }
    const trust = await learnTrust(address, server.fingerprint, { proxy })
    const options = { proxy: () => proxy }
    return {
      door: opened.use(openDoor(address, trust, options)),
      remoteFor: (token) => opened.use(openRemote(address, trust, token, options)),
      invitation: () => server.invitation(),
      close: async () => {
        assert.ok(served.passed() > 1000)
        await opened.disposeAsync()
      },
    }
  })
}

/** A tunnel to where no TLS is spoken: why it closed, null when it was open and ended. */
const tryTunnel = async (
  proxy: ProxyServer,
  server: ServerAddress,
  options: { roots?: string[]; msMax?: number } = {},
): Promise<Error | null> => {
  const { roots = [], ...rest } = options
  let fault: Error | null = null
  const tunnel = tunnelThrough(proxy, server, { ...rest, roots: () => roots, onFault: (error) => (fault = error) })
  tunnel.write('not TLS')
  await once(tunnel.resume(), 'close')
  return fault
}

/** A TLS server that says what it hears, and the trust that fits it. */
const echo = async (t: TestContext): Promise<{ server: ServerAddress; trust: Trust }> => {
  const certificate = await newCertificate({ host: hidden })
  const sockets = new Set<TLSSocket>()
  const server = createServer({ cert: certificate.cert, key: certificate.key }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).pipe(socket)
  }).listen(0, 'localhost')
  server.on('tlsClientError', () => undefined)
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { server: { host: hidden, port }, trust: { kind: 'pinned', certificate: certificate.der } }
}

const failure = async (server: ServerAddress, trust: Trust, proxy: ProxyServer): Promise<SyncError> => {
  const socket = dial(server, trust, 'http/1.1', proxy)
  try {
    await once(socket, 'secureConnect')
  } catch (error) {
    return networkTrouble('test', server, error)
  } finally {
    socket.destroy()
  }
  return assert.fail('it connected')
}

suite('a proxy', () => {
  test('carries many bytes both ways, in order', async (t) => {
    const { server, trust } = await echo(t)
    for (const serve of [serveHttpProxy, serveSocksProxy]) {
      const { proxy, asked, passed } = await served(t, serve(server.port))
      const socket = dial(server, trust, 'http/1.1', proxy)
      await once(socket, 'secureConnect')
      const sent = Buffer.from(nodeChance.bytes(5_000_000))
      const got: Buffer[] = []
      let left = sent.length
      const whole = Promise.withResolvers<void>()
      socket.on('data', (bytes: Buffer) => {
        got.push(bytes)
        left -= bytes.length
        if (left <= 0) whole.resolve()
      })
      socket.write(sent)
      await whole.promise
      socket.destroy()
      assert.equal(Buffer.compare(Buffer.concat(got), sent), 0)
      assert.deepEqual(asked, [formatServer(server)])
      assert.ok(passed() > 10_000_000)
    }
  })

  test('gives the server to nobody else: another certificate in the tunnel is refused like one without', async (t) => {
    const { server } = await echo(t)
    const other = await newCertificate({ host: hidden })
    const { proxy } = await served(t, serveHttpProxy(server.port))
    const error = await failure(server, { kind: 'pinned', certificate: other.der }, proxy)
    assert.equal(error.kind, 'corrupt')
    assert.match(error.message, /another certificate than the one pinned/)
    await assert.rejects(learnTrust(server, new Uint8Array(32), { proxy }), (error) => isTrouble(error, 'corrupt'))
    const trust = await learnTrust(server, null, { proxy, roots: [other.cert] }).catch((error: unknown) => error)
    assert.ok(isTrouble(trust, 'corrupt'), inspect(trust))
  })

  test('is told the server as it is written: name, IPv4 or IPv6', async (t) => {
    const { server } = await echo(t)
    const table: [host: string, isRemote: boolean, asked: string][] = [
      [hidden, true, hidden],
      ['192.0.2.7', true, 'v4 c0000207'],
      ['192.0.2.7', false, 'v4 c0000207'],
      ['2001:db8::1:2', true, 'v6 20010db8000000000000000000010002'],
      ['::', true, `v6 ${'0'.repeat(32)}`],
      ['1:2:3:4:5:6:7:8', false, 'v6 00010002000300040005000600070008'],
      ['::ffff:192.0.2.7', true, 'v6 00000000000000000000ffffc0000207'],
    ]
    for (const [host, isRemote, asked] of table) {
      const socks = await served(t, serveSocksProxy(server.port, { isRemote }))
      await tryTunnel(socks.proxy, { host, port: 4711 })
      assert.deepEqual(socks.asked, [`${asked}:4711`])
    }
    const http = await served(t, serveHttpProxy(server.port))
    await tryTunnel(http.proxy, { host: '2001:db8::1', port: 4711 })
    assert.deepEqual(http.asked, ['[2001:db8::1]:4711'])
  })

  test('of the HTTPS kind must show a certificate that is trusted for its name, not for that of the server', async (t) => {
    const { server } = await echo(t)
    const root = await newCertificate({ host: 'The Root' })
    const good = await newCertificate({ host: 'localhost', issuer: root })
    const bad = await newCertificate({ host: hidden, issuer: root })
    const { proxy, asked } = await served(t, serveHttpProxy(server.port, { certificate: good }))
    await tryTunnel(proxy, server, { roots: [root.cert] })
    assert.deepEqual(asked, [formatServer(server)])
    const untrusted = await tryTunnel(proxy, server)
    assert.match(untrusted?.message ?? '', /shows no good certificate \(.+\): check the setting proxy/)
    const other = await served(t, serveHttpProxy(server.port, { certificate: bad }))
    const misnamed = await tryTunnel(other.proxy, server, { roots: [root.cert] })
    assert.match(misnamed?.message ?? '', /no good certificate \(ERR_TLS_CERT_ALTNAME_INVALID\)/)
    assert.deepEqual([asked.length, other.asked.length], [1, 0])
  })

  test('gets user and password as they are, and no message or cause holds them', async (t) => {
    const { server, trust } = await echo(t)
    const others = { user: 'somebody', password: 'secret-of-the-proxy' }
    for (const serve of [serveHttpProxy, serveSocksProxy]) {
      const { proxy, logins } = await served(t, serve(server.port, { login }))
      const socket = dial(server, trust, 'http/1.1', { ...proxy, login })
      await once(socket, 'secureConnect')
      socket.destroy()
      assert.deepEqual(logins, ['ada:correct horse: ä'])

      const wrong = await failure(server, trust, { ...proxy, login: others })
      assert.equal(wrong.kind, 'unavailable')
      assert.match(wrong.message, /does not take the user and the password: set them with .* --password-file FILE/)
      const spoken = inspect(wrong, { depth: 20 }) + wrong.stack
      for (const secret of Object.values(others)) assert.ok(!spoken.includes(secret))

      const none = await failure(server, trust, proxy)
      assert.equal(none.kind, 'unavailable')
      assert.match(none.message, /asks for a user and a password/)
    }
  })

  test('that refuses, lies or hangs up is one sentence that names it', async (t) => {
    const { server, trust } = await echo(t)
    const table: [serving: Promise<TestProxy>, words: RegExp][] = [
      [serveHttpProxy(server.port, { status: 403 }), /does not connect to server\.invalid:\d+ \(status 403\)/],
      [serveHttpProxy(server.port, { status: 502 }), /\(status 502\): ask who runs it/],
      [serveSocksProxy(server.port, { code: 2 }), /does not connect to .* \(not allowed there\)/],
      [serveSocksProxy(server.port, { code: 5 }), /\(connection refused\)/],
      [serveSocksProxy(server.port, { code: 99 }), /\(code 99\)/],
      [serveAnything('http', (socket) => void socket.end('220 mail.example ESMTP\r\n')), /is no such proxy/],
      [serveAnything('socks5h', (socket) => void socket.end('220 mail.example ESMTP\r\n')), /is no such proxy/],
      [serveAnything('socks5h', (socket) => void socket.write('HTTP/1.1 400\r\n\r\n')), /is no such proxy/],
      [serveAnything('http', (socket) => void socket.end()), /the line to the proxy .* broke/],
      [serveAnything('http', (socket) => void socket.destroy()), /the line to the proxy .* broke/],
      [serveAnything('socks5h', (socket) => void socket.end()), /closed the line at once/],
      [serveAnything('socks5h', (socket) => void socket.end(Uint8Array.of(5))), /closed the line at once/],
      [serveAnything('socks5h', (socket) => void socket.end(Uint8Array.of(5, 7))), /is no such proxy/],
      [serveAnything('socks5h', (socket) => void socket.end(Uint8Array.of(5, 0, 5, 0, 0, 9))), /is no such proxy/],
      [
        serveAnything('http', (socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\nhello')),
        /what answers as the proxy .* is no such proxy/,
      ],
      [serveAnything('https', (socket) => void socket.end('no TLS')), /shows no good certificate|broke/],
    ]
    for (const [serving, words] of table) {
      const { proxy } = await served(t, serving)
      const error = await failure(server, trust, proxy)
      assert.equal(error.kind, 'unavailable', error.message)
      assert.match(error.message, words)
      assert.ok(error.message.includes(formatProxy(proxy)), error.message)
      await assert.rejects(learnTrust(server, new Uint8Array(32), { proxy }), (error) => {
        assert.ok(isTrouble(error, 'unavailable'))
        assert.match(error.message, words)
        return true
      })
    }
  })

  test('that is not there, or cannot be found, is named', async (t) => {
    const { server, trust } = await echo(t)
    const gone = createTcp().listen(0, 'localhost')
    await once(gone, 'listening')
    const { port } = gone.address() as AddressInfo
    gone.close()
    await once(gone, 'close')
    for (const protocol of ['http', 'socks5h'] as const) {
      const there = await failure(server, trust, { protocol, host: 'localhost', port, login: null })
      assert.match(there.message, new RegExp(`nothing answers as the proxy ${protocol}://localhost:${port}`))
      const name = await failure(server, trust, { protocol, host: 'proxy.invalid', port, login: null })
      assert.equal(name.kind, 'unavailable')
      assert.match(name.message, /proxy\.invalid/)
    }
    const { proxy } = await served(t, serveSocksProxy(server.port, { isRemote: false }))
    const target = await failure(server, trust, proxy)
    assert.equal(target.kind, 'unavailable')
    assert.match(target.message, /server\.invalid/)
    const long = await failure({ host: 'x'.repeat(300), port: 1 }, trust, { ...proxy, protocol: 'socks5h' })
    assert.match(long.message, /the name is too long/)
  })

  test('that does not answer is given up in time, and one that has answered is not', async (t) => {
    const { server } = await echo(t)
    for (const protocol of ['http', 'socks5h'] as const) {
      const silent = await served(
        t,
        serveAnything(protocol, () => undefined),
      )
      const error = await tryTunnel(silent.proxy, server, { msMax: 20 })
      assert.ok(isTrouble(error, 'unavailable') && /does not answer in time/.test(error.message), inspect(error))
    }
    const tcp = createTcp((socket) => void socket.pipe(socket)).listen(0, 'localhost')
    await once(tcp, 'listening')
    t.after(() => tcp.close())
    for (const serve of [serveHttpProxy, serveSocksProxy]) {
      const { proxy } = await served(t, serve((tcp.address() as AddressInfo).port))
      const tunnel = tunnelThrough(proxy, server, { roots: () => [], msMax: 200, onFault: assert.ifError })
      tunnel.write('one')
      assert.equal(String(await once(tunnel, 'data')), 'one')
      await once(AbortSignal.timeout(300), 'abort')
      tunnel.write('two')
      assert.equal(String(await once(tunnel, 'data')), 'two')
      tunnel.destroy()
    }
  })

  test('whose line breaks in the middle breaks the connection in it', async (t) => {
    const { server, trust } = await echo(t)
    for (const serve of [serveHttpProxy, serveSocksProxy]) {
      const proxy = await served(t, serve(server.port))
      const socket = dial(server, trust, 'http/1.1', proxy.proxy)
      await once(socket, 'secureConnect')
      const broken = Promise.withResolvers<void>()
      socket.on('error', () => undefined).once('close', broken.resolve)
      proxy.cut()
      await broken.promise
    }
  })

  test('is asked anew for every connection', async (t) => {
    const { server, trust } = await echo(t)
    const { proxy, asked } = await served(t, serveHttpProxy(server.port, { status: 403 }))
    let current: ProxyServer | null = null
    await using remote = openRemote(server, trust, new Uint8Array(32), {
      pause: async () => undefined,
      proxy: () => current,
    })
    await assert.rejects(remote.whoAmI(), /cannot be found/)
    assert.deepEqual(asked, [])
    current = proxy
    await assert.rejects(remote.whoAmI(), /status 403/)
  })
})
