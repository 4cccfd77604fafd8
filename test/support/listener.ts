/**
 * A stranger at the server's port: it completes TLS handshakes with another server's certificate and keeps every byte
 * that it is then sent.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'

export type Listener = AsyncDisposable & {
  connections(): number
  received(): Buffer
}

export const listenAs = async (serverHome: string, port: number): Promise<Listener> => {
  const tls = (name: string) => readFileSync(join(serverHome, 'server/tls', name))
  const received: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ cert: tls('cert.pem'), key: tls('key.pem'), ALPNProtocols: ['h2', 'http/1.1'] })
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
  })
  server.on('secureConnection', (socket) => {
    socket.on('data', (bytes: Buffer) => received.push(bytes))
    socket.on('error', () => undefined)
  })
  server.on('tlsClientError', () => undefined)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    connections: () => connections,
    received: () => Buffer.concat(received),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
