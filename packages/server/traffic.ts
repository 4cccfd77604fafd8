/**
 * Who is being served now, so that a server that stops can wait for them, but not for ever.
 */
import type { Http2SecureServer } from 'node:http2'
import type { TLSSocket } from 'node:tls'

export type Traffic = {
  /** Resolves when no call is in flight, or after so many milliseconds. */
  quiet(ms: number): Promise<void>
  /** Closes every connection at once. */
  cutAll(): void
}

export const watchTraffic = (server: Http2SecureServer): Traffic => {
  const sockets = new Set<TLSSocket>()
  let calls = 0
  let onQuiet: (() => void) | null = null
  server.on('request', (_request, response) => {
    calls++
    response.once('close', () => {
      calls--
      if (calls === 0) onQuiet?.()
    })
  })
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return {
    quiet: (ms) =>
      new Promise((resolve) => {
        if (calls === 0) return resolve()
        const timer = setTimeout(resolve, ms)
        onQuiet = () => {
          clearTimeout(timer)
          resolve()
        }
      }),
    cutAll: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}
