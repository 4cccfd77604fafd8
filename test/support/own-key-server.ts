/**
 * A server that holds a real server's key and certificate, because the test owns that server's home: clients see the
 * certificate that they pinned and cannot tell.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'

export type OwnKeyServer = AsyncDisposable & {
  server: Http2SecureServer
  /** Also that of the real server, which whoever connects to it trusts. */
  certificate: string
  /** On a free port of this machine, which it gives. */
  listen(): Promise<number>
}

/** Disposing it closes all connections. */
export const createOwnKeyServer = (serverHome: string): OwnKeyServer => {
  const tls = (name: string) => readFileSync(join(serverHome, 'server/tls', name), 'utf8')
  const certificate = tls('cert.pem')
  const server = createSecureServer({ allowHTTP1: true, cert: certificate, key: tls('key.pem') })
  const sockets = new Set<Socket>()
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  return {
    server,
    certificate,
    listen: async () => {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
