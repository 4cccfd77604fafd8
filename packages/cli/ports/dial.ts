/**
 * One TLS connection to a server, straight or through a proxy. The only place that opens one which will carry bytes of
 * ours.
 */
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { SyncError } from '@anysync/protocol/errors.ts'
import { connectMsMax, pingMsInterval } from '@anysync/protocol/limits.ts'
import { formatServer, type ServerAddress } from './link.ts'
import { networkTrouble } from './network-trouble.ts'
import { fingerprintOf, learnCertificate, refusal, systemRoots, verifyOptions, type Trust } from './pin.ts'
import type { ProxyServer } from './proxy.ts'
import { tunnelThrough } from './tunnel.ts'

/**
 * A TLS connection, verified when `secureConnect` comes. An error of its certificate carries a SyncError that says so as
 * its cause; one that takes too long is `unavailable`.
 */
export const dial = (
  server: ServerAddress,
  trust: Trust,
  protocol: 'h2' | 'http/1.1',
  proxy: ProxyServer | null,
): TLSSocket => {
  const onFault = (error: Error): void => void socket.destroy(error)
  const tunnel = proxy === null ? null : tunnelThrough(proxy, server, { roots: systemRoots, onFault })
  const options = { ...verifyOptions(server, trust), ALPNProtocols: [protocol] }
  const socket = connect(tunnel === null ? options : { ...options, socket: tunnel })
  socket.once('close', () => tunnel?.destroy())
  let shown: Uint8Array | null = null
  // A proxy has its own time before that.
  const msMax = connectMsMax * (proxy === null ? 1 : 2)
  const deadline = setTimeout(() => {
    const message = `the server at ${formatServer(server)} does not answer: check the network, then try again`
    socket.destroy(new SyncError('server.connect', 'unavailable', message))
  }, msMax)
  // Comes before Node's own listener, which verifies and drops the certificate when that fails.
  socket.prependOnceListener('secure', () => {
    const { raw } = socket.getPeerCertificate(true)
    if (raw !== undefined) shown = fingerprintOf(raw)
  })
  socket.once('error', (error: Error) => {
    if (socket.authorizationError && !(error instanceof SyncError)) {
      error.cause = refusal(server, trust, shown, String(socket.authorizationError))
    }
  })
  socket.once('secureConnect', () => clearTimeout(deadline))
  socket.once('close', () => clearTimeout(deadline))
  socket.setNoDelay(true)
  socket.setKeepAlive(true, pingMsInterval)
  return socket
}

/**
 * What to trust at a server that this device meets for the first time: the certificate with this fingerprint, or,
 * without one, the certificate that it shows now if it is publicly trusted for its name. Sends no byte of ours.
 */
export const learnTrust = async (
  server: ServerAddress,
  fingerprint: Uint8Array | null,
  { proxy = null, roots }: { proxy?: ProxyServer | null; roots?: string[] } = {},
): Promise<Trust> => {
  if (fingerprint !== null) {
    return { kind: 'pinned', certificate: await learnCertificate(server, fingerprint, proxy) }
  }
  const anyOfThatName = { kind: 'public', roots: roots ?? systemRoots(), fingerprint: null } as const
  const socket = dial(server, anyOfThatName, 'http/1.1', proxy)
  try {
    await once(socket, 'secureConnect')
    return { ...anyOfThatName, fingerprint: fingerprintOf(socket.getPeerCertificate(true).raw) }
  } catch (error) {
    throw networkTrouble('server.connect', server, error)
  } finally {
    socket.destroy()
  }
}
