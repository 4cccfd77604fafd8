/**
 * The TLS socket that everything comes through, HTTP/1.1 and HTTP/2 on one port, with the limits of lines, headers and
 * patience. Knows nothing of routes.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import type { Socket } from 'node:net'
import { connectionsMax, connectionsPerAddressMax, headersMsMax, KiB, silenceMsMax } from '@anysync/protocol/limits.ts'
import { networkOf } from './addresses.ts'

export const createListener = (identity: { certificate: string; key: string }): Http2SecureServer => {
  const times = { headersTimeout: headersMsMax, requestTimeout: 0, keepAliveTimeout: silenceMsMax }
  const server = createSecureServer({
    allowHTTP1: true,
    // Else the first answer on a line of HTTP/1.1 waits 40 ms until the caller has acknowledged the session tickets before it.
    noDelay: true,
    cert: identity.certificate,
    key: identity.key,
    minVersion: 'TLSv1.2',
    handshakeTimeout: headersMsMax,
    maxHeaderListPairs: 64,
    settings: { maxConcurrentStreams: 128, maxHeaderListSize: 16 * KiB },
    // The times of HTTP/1.1 lines, which Node takes from here; its types do not say so.
    ...times,
  })
  server.maxConnections = connectionsMax
  server.setTimeout(silenceMsMax)
  server.on('connection', limitPerAddress(connectionsPerAddressMax))
  return server
}

/** Closes what an address opens beyond its share. */
const limitPerAddress = (max: number): ((socket: Socket) => void) => {
  const countByNetwork = new Map<string, number>()
  return (socket) => {
    // No address: it is gone already.
    if (socket.remoteAddress === undefined) return
    const network = networkOf(socket.remoteAddress)
    const count = (countByNetwork.get(network) ?? 0) + 1
    countByNetwork.set(network, count)
    socket.once('close', () => {
      const rest = (countByNetwork.get(network) ?? 0) - 1
      if (rest > 0) countByNetwork.set(network, rest)
      else countByNetwork.delete(network)
    })
    if (count > max) socket.destroy()
  }
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * The same server in the type that the web framework and its plugins are written for. Node's compatibility layer makes
 * the requests and responses of HTTP/2 behave as those of HTTP/1.1.
 */
export const asPlainServer = (server: Http2SecureServer, handler: Handler): Server => {
  server.on('request', handler)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return server as unknown as Server
}
