/**
 * A line through an HTTP or HTTPS proxy, by CONNECT (RFC 9110 §9.3.6). An HTTPS proxy must show a certificate that this
 * system trusts for its name.
 */
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps, type RequestOptions } from 'node:https'
import { isIP, type Socket } from 'node:net'
import { formatServer, type ServerAddress } from './link.ts'
import type { ProxyLogin, ProxyServer } from './proxy.ts'
import { connectRefused, loginRefused, notThatProxy } from './proxy-trouble.ts'

const proxyLoginNeeded = 407

export const connectByHttp = async (
  proxy: ProxyServer,
  server: ServerAddress,
  signal: AbortSignal,
  roots: () => string[],
): Promise<Socket> => {
  const options: RequestOptions = {
    host: proxy.host,
    port: proxy.port,
    method: 'CONNECT',
    path: formatServer(server),
    headers: { host: formatServer(server), ...(proxy.login === null ? {} : authorizationOf(proxy.login)) },
    // One of its own: what settings of Node's say of proxies is none of ours.
    agent: false,
    signal,
  }
  const request =
    proxy.protocol === 'https'
      ? requestHttps({
          ...options,
          ca: roots(),
          // Else the name in the header, which is the server's, would be looked for in the proxy's certificate.
          servername: isIP(proxy.host) === 0 ? proxy.host : '',
          rejectUnauthorized: true,
        })
      : requestHttp(options)
  const connected = Promise.withResolvers<{ answer: IncomingMessage; socket: Socket; head: Buffer }>()
  request.once('connect', (answer, socket, head) => connected.resolve({ answer, socket, head }))
  request.on('error', connected.reject)
  request.end()
  const { answer, socket, head } = await connected.promise
  // An error that comes before somebody else listens has its consequence in `close`.
  socket.on('error', () => undefined)
  const status = answer.statusCode ?? 0
  if (status >= 200 && status < 300 && head.length === 0) return socket
  socket.destroy()
  if (status === proxyLoginNeeded) throw loginRefused(proxy)
  // A server says nothing before it is spoken to.
  if (status >= 200 && status < 300) throw notThatProxy(proxy)
  throw connectRefused(proxy, server, `status ${status}`)
}

const authorizationOf = ({ user, password }: ProxyLogin) => ({
  'proxy-authorization': `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
