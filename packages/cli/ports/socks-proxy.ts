/**
 * A line through a SOCKS5 proxy (RFC 1928), with a user and a password when there are (RFC 1929).
 */
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import type { ServerAddress } from './link.ts'
import { networkTrouble } from './network-trouble.ts'
import type { ProxyServer } from './proxy.ts'
import { connectRefused, loginRefused, notThatProxy, proxyFault } from './proxy-trouble.ts'

const version = 5
const methods = { none: 0, password: 2, noneFits: 0xff } as const
const loginVersion = 1
const connectCommand = 1
const addressKinds = { v4: 1, name: 3, v6: 4 } as const
const nameBytesMax = 255

export const connectBySocks = async (
  proxy: ProxyServer,
  server: ServerAddress,
  signal: AbortSignal,
): Promise<Socket> => {
  const target = proxy.protocol === 'socks5' ? await foundHere(server) : server.host
  if (Buffer.byteLength(target) > nameBytesMax) throw connectRefused(proxy, server, 'the name is too long')
  const socket = connect({ host: proxy.host, port: proxy.port })
  try {
    await once(socket, 'connect', { signal })
    // An error that comes before somebody else listens has its consequence in `close`.
    socket.on('error', () => undefined)
    const read = readerOf(proxy, socket, signal)
    await greet(proxy, socket, read)
    socket.write(Uint8Array.of(version, connectCommand, 0, ...addressOf(target), ...portOf(server.port)))
    await readAnswer(proxy, server, read)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** The server's address as this device finds it; its trouble is that of a line without proxy. */
const foundHere = async (server: ServerAddress): Promise<string> => {
  if (isIP(server.host) !== 0) return server.host
  try {
    return (await lookup(server.host)).address
  } catch (error) {
    throw networkTrouble('server.connect', server, error)
  }
}

/** Exactly so many bytes. */
type Read = (length: number) => Promise<Uint8Array>

const readerOf = (proxy: ProxyServer, socket: Socket, signal: AbortSignal): Read => {
  const gone = new AbortController()
  const closed = (): void =>
    gone.abort(proxyFault(proxy, (name) => `${name} closed the line at once: check the setting proxy`))
  socket.once('end', closed).once('close', closed)
  const either = AbortSignal.any([signal, gone.signal])
  let held = new Uint8Array()
  return async (length) => {
    while (held.length < length) {
      either.throwIfAborted()
      // All that is there: a stream that keeps a part would say at once that there is something to read.
      const bytes: unknown = socket.read()
      if (bytes instanceof Uint8Array) held = new Uint8Array(Buffer.concat([held, bytes]))
      else await readable(socket, either)
    }
    const wanted = held.subarray(0, length)
    held = held.slice(length)
    return wanted
  }
}

const readable = async (socket: Socket, signal: AbortSignal): Promise<void> => {
  try {
    await once(socket, 'readable', { signal })
  } catch (error) {
    // `once` rejects with an error of its own; what matters is why.
    signal.throwIfAborted()
    throw error
  }
}

const greet = async (proxy: ProxyServer, socket: Socket, read: Read): Promise<void> => {
  const offered = proxy.login === null ? [methods.none] : [methods.none, methods.password]
  socket.write(Uint8Array.of(version, offered.length, ...offered))
  const [answeredVersion, method] = await read(2)
  if (answeredVersion !== version) throw notThatProxy(proxy)
  if (method === methods.none) return
  if (method === methods.noneFits) throw loginRefused(proxy)
  if (method !== methods.password || proxy.login === null) throw notThatProxy(proxy)
  const { user, password } = proxy.login
  socket.write(Uint8Array.of(loginVersion, ...counted(user), ...counted(password)))
  const [, status] = await read(2)
  if (status !== 0) throw loginRefused(proxy)
}

const readAnswer = async (proxy: ProxyServer, server: ServerAddress, read: Read): Promise<void> => {
  const [answeredVersion, code = 0, , kind = 0] = await read(4)
  if (answeredVersion !== version) throw notThatProxy(proxy)
  if (code !== 0) throw connectRefused(proxy, server, reasons[code] ?? `code ${code}`)
  // The address that the proxy calls from: of no use, but to be read past.
  const length = kind === addressKinds.name ? (await read(1))[0] : addressBytes[kind]
  if (length === undefined) throw notThatProxy(proxy)
  await read(length + 2)
}

const addressBytes: Record<number, number> = { [addressKinds.v4]: 4, [addressKinds.v6]: 16 }

const reasons: Record<number, string> = {
  1: 'general failure',
  2: 'not allowed there',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'too many hops',
  7: 'command not supported',
  8: 'address not supported',
}

const addressOf = (host: string): number[] => {
  switch (isIP(host)) {
    case 4:
      return [addressKinds.v4, ...host.split('.').map(Number)]
    case 6:
      return [addressKinds.v6, ...bytesOfV6(host)]
    default:
      return [addressKinds.name, ...counted(host)]
  }
}

const bytesOfV6 = (host: string): number[] => {
  // In its one form an address has only groups of hex, and at most one gap.
  const plain = new URL(`http://[${host.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const [head = [], tail = []] = plain.split('::').map((part) => part.split(':').filter((group) => group !== ''))
  const gap = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  return [...head, ...gap, ...tail].flatMap((group) => portOf(Number.parseInt(group, 16)))
}

/** Two bytes, big-endian. */
const portOf = (port: number): number[] => [port >> 8, port & 0xff]

/** A text of up to 255 bytes, as one byte of length and its bytes. */
const counted = (text: string): number[] => {
  const bytes = Buffer.from(text)
  return [bytes.length, ...bytes]
}
