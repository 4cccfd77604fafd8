/**
 * Which certificate a server must show. Either one that was pinned at pairing, compared by its SHA-256 and not by
 * name, or a publicly trusted one, checked by name. Verification is always on; there is no third way.
 */
import { createHash } from 'node:crypto'
import { connect as connectTcp, isIP } from 'node:net'
import {
  checkServerIdentity as checkName,
  createSecureContext,
  getCACertificates,
  TLSSocket,
  type ConnectionOptions,
} from 'node:tls'
import { once } from 'node:events'
import { equalBytes } from '@anysync/client/crypto/bytes.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { connectMsMax } from '@anysync/protocol/limits.ts'
import { formatFingerprint, formatServer, type ServerAddress } from './link.ts'
import { networkTrouble } from './network-trouble.ts'
import type { ProxyServer } from './proxy.ts'
import { tunnelThrough } from './tunnel.ts'

const operation = 'server.connect'

/** Modern servers all speak it, and in it the server's certificate does not travel in the clear. */
export const tlsVersionMin = 'TLSv1.3'

export type Trust =
  /** The certificate, DER. */
  | { readonly kind: 'pinned'; readonly certificate: Uint8Array }
  /** By name against the roots (PEM) of this system; and exactly this certificate when a fingerprint is given. */
  | { readonly kind: 'public'; readonly roots: string[]; readonly fingerprint: Uint8Array | null }

/** Trust as `access.keys` keeps it: a certificate, or nothing for one that is publicly trusted. */
export const trustOf = (pinnedCertificate: Uint8Array): Trust =>
  pinnedCertificate.length === 0
    ? { kind: 'public', roots: systemRoots(), fingerprint: null }
    : { kind: 'pinned', certificate: pinnedCertificate }

/** What `access.keys` keeps of it. */
export const pinnedCertificate = (trust: Trust): Uint8Array =>
  trust.kind === 'pinned' ? trust.certificate : new Uint8Array()

/** The roots of this system, and those that come with Node, for systems that have none. */
export const systemRoots = (): string[] => [
  ...new Set([...getCACertificates('system'), ...getCACertificates('default')]),
]

/** SHA-256 of a certificate's DER. */
export const fingerprintOf = (certificate: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(createHash('sha256').update(certificate).digest())

/** The fingerprint that a connection is sure to see, or null when any certificate of that name will do. */
export const trustedFingerprint = (trust: Trust): Uint8Array | null =>
  trust.kind === 'pinned' ? fingerprintOf(trust.certificate) : trust.fingerprint

/**
 * The DER of the certificate with this SHA-256, from one TLS handshake on which no byte of ours is sent. Throws
 * `corrupt` when the server shows another, `unavailable` when it cannot be reached.
 */
export const learnCertificate = async (
  server: ServerAddress,
  fingerprint: Uint8Array,
  proxy: ProxyServer | null,
): Promise<Uint8Array<ArrayBuffer>> => {
  const certificate = await certificateShownBy(server, proxy)
  if (!equalBytes(fingerprintOf(certificate), fingerprint)) {
    throw otherCertificate(server, fingerprint, fingerprintOf(certificate))
  }
  return certificate
}

const certificateShownBy = async (
  server: ServerAddress,
  proxy: ProxyServer | null,
): Promise<Uint8Array<ArrayBuffer>> => {
  const { host, port } = server
  const given = new AbortController()
  const onFault = (error: Error): void => given.abort(error)
  const signal = AbortSignal.any([given.signal, AbortSignal.timeout(connectMsMax * (proxy === null ? 1 : 2))])
  const line =
    proxy === null ? connectTcp({ host, port }) : tunnelThrough(proxy, server, { roots: systemRoots, onFault })
  line.on('error', () => {})
  try {
    if (proxy === null) await once(line, 'connect', { signal })
    // A TLSSocket made directly completes the handshake and leaves the decision to us; `tls.connect` would need to be
    // told to skip verification, and then an oversight later would be an open door.
    const tls = new TLSSocket(line, {
      isServer: false,
      secureContext: createSecureContext({ minVersion: tlsVersionMin }),
      ALPNProtocols: ['http/1.1'],
    })
    tls.on('error', () => {})
    try {
      setServerName(tls, host)
      const secured = once(tls, 'secure', { signal })
      // The empty write begins the handshake; no record with our bytes follows.
      tls.write('')
      await secured
      const { raw } = tls.getPeerCertificate(true)
      if (raw === undefined) throw new SyncError(operation, 'corrupt', `${formatServer(server)} shows no certificate`)
      return new Uint8Array(raw)
    } finally {
      tls.destroy()
    }
  } catch (error) {
    throw networkTrouble(operation, server, error)
  } finally {
    line.destroy()
  }
}

/** Tells the server which name we call, as `tls.connect` would (RFC 6066 §3: never an IP address). */
const setServerName = (socket: TLSSocket, host: string): void => {
  if (isIP(host) === 0 && 'setServername' in socket && typeof socket.setServername === 'function') {
    socket.setServername(host)
  }
}

/** What a real connection must check; the rest of its options is the caller's. */
export const verifyOptions = (server: ServerAddress, trust: Trust): ConnectionOptions => {
  const common = {
    host: server.host,
    port: server.port,
    ...(isIP(server.host) === 0 ? { servername: server.host } : {}),
    minVersion: tlsVersionMin,
    // The default, said aloud: an environment variable of Node could otherwise change it.
    rejectUnauthorized: true,
  } as const
  if (trust.kind === 'pinned') {
    return {
      ...common,
      ca: [toPem(trust.certificate)],
      // The pinned certificate need not be a root: it may have been issued by anyone.
      allowPartialTrustChain: true,
      checkServerIdentity: (_name, { raw }) => compare(server, fingerprintOf(trust.certificate), raw),
    }
  }
  return {
    ...common,
    ca: trust.roots,
    checkServerIdentity: (name, certificate) => {
      const wrongName = checkName(name, certificate)
      if (wrongName !== undefined || trust.fingerprint === null) return wrongName
      return compare(server, trust.fingerprint, certificate.raw)
    },
  }
}

const compare = (server: ServerAddress, wanted: Uint8Array, certificate: Uint8Array): Error | undefined => {
  const shown = fingerprintOf(certificate)
  return equalBytes(shown, wanted) ? undefined : otherCertificate(server, wanted, shown)
}

/** Why a connection was given up before a byte of ours was sent. */
export const refusal = (server: ServerAddress, trust: Trust, shown: Uint8Array | null, reason: string): SyncError => {
  const wanted = trustedFingerprint(trust)
  if (trust.kind === 'pinned' && wanted !== null && (shown === null || !equalBytes(shown, wanted))) {
    return otherCertificate(server, wanted, shown)
  }
  const where = `the certificate of the server at ${formatServer(server)} is not good`
  const what =
    trust.kind === 'pinned'
      ? 'nothing was sent; renew the certificate there and log in again'
      : 'nothing was sent; check the address, or give the fingerprint that the server prints'
  return new SyncError(operation, 'corrupt', `${where} (${reason}): ${what}`)
}

const otherCertificate = (server: ServerAddress, wanted: Uint8Array, shown: Uint8Array | null): SyncError =>
  new SyncError(
    operation,
    'corrupt',
    `the server at ${formatServer(server)} shows another certificate than the one pinned: wanted ` +
      `${formatFingerprint(wanted)}, got ${shown === null ? 'another' : formatFingerprint(shown)}; nothing was sent; ` +
      'if the server was set up anew, log in again with a new link, else somebody may be listening in',
  )

const toPem = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toBase64().replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`
