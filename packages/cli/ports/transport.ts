/**
 * Connections to one server. Every socket to it, for calls (HTTP/2) and for packs (HTTP/1.1), is opened by `dial`,
 * which verifies the certificate before a byte of ours is sent, and is gone when the line is closed.
 */
import type { Interceptor, Transport } from '@connectrpc/connect'
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node'
import type { Pool } from 'undici'
import { SyncError } from '@anysync/protocol/errors.ts'
import {
  answerBytesMax,
  packBytesMax,
  packIdleMsMax,
  pingMsInterval,
  pingMsMax,
  transfersMaxCeiling,
} from '@anysync/protocol/limits.ts'
import { nodeClock } from './clock.ts'
import { dial } from './dial.ts'
import { createFlow, type Flow } from './flow.ts'
import { formatServer, formatServerUrl, type ServerAddress } from './link.ts'
import type { Trust } from './pin.ts'
import type { ProxyServer } from './proxy.ts'
import { sleep, type Patience, type Pause } from './retry.ts'
import { readWhole } from './whole-streams.ts'

/** A server and how to reach it. Disposing it closes all connections at once and ends what still runs on them. */
export interface Line extends AsyncDisposable, Patience {
  readonly server: ServerAddress
  /** For calls. */
  readonly transport: Transport
  /** For packs. Loaded when the first one travels: it is 25 MB, and many a command and most turns move none. */
  pool(): Promise<Pool>
  /** The pace of packs, and how many travel at once. */
  readonly flow: Flow
  /** The headers that say who calls. */
  readonly authorization: Record<string, string>
}

export type LineOptions = {
  /** How the waits before another attempt pass. */
  pause?: Pause
  /** Shared with the other lines of the process; without limits unless given. */
  flow?: Flow
  /** Asked anew for every connection; none unless given. */
  proxy?: () => ProxyServer | null
}

/** Opens nothing yet: connections come with the first calls. The token is a device's, null for a stranger. */
export const openLine = (
  server: ServerAddress,
  trust: Trust,
  token: Uint8Array | null,
  { pause = sleep, flow = createFlow(nodeClock), proxy = () => null }: LineOptions,
): Line => {
  const closing = new AbortController()
  const baseUrl = formatServerUrl(server)
  const authorization: Record<string, string> =
    token === null ? {} : { authorization: `Bearer ${token.toBase64({ alphabet: 'base64url', omitPadding: true })}` }

  const sessionManager = new Http2SessionManager(
    baseUrl,
    { pingIntervalMs: pingMsInterval, pingTimeoutMs: pingMsMax },
    { createConnection: () => dial(server, trust, 'h2', proxy()) },
  )
  const guard: Interceptor = (next) => async (request) => {
    demandOpen(server, closing.signal)
    for (const [name, value] of Object.entries(authorization)) request.header.set(name, value)
    return next(request)
  }
  const transport = createConnectTransport({
    httpVersion: '2',
    baseUrl,
    sessionManager: readWhole(sessionManager),
    interceptors: [guard],
    // What travels is sealed or small. Without compression no answer can be larger than it looks.
    acceptCompression: [],
    readMaxBytes: answerBytesMax,
  })
  const openPool = async (): Promise<Pool> => {
    const { default: undici } = await import('undici')
    return new undici.Pool(baseUrl, {
      // One is opened only when all others are busy, and the flow says how many may be.
      connections: transfersMaxCeiling,
      pipelining: 1,
      allowH2: false,
      headersTimeout: packIdleMsMax,
      bodyTimeout: packIdleMsMax,
      maxResponseSize: packBytesMax,
      connect: (_options, callback) => {
        const socket = dial(server, trust, 'http/1.1', proxy())
        const fail = (error: Error): void => callback(error, null)
        socket.once('error', fail)
        socket.once('secureConnect', () => {
          socket.off('error', fail)
          callback(null, socket)
        })
      },
    })
  }
  let pool: Promise<Pool> | null = null
  return {
    server,
    transport,
    pool: () => (pool ??= openPool()),
    flow,
    authorization,
    closed: closing.signal,
    pause,
    async [Symbol.asyncDispose]() {
      closing.abort()
      sessionManager.abort()
      await (await pool)?.destroy()
    },
  }
}

/** Nothing connects again after a close, or a call that comes late would keep the process alive. */
export const demandOpen = (server: ServerAddress, closed: AbortSignal): void => {
  if (closed.aborted) {
    throw new SyncError('server.connect', 'unavailable', `the line to ${formatServer(server)} was closed`)
  }
}
