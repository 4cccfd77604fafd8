/**
 * What the server receives and answers, in the clear: a proxy that holds the server's own key and certificate, because
 * the test owns the server's home. Clients see the certificate they pinned and cannot tell. Requests are taken apart
 * and put together again, so that what is recorded is headers as words and bodies as bytes, not the packing of HTTP/2.
 */
import { request as httpsRequest } from 'node:https'
import {
  connect as connectHttp2,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ConnectionOptions } from 'node:tls'
import { createOwnKeyServer } from './own-key-server.ts'

/** One call as it went by. */
export type Recorded = {
  /** `PUT /objects/…` */
  route: string
  requestHeaders: string
  request: Buffer
  answerHeaders: string
  answer: Buffer
}

export type ManInTheMiddle = AsyncDisposable & { url: string; port: number; calls: Recorded[] }

type Open = { route: string; requestHeaders: string; request: Buffer[]; answerHeaders: string; answer: Buffer[] }

const headerLines = (headers: IncomingHttpHeaders): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${String(value)}\n`)
    .join('')

/** Listens on a free port of this machine and passes everything on to the server with this home and port. */
export const listenInTheMiddle = async (serverHome: string, serverPort: number): Promise<ManInTheMiddle> => {
  const own = createOwnKeyServer(serverHome)
  const { server, certificate } = own
  const upstream: ConnectionOptions = {
    ca: [certificate],
    rejectUnauthorized: true,
    host: '127.0.0.1',
    port: serverPort,
  }
  const calls: Open[] = []
  const begin = (method: unknown, path: unknown, headers: IncomingHttpHeaders): Open => {
    const call = {
      route: `${String(method)} ${String(path)}`,
      requestHeaders: headerLines(headers),
      request: [],
      answerHeaders: '',
      answer: [],
    }
    calls.push(call)
    return call
  }

  const sessions = new Set<ClientHttp2Session>()
  server.on('session', (session) => {
    const onward = connectHttp2(`https://127.0.0.1:${serverPort}`, upstream)
    sessions.add(onward)
    onward.on('error', () => session.destroy())
    onward.once('close', () => session.close())
    session.on('error', () => onward.destroy())
    session.once('close', () => onward.close())
    session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const { ':path': path, ':method': method } = headers
      passStream(begin(method, path, headers), stream, headers, onward)
    })
  })
  server.on('request', (request, response) => {
    if (request.httpVersionMajor === 2) return
    // With allowHTTP1, requests of the older kind are the older kind's objects; the types do not say so.
    passRequest(
      begin(request.method, request.url, request.headers),
      request as unknown as IncomingMessage,
      response as unknown as ServerResponse,
      upstream,
    )
  })
  const port = await own.listen()

  return {
    url: `https://127.0.0.1:${port}`,
    port,
    get calls() {
      return calls.map((call) => ({
        ...call,
        request: Buffer.concat(call.request),
        answer: Buffer.concat(call.answer),
      }))
    },
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) session.destroy()
      await own[Symbol.asyncDispose]()
    },
  }
}

const passStream = (
  call: Open,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  onward: ClientHttp2Session,
): void => {
  const passed = onward.request(headers, { endStream: stream.endAfterHeaders })
  passed.on('response', (answer) => {
    call.answerHeaders += headerLines(answer)
    if (!stream.destroyed) stream.respond(answer)
  })
  // Connect, the protocol that the client speaks, has none; they are recorded and not passed on.
  passed.on('trailers', (sent) => (call.answerHeaders += headerLines(sent)))
  stream.on('data', (bytes: Buffer) => {
    call.request.push(bytes)
    passed.write(bytes)
  })
  stream.on('end', () => passed.end())
  passed.on('data', (bytes: Buffer) => {
    call.answer.push(bytes)
    stream.write(bytes)
  })
  passed.on('end', () => stream.end())
  stream.on('error', () => passed.destroy())
  passed.on('error', () => stream.destroy())
  stream.once('aborted', () => passed.close())
}

const passRequest = (
  call: Open,
  request: IncomingMessage,
  response: ServerResponse,
  upstream: ConnectionOptions,
): void => {
  const { method = '', url = '', headers } = request
  const { ca, host = '', port = 0 } = upstream
  const passed = httpsRequest({ ca, host, port, method, path: url, headers, rejectUnauthorized: true }, (answer) => {
    call.answerHeaders += headerLines(answer.headers)
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.on('data', (bytes: Buffer) => {
      call.answer.push(bytes)
      response.write(bytes)
    })
    answer.on('end', () => response.end())
    answer.on('error', () => response.destroy())
  })
  request.on('data', (bytes: Buffer) => {
    call.request.push(bytes)
    passed.write(bytes)
  })
  request.on('end', () => passed.end())
  request.on('error', () => passed.destroy())
  passed.on('error', () => response.destroy())
}
