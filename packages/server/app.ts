/**
 * The server, put together: opens what it needs, wires the parts, listens, and closes everything in order. Read this
 * to see what there is; every part is told what it may use.
 */
import { mkdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { sql } from 'kysely'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { bodyMsBase, drainMsMax, watchAliveMs } from '@anysync/protocol/limits.ts'
import { createAccounts } from './accounts.ts'
import { firstAddress, urlOf } from './addresses.ts'
import { createAttempts } from './attempts.ts'
import { authenticate } from './authorize.ts'
import { createChallenges } from './challenge.ts'
import { systemClock, type Clock } from './clock.ts'
import type { Config } from './config.ts'
import { openDatabase } from './db/database.ts'
import type { Database } from './db/tables.ts'
import type { Home } from './home.ts'
import { buildDoor, type Door, type Route } from './http.ts'
import type { Log } from './log.ts'
import { createListener } from './listener.ts'
import { createLoginDesk } from './login.ts'
import { createObjects } from './objects.ts'
import { createPackLocks } from './pack-locks.ts'
import { takeRunLock, writeRunInfo } from './run-lock.ts'
import { openSecret } from './secret.ts'
import { openDiskStore } from './store/disk.ts'
import { createSweep } from './sweep.ts'
import { sweepDaily } from './sweep-daily.ts'
import { readIdentity, watchIdentity } from './tls.ts'
import { watchTraffic, type Traffic } from './traffic.ts'
import { createPrecedence, systemPrecedenceParts } from './precedence.ts'
import { createVaults } from './vaults.ts'
import { createWatchHub, type WatchHub } from './watch.ts'

export type ServerOptions = {
  home: Home
  config: Config
  log: Log
  clock?: Clock
  /** Between signs of life on a watch stream. */
  aliveMs?: number
  /** Between looks at the certificate files. */
  certificateMs?: number
  /** How long a body may take, beside the time its bytes take. */
  bodyMs?: number
  /** How long calls in flight may take when the server stops. */
  drainMs?: number
}

export type RunningServer = {
  url: string
  address: string
  port: number
  /** Of the certificate that is served now: PEM, and the SHA-256 of its DER. */
  certificate(): string
  fingerprint(): Uint8Array
  database: Database
  /** Every route that answers, for the test that walks them all. */
  routes: Route[]
  /** Stops accepting, lets calls in flight finish, ends watch streams, closes everything. May be called twice. */
  close(): Promise<void>
}

/** Serves a home that was made by `createHome`. Throws `conflict` when another process serves it or has the port. */
export const startServer = async (options: ServerOptions): Promise<RunningServer> => {
  await using opened = new AsyncDisposableStack()
  const { home, config, log, clock = systemClock } = options
  const lock = takeRunLock(home, 'to-start')
  demand(lock !== null, 'server.start', 'conflict', `a server already runs for ${home.root}: stop it first`)
  opened.use(lock)
  mkdirSync(home.objects, { recursive: true, mode: 0o700 })
  const database = openDatabase(home.databaseFile, true)
  opened.defer(() => database.destroy())

  const files = config.tls ?? { certificate: home.certificateFile, key: home.keyFile }
  let identity = readIdentity(files)
  const fingerprint = () => identity.fingerprint
  const hub = createWatchHub({ aliveMs: options.aliveMs ?? watchAliveMs })
  const attempts = createAttempts(clock)
  const mac = openSecret(home.secretFile)
  const desk = createLoginDesk({
    database,
    clock,
    mac,
    challenges: createChallenges(mac, clock),
    attempts,
    fingerprint,
  })
  const store = await openDiskStore({ folder: home.objects, reserveBytes: config.reserveBytes })
  const locks = createPackLocks()
  const sweep = createSweep({ database, store, clock, locks, holdMs: config.holdMs })
  const services = {
    hub,
    desk,
    accounts: createAccounts({ database, clock, attempts, onRevoked: (deviceId) => hub.revoke(deviceId) }),
    vaults: createVaults({ database, clock, hub }),
    precedence: createPrecedence(systemPrecedenceParts),
    objects: createObjects({ database, store, clock, locks }),
  }
  let isStopping = false
  const listener = createListener(identity)
  const traffic = watchTraffic(listener)
  const door = await buildDoor({
    listener,
    log,
    services,
    bodyMs: options.bodyMs ?? bodyMsBase,
    authenticate: (route, header) => {
      demand(!isStopping, 'server', 'unavailable', 'the server is stopping: try again in a moment')
      return authenticate(database, clock, route, header)
    },
    checkReady: async () => {
      await sql`select 1`.execute(database)
    },
  })
  opened.use(
    watchIdentity(files, {
      everyMs: options.certificateMs ?? 10_000,
      onTrouble: (err) => log.error({ err }, 'the new certificate cannot be used; the old one is still served'),
      onChange: (changed) => {
        identity = changed
        listener.setSecureContext({ cert: changed.certificate, key: changed.key })
        log.info('the certificate was read again')
      },
    }),
  )
  opened.use(sweepDaily(sweep, log))
  opened.defer(() => {
    isStopping = true
    return drain(door, traffic, hub, options.drainMs ?? drainMsMax)
  })

  const port = await listen(door, config)
  const address = config.address ?? firstAddress()
  const url = urlOf(address, port)
  opened.use(writeRunInfo(home, { pid: process.pid, port, address, url }))
  log.info({ url }, 'serving')
  const rest = opened.move()
  let closing: Promise<void> | null = null
  return {
    url,
    address,
    port,
    certificate: () => identity.certificate,
    fingerprint,
    database,
    routes: door.routes,
    close: () => (closing ??= rest.disposeAsync()),
  }
}

/** Answers what is in flight, ends what would never end, then closes every line. */
const drain = async ({ app }: Door, traffic: Traffic, hub: WatchHub, drainMs: number): Promise<void> => {
  const closed = app.close()
  hub.close()
  await traffic.quiet(drainMs)
  traffic.cutAll()
  await closed
}

const listen = async ({ app }: Door, { listen, port }: Config): Promise<number> => {
  try {
    await app.listen({ port, host: listen ?? allInterfaces() })
  } catch (cause) {
    throw listenTrouble(cause, listen, port)
  }
  const bound = app.server.address()
  return bound === null || typeof bound === 'string' ? port : bound.port
}

/** '::' takes IPv4 as well, but is an error where the system has no IPv6. */
const allInterfaces = (): string => {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? [])
  return addresses.some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0'
}

const listenTrouble = (cause: unknown, host: string | null, port: number): SyncError => {
  const code = cause instanceof Error && 'code' in cause ? cause.code : null
  switch (code) {
    case 'EADDRINUSE':
      return new SyncError(
        'server.start',
        'conflict',
        `port ${port} is taken by another program: stop that, or choose another with --port`,
        cause,
      )
    case 'EACCES':
      return new SyncError(
        'server.start',
        'unavailable',
        `this user may not listen on port ${port}: choose one above 1023 with --port`,
        cause,
      )
    default:
      return new SyncError(
        'server.start',
        'invalid',
        `this machine cannot listen on ${host ?? 'its addresses'}, port ${port} (${String(code)}): choose another with --host`,
        cause,
      )
  }
}
