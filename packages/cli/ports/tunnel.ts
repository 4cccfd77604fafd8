/**
 * A line to a server through a proxy. What travels in it is the same TLS as without one, verified end to end: a proxy
 * sees which server is called and nothing else.
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connectMsMax, pingMsInterval } from '@anysync/protocol/limits.ts'
import { connectByHttp } from './http-proxy.ts'
import type { ServerAddress } from './link.ts'
import type { ProxyServer } from './proxy.ts'
import { proxyTrouble } from './proxy-trouble.ts'
import { connectBySocks } from './socks-proxy.ts'

export type TunnelOptions = {
  msMax?: number
  /** Told why the line could not be opened, or broke: a SyncError `unavailable`, or what the network said. */
  onFault: (error: Error) => void
  /** PEM certificates that an HTTPS proxy may rest on. */
  roots: () => string[]
}

/**
 * The line at once; what is written waits until it is open. It never emits an error, for Node would lose it on the way
 * through the TLS that runs in it: `onFault` is told, and then it closes.
 */
export const tunnelThrough = (
  proxy: ProxyServer,
  server: ServerAddress,
  { msMax = connectMsMax, roots, onFault }: TunnelOptions,
): Duplex => {
  const given = new AbortController()
  const signal = AbortSignal.any([given.signal, AbortSignal.timeout(msMax)])
  const opening = openLine(proxy, server, signal, roots)
  const tunnel = new Duplex({
    allowHalfOpen: false,
    read() {
      void opening.then(
        (line) => line.resume(),
        () => undefined,
      )
    },
    write(bytes: Uint8Array, _encoding, done) {
      opening.then(
        // What fails is told once, by the line itself.
        (line) => line.write(bytes, () => done()),
        () => done(),
      )
    },
    final(done) {
      opening.then(
        (line) => line.end(() => done()),
        () => done(),
      )
    },
    destroy(error, done) {
      given.abort()
      opening.then(
        (line) => line.destroy(),
        () => undefined,
      )
      done(error)
    },
  })
  const fail = (error: Error): void => {
    if (!tunnel.destroyed) onFault(error)
    tunnel.destroy()
  }
  opening.then(
    (line) => join(tunnel, line, fail),
    (error: unknown) => fail(proxyTrouble(proxy, error)),
  )
  return tunnel
}

const openLine = async (
  proxy: ProxyServer,
  server: ServerAddress,
  signal: AbortSignal,
  roots: () => string[],
): Promise<Socket> => {
  try {
    return await (proxy.protocol === 'http' || proxy.protocol === 'https'
      ? connectByHttp(proxy, server, signal, roots)
      : connectBySocks(proxy, server, signal))
  } catch (error) {
    // What was aborted rejects with errors of many kinds; the reason says whether it was late.
    signal.throwIfAborted()
    throw error
  }
}

/** What comes on the line comes out of the tunnel, no faster than it is taken. */
const join = (tunnel: Duplex, line: Socket, fail: (error: Error) => void): void => {
  let hasEnded = false
  line.setNoDelay(true)
  line.setKeepAlive(true, pingMsInterval)
  line.on('data', (bytes: Uint8Array) => {
    if (!tunnel.push(bytes)) line.pause()
  })
  line.once('end', () => {
    hasEnded = true
    tunnel.push(null)
  })
  line.on('error', fail)
  line.once('close', () => {
    if (!hasEnded) tunnel.destroy()
  })
  line.resume()
}
