/**
 * One TLS port that speaks HTTP/1.1 and HTTP/2: the door, its limits and its patience. Who calls is proven here, before
 * a byte of a body is read, for every route alike; what a call does is the services' matter.
 */
import { constants, Http2ServerRequest, type Http2SecureServer } from 'node:http2'
import { ConnectError, type Interceptor } from '@connectrpc/connect'
import { fastifyConnectPlugin } from '@connectrpc/connect-fastify'
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify'
import { SyncError } from '@anysync/protocol/errors.ts'
import { bodyBytesPerMsMin, packBytesMax, rpcBytesMax } from '@anysync/protocol/limits.ts'
import { toConnectError } from '@anysync/protocol/wire.ts'
import type { Caller } from './authorize.ts'
import { contextValuesOf } from './caller.ts'
import { asPlainServer } from './listener.ts'
import type { Log } from './log.ts'
import { objectRoutes } from './object-routes.ts'
import { refusalOf } from './refuse.ts'
import { serveAll, type Services } from './rpc.ts'
import { ownFault, troubleOf } from './trouble.ts'

export type Route = { method: string; path: string }

export type DoorParts = {
  listener: Http2SecureServer
  log: Log
  services: Services
  authenticate(route: string, header: string | undefined): Promise<Caller>
  /** A body may take so long, and the time its bytes take at the slowest rate. */
  bodyMs: number
  /** Throws when the server cannot do its work. */
  checkReady(): Promise<void>
}

export type Door = Awaited<ReturnType<typeof buildDoor>>

export const buildDoor = async (parts: DoorParts) => {
  const { log } = parts
  const app = createApp(parts)
  const routes: Route[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, path: url })
  })
  app.decorateRequest('caller')
  app.addHook('onRequest', async (request, reply) => {
    limitBody(request, reply, parts.bodyMs)
    request.caller = await parts.authenticate(request.routeOptions.url ?? '', request.headers.authorization)
  })
  app.addHook('onResponse', async (request, reply) => {
    log.debug({
      request: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    })
  })
  app.setErrorHandler((error, request, reply) => refuse(log, error, request, reply))
  app.setNotFoundHandler((request, reply) =>
    refuse(log, new SyncError('http', 'missing', 'there is no such address on this server'), request, reply),
  )

  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', async () => {
    await parts.checkReady()
    return { status: 'ok' }
  })
  await app.register(objectRoutes(parts.services.objects, log))
  await app.register(fastifyConnectPlugin, {
    routes: (router) => serveAll(router, parts.services),
    contextValues: contextValuesOf,
    interceptors: [tellTrouble(log)],
    readMaxBytes: rpcBytesMax,
    // What travels is sealed and does not shrink; and what is not unpacked cannot be a bomb.
    acceptCompression: [],
  })
  await app.ready()
  return { app, routes }
}

const createApp = ({ listener, log }: DoorParts) =>
  fastify({
    serverFactory: (handler) => asPlainServer(listener, handler),
    loggerInstance: log.child({}, { level: 'silent' }),
    bodyLimit: rpcBytesMax,
    exposeHeadRoutes: false,
    // What comes while the server stops is answered in our own words, by `authenticate`.
    return503OnClosing: false,
  })

/** Cuts the line of a caller whose body comes slower than the slowest rate that is served. */
const limitBody = (request: FastifyRequest, reply: FastifyReply, bodyMs: number): void => {
  const announced = Number(request.headers['content-length'] ?? rpcBytesMax)
  const bytes = Math.min(Number.isFinite(announced) ? announced : 0, packBytesMax)
  const timer = setTimeout(() => cut(request), bodyMs + bytes / bodyBytesPerMsMin)
  request.raw.once('end', () => clearTimeout(timer))
  reply.raw.once('close', () => clearTimeout(timer))
}

const cut = (request: FastifyRequest): void => {
  const raw: unknown = request.raw
  if (raw instanceof Http2ServerRequest) raw.stream.close(constants.NGHTTP2_CANCEL)
  else request.raw.socket.destroy()
}

const refuse = (log: Log, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const refusal = refusalOf(troubleAtDoor(log, error, request), request.headers['content-type'])
  return reply.code(refusal.status).headers(refusal.headers).send(refusal.body)
}

/** How Node says that the caller went away. */
const lostCodes = new Set<unknown>([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_HTTP2_STREAM_ERROR',
])

/** What the web framework itself refuses (a bad path, a bad header) has a status below 500 and is the caller's fault. */
const troubleAtDoor = (log: Log, error: unknown, request: FastifyRequest): SyncError => {
  const known = troubleOf(error)
  if (known !== null) return known
  if (
    error instanceof Error &&
    'statusCode' in error &&
    typeof error.statusCode === 'number' &&
    error.statusCode < 500
  ) {
    return new SyncError('http', 'invalid', 'the request cannot be read', error)
  }
  if (error instanceof Error && 'code' in error && lostCodes.has(error.code)) {
    return new SyncError('http', 'unavailable', 'the connection was lost', error)
  }
  log.error({ request: request.id, route: request.routeOptions.url ?? 'unknown', err: error }, 'a call failed')
  return ownFault(error)
}

/** Turns trouble in a service, or in the middle of its stream, into words of the wire. */
const tellTrouble =
  (log: Log): Interceptor =>
  (next) =>
  async (request) => {
    const translate = (error: unknown) => wireTrouble(log, error, request.method.name)
    try {
      const response = await next(request)
      return response.stream ? { ...response, message: translated(response.message, translate) } : response
    } catch (error) {
      throw translate(error)
    }
  }

const wireTrouble = (log: Log, error: unknown, route: string): ConnectError => {
  if (error instanceof ConnectError) return error
  const known = troubleOf(error)
  if (known !== null) return toConnectError(known)
  log.error({ route, err: error }, 'a call failed')
  return toConnectError(ownFault(error))
}

async function* translated<Message>(
  messages: AsyncIterable<Message>,
  translate: (error: unknown) => Error,
): AsyncGenerator<Message> {
  try {
    yield* messages
  } catch (error) {
    throw translate(error)
  }
}
