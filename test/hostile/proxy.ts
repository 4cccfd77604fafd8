/**
 * A server that turned hostile: a proxy that holds the real server's key and certificate, so that clients cannot tell it
 * from the server that they pinned, and changes what the real one answers as an attack wants it.
 */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { create, fromBinary, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
import {
  ChallengeResponseSchema,
  LoginResponseSchema,
  type ChallengeResponse,
  type LoginResponse,
} from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import {
  ListVaultsResponseSchema,
  RecordsSinceResponseSchema,
  type ListVaultsResponse,
} from '@anysync/protocol/gen/anysync/v1/vault_pb.js'
import { createOwnKeyServer } from '../support/own-key-server.ts'

export type Answer = { status: number; headers: Record<string, string>; body: Buffer }

/** The range of a pack that was asked for. */
export type Asked = { pack: string; offset: number; length: number }

/** What an attack changes. What it does not name passes as it is. */
export type Lies = {
  vaults?: (answer: ListVaultsResponse) => void
  challenge?: (answer: ChallengeResponse) => void
  login?: (answer: LoginResponse) => void
  /** The records after a sequence. */
  records?: (records: Uint8Array[], since: number) => Uint8Array[]
  pack?: (answer: Answer, asked: Asked) => void | Promise<void>
  /** The whole answer of any call, as bytes. */
  answer?: (route: string, answer: Answer) => void
  /** Sends this without an end in place of an answer. Null for calls that are answered. */
  endless?: (route: string) => { status: number; headers: Record<string, string>; portion: Buffer } | null
}

export type HostileServer = AsyncDisposable & {
  url: string
  lies: Lies
  /** `POST /anysync.v1.Vault/ListVaults`, in the order in which they came. */
  calls: string[]
  /** What went wrong in the proxy itself: the test is broken. */
  fault: Error | null
}

export const listenHostile = async (serverHome: string, serverPort: number): Promise<HostileServer> => {
  const own = createOwnKeyServer(serverHome)
  const { server, certificate } = own
  const hostile: HostileServer = {
    url: '',
    lies: {},
    calls: [],
    fault: null,
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }

  const serve = async (request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> => {
    const route = `${request.method} ${request.url}`
    hostile.calls.push(route)
    const endless = hostile.lies.endless?.(route) ?? null
    if (endless !== null) {
      response.writeHead(endless.status, endless.headers)
      const { portion } = endless
      const portions = Readable.from(forever(portion), { objectMode: false, highWaterMark: 1 })
      // Ends when the client hangs up, and only then.
      await pipeline(portions, response).catch(() => undefined)
      return
    }
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
    const headers = plainHeaders(request.headers)
    const options = { ca: [certificate], rejectUnauthorized: true, host: '127.0.0.1', port: serverPort, agent: false }
    const onward = httpsRequest({ ...options, method: request.method, path: request.url, headers })
    onward.end(body)
    const [got] = (await once(onward, 'response')) as [IncomingMessage]
    const answer: Answer = {
      status: got.statusCode ?? 502,
      headers: plainHeaders(got.headers),
      body: Buffer.concat(await Array.fromAsync(got as AsyncIterable<Buffer>)),
    }
    await lie(hostile.lies, route, request.headers, body, answer)
    response.writeHead(answer.status, answer.headers)
    response.end(answer.body)
  }
  server.on('request', (request, response) => {
    serve(request, response).catch((error: unknown) => {
      hostile.fault = error instanceof Error ? error : new Error(String(error))
      response.writeHead(500).end()
    })
  })
  hostile.url = `https://127.0.0.1:${await own.listen()}`
  return hostile
}

function* forever(portion: Buffer): Generator<Buffer, void, void> {
  for (;;) yield portion
}

const hopByHop = /^(:.*|connection|keep-alive|transfer-encoding|te|content-length|host)$/

const plainHeaders = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !hopByHop.test(name))
      .map(([name, value]) => [name, String(value)]),
  )

const lie = async (
  lies: Lies,
  route: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
  answer: Answer,
): Promise<void> => {
  const isGood = answer.status < 300
  const [, method = ''] = /^POST \/anysync\.v1\.\w+\/(\w+)$/.exec(route) ?? []
  if (isGood && method === 'ListVaults') alter(answer, ListVaultsResponseSchema, lies.vaults)
  if (isGood && method === 'Challenge') alter(answer, ChallengeResponseSchema, lies.challenge)
  if (isGood && method === 'Login') alter(answer, LoginResponseSchema, lies.login)
  if (isGood && method === 'RecordsSince' && lies.records !== undefined) {
    const { messages, end } = openStream(answer.body)
    const records = messages.map((message) => fromBinary(RecordsSinceResponseSchema, message).record)
    // Field 2 of the request, a varint: tests have short logs.
    const since = body.at(-2) === 0x10 ? (body.at(-1) ?? 0) : 0
    const changed = lies.records(records, since)
    const framed = changed.map((record) =>
      frame(0, toBinary(RecordsSinceResponseSchema, create(RecordsSinceResponseSchema, { record }))),
    )
    answer.body = Buffer.concat([...framed, end])
  }
  const [, pack = ''] = /^GET \/objects\/[0-9a-f]{32}\/([0-9a-f]{64})$/.exec(route) ?? []
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
  const [offset, length] = [Number(first), Number(last) - Number(first) + 1]
  if (isGood && pack !== '') await lies.pack?.(answer, { pack, offset, length })
  lies.answer?.(route, answer)
}

const alter = <Desc extends DescMessage>(
  answer: Answer,
  schema: Desc,
  change: ((message: MessageShape<Desc>) => void) | undefined,
): void => {
  if (change === undefined) return
  const message = fromBinary(schema, answer.body)
  change(message)
  answer.body = Buffer.from(toBinary(schema, message))
}

/** One message of a stream, as Connect frames it. */
export const frame = (flags: number, message: Uint8Array): Buffer => {
  const head = Buffer.alloc(5)
  head[0] = flags
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

const openStream = (body: Buffer): { messages: Buffer[]; end: Buffer } => {
  const messages: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const next = at + 5 + body.readUInt32BE(at + 1)
    if (((body[at] ?? 0) & 2) !== 0) return { messages, end: body.subarray(at) }
    messages.push(body.subarray(at + 5, next))
    at = next
  }
  return { messages, end: Buffer.alloc(0) }
}
