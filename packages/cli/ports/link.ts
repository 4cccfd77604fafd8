/**
 * Invitation links and server addresses, as people paste them: `https://HOST:PORT/join#i=…&f=…`. The secret and the
 * certificate's fingerprint stand in the fragment, which browsers never send.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { hashBytes, serverPort, tokenBytes } from '@anysync/protocol/limits.ts'

const operation = 'link.parse'
const joinPath = '/join'
const httpsPort = 443

export type ServerAddress = {
  /** A name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
}

export type ServerLink = {
  server: ServerAddress
  /** Null in a plain address. */
  invitation: Uint8Array<ArrayBuffer> | null
  /** SHA-256 of the server's certificate; null when the certificate is to be publicly trusted. */
  fingerprint: Uint8Array<ArrayBuffer> | null
}

/**
 * Reads an invitation link, `https://HOST:PORT`, or only `HOST` or `HOST:PORT` (then with AnySync's own port unless one is given). Throws `invalid`
 * with what is wrong; the message never repeats the link, which may hold a secret.
 */
export const parseServerLink = (text: string): ServerLink => {
  const trimmed = text.trim()
  const hasScheme = trimmed.includes('://')
  const url = parseUrl(hasScheme ? trimmed : `https://${trimmed}`)
  if (url.protocol !== 'https:') throw refuse('the address must begin with https://')
  if (url.username !== '' || url.password !== '') throw refuse('the address must not hold a user name or a password')
  if (url.search !== '') throw refuse('the address must not hold a "?"')
  if (url.pathname !== '/' && url.pathname !== joinPath) {
    throw refuse(`the address must end after the port or with ${joinPath}`)
  }
  const port = url.port === '' ? (hasScheme ? httpsPort : serverPort) : Number(url.port)
  const server = { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port }
  if (server.port === 0) throw refuse('the port must be 1 to 65535')
  return { server, ...parseFragment(url.hash.slice(1)) }
}

/** The same, for what needs an invitation. Throws `invalid` for a link without one. */
export const parseInvitationLink = (text: string): ServerLink & { invitation: Uint8Array<ArrayBuffer> } => {
  const { invitation, ...rest } = parseServerLink(text)
  if (invitation === null) throw refuse('this link holds no invitation: it must contain #i=…; ask for the whole link')
  return { invitation, ...rest }
}

export const formatServerUrl = ({ host, port }: ServerAddress): string => `https://${formatServer({ host, port })}`

/** `HOST:PORT`, as messages name a server. */
export const formatServer = ({ host, port }: ServerAddress): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

export const formatInvitationLink = ({
  server,
  invitation,
  fingerprint,
}: ServerLink & { invitation: Uint8Array }): string => {
  const pin = fingerprint === null ? '' : `&f=${toBase64Url(fingerprint)}`
  return `${formatServerUrl(server)}${joinPath}#i=${toBase64Url(invitation)}${pin}`
}

/** A certificate fingerprint as people read it: 64 hex characters. */
export const formatFingerprint = (fingerprint: Uint8Array): string => fingerprint.toHex()

/** Reads 64 hex characters, in any case, with or without colons or spaces between them. Throws `invalid`. */
export const parseFingerprint = (text: string): Uint8Array<ArrayBuffer> => {
  const hex = text.replaceAll(/[\s:]/g, '').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(hex)) throw refuse('a certificate fingerprint is 64 hex characters')
  return Uint8Array.fromHex(hex)
}

const refuse = (message: string, cause?: unknown): SyncError => new SyncError(operation, 'invalid', message, cause)

const parseUrl = (text: string): URL => {
  const url = URL.parse(text)
  if (url === null) throw refuse('this is not a server address: it looks like https://host:65065')
  return url
}

const parseFragment = (fragment: string): Pick<ServerLink, 'invitation' | 'fingerprint'> => {
  const parts: Record<'i' | 'f', Uint8Array<ArrayBuffer> | null> = { i: null, f: null }
  for (const part of fragment.split('&')) {
    if (part === '') continue
    const [name, value = ''] = part.split(/=(.*)/s)
    if (name !== 'i' && name !== 'f') throw refuse('the link has a part that is not known: it may need a newer AnySync')
    if (parts[name] !== null) throw refuse('the link is damaged: a part is there twice; copy it again')
    parts[name] = fromBase64Url(value, name === 'i' ? tokenBytes : hashBytes)
  }
  return { invitation: parts.i, fingerprint: parts.f }
}

const toBase64Url = (bytes: Uint8Array): string => bytes.toBase64({ alphabet: 'base64url', omitPadding: true })

const fromBase64Url = (text: string, length: number): Uint8Array<ArrayBuffer> => {
  const damaged = 'the link is damaged: it was cut or changed; copy the whole of it again'
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: 'base64url' })
    if (bytes.length === length) return bytes
  } catch (error) {
    throw refuse(damaged, error)
  }
  throw refuse(damaged)
}
