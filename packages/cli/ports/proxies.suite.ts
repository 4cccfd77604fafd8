/**
 * Little proxies on this machine, for tests: each notes what it was asked for and leads to one port, whatever the name.
 */
import { once } from 'node:events'
import { createServer as createHttp, type IncomingMessage } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TestCertificate } from './certificates.suite.ts'
import type { ProxyLogin, ProxyServer } from './proxy.ts'

export type TestProxy = AsyncDisposable & {
  proxy: ProxyServer
  /** `host:port` as the proxy was asked, or what a SOCKS client sent in place of it. */
  asked: string[]
  /** What clients said of themselves. */
  logins: string[]
  /** Bytes that went through, both ways. */
  passed: () => number
  /** Breaks all that goes through. */
  cut: () => void
}

type Lead = (from: Duplex, target: string, ready: () => void) => void

const open = async (
  protocol: ProxyServer['protocol'],
  port: number,
  serverFor: (lead: Lead, logins: string[]) => Server,
): Promise<TestProxy> => {
  const asked: string[] = []
  const logins: string[] = []
  const sockets = new Set<Duplex>()
  let passed = 0
  const keep = (socket: Duplex): void => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  }
  const lead: Lead = (from, target, ready) => {
    asked.push(target)
    keep(from)
    const to = connect({ host: 'localhost', port, noDelay: true })
    keep(to)
    to.once('connect', () => {
      ready()
      for (const side of [from, to]) side.on('data', (bytes: Buffer) => (passed += bytes.length))
      from.pipe(to).pipe(from)
    })
    to.once('close', () => from.destroy())
    from.once('close', () => to.destroy())
  }
  const server = serverFor(lead, logins)
  server.on('connection', (socket: Socket) => keep(socket.setNoDelay(true)))
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const { port: proxyPort } = server.address() as AddressInfo
  return {
    proxy: { protocol, host: 'localhost', port: proxyPort, login: null },
    asked,
    logins,
    passed: () => passed,
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** With a certificate, one that is spoken to by TLS. `status` refuses everybody; `login` all but one. */
export const serveHttpProxy = (
  port: number,
  options: { certificate?: TestCertificate; status?: number; login?: ProxyLogin } = {},
): Promise<TestProxy> => {
  const { certificate, status = 200, login } = options
  return open(certificate === undefined ? 'http' : 'https', port, (lead, logins) => {
    const server =
      certificate === undefined ? createHttp() : createHttps({ cert: certificate.cert, key: certificate.key })
    server.on('tlsClientError', () => undefined)
    return server.on('connect', (request: IncomingMessage, socket: Duplex) => {
      const said = request.headers['proxy-authorization'] ?? ''
      logins.push(Buffer.from(said.replace(/^Basic /, ''), 'base64').toString())
      if (login !== undefined && logins.at(-1) !== `${login.user}:${login.password}`) {
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n')
      } else if (status !== 200) {
        socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`)
      } else lead(socket, request.url ?? '', () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'))
    })
  })
}

/** RFC 1928 and 1929, as far as tests need. `code` refuses everybody; `login` all but one. */
export const serveSocksProxy = (
  port: number,
  options: { isRemote?: boolean; code?: number; login?: ProxyLogin } = {},
): Promise<TestProxy> => {
  const { isRemote = true, code = 0, login } = options
  return open(isRemote ? 'socks5h' : 'socks5', port, (lead, logins) =>
    createServer((socket) => void serveSocks(socket, lead, logins, code, login).catch(() => socket.destroy())),
  )
}

const serveSocks = async (
  socket: Socket,
  lead: Lead,
  logins: string[],
  code: number,
  login: ProxyLogin | undefined,
): Promise<void> => {
  let held = Buffer.alloc(0)
  const read = async (length: number): Promise<Buffer> => {
    while (held.length < length) {
      const bytes = socket.read() as Buffer | null
      if (bytes === null) await once(socket, 'readable')
      else held = Buffer.concat([held, bytes])
    }
    const wanted = held.subarray(0, length)
    held = held.subarray(length)
    return wanted
  }
  const counted = async (): Promise<string> => (await read((await read(1))[0]!)).toString()

  const [, count] = await read(2)
  const methods = [...(await read(count!))]
  if (login === undefined) socket.write(Uint8Array.of(5, 0))
  else {
    if (!methods.includes(2)) return void socket.end(Uint8Array.of(5, 0xff))
    socket.write(Uint8Array.of(5, 2))
    await read(1)
    logins.push(`${await counted()}:${await counted()}`)
    const isKnown = logins.at(-1) === `${login.user}:${login.password}`
    socket.write(Uint8Array.of(1, isKnown ? 0 : 1))
    if (!isKnown) return void socket.end()
  }
  const [, , , kind] = await read(4)
  const host =
    kind === 3 ? await counted() : `${kind === 1 ? 'v4' : 'v6'} ${(await read(kind === 1 ? 4 : 16)).toString('hex')}`
  const target = `${host}:${(await read(2)).readUInt16BE()}`
  const answer = Uint8Array.of(5, code, 0, 1, 127, 0, 0, 1, 0, 1)
  if (code !== 0) return void socket.end(answer)
  lead(socket, target, () => socket.write(answer))
}

/** Something that answers in its own way. */
export const serveAnything = (
  protocol: ProxyServer['protocol'],
  answer: (socket: Socket) => void,
): Promise<TestProxy> => open(protocol, 0, () => createServer(answer))
