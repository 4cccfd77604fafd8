/**
 * The proxy that a person set: its address as people write it, and the user and password that it asks for. These are
 * kept apart from the address, so that whatever shows the address shows no secret.
 */
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { formatServer } from './link.ts'

export type ProxyServer = {
  /** In `socks5h` the proxy finds the server's address, in `socks5` this device does. */
  readonly protocol: 'http' | 'https' | 'socks5' | 'socks5h'
  readonly host: string
  readonly port: number
  readonly login: ProxyLogin | null
}

export type ProxyLogin = { readonly user: string; readonly password: string }

const operation = 'proxy.parse'

const defaultPorts = { http: 80, https: 443, socks5: 1080, socks5h: 1080 } as const

const form = 'write http://HOST:PORT, https://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT'

/** Throws `invalid`; the message never repeats the text, which may hold a password. */
export const parseProxy = (text: string): ProxyServer => {
  const url = URL.parse(text.trim())
  if (url === null) throw new SyncError(operation, 'invalid', `this is not the address of a proxy: ${form}`)
  const protocol = protocolOf(url)
  const isBare = url.username === '' && url.password === ''
  const inline = 'user and password do not belong into the address, where others can read them'
  demand(isBare, operation, 'invalid', `${inline}: write USER:PASSWORD into a file and give it with --password-file`)
  const hasRest = url.search !== '' || url.hash !== '' || !['', '/'].includes(url.pathname)
  demand(url.hostname !== '' && !hasRest, operation, 'invalid', `this is not the address of a proxy: ${form}`)
  const port = url.port === '' ? defaultPorts[protocol] : Number(url.port)
  demand(port > 0, operation, 'invalid', `the port of a proxy is 1 to 65535: ${form}`)
  return { protocol, host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, login: null }
}

const protocolOf = (url: URL): ProxyServer['protocol'] => {
  switch (url.protocol) {
    case 'http:':
      return 'http'
    case 'https:':
      return 'https'
    case 'socks5:':
      return 'socks5'
    case 'socks5h:':
      return 'socks5h'
    default:
      throw new SyncError(operation, 'invalid', `the kind of this proxy is not known: ${form}`)
  }
}

/** Reads `USER:PASSWORD`. Throws `invalid`, repeating nothing. RFC 1929 and RFC 7617 set the bounds. */
export const parseProxyLogin = (text: string): ProxyLogin => {
  const [, user = '', password = ''] = /^([^:]*):(.*)$/s.exec(text) ?? []
  const isFitting = [user, password].every((part) => part !== '' && Buffer.byteLength(part) <= 255)
  const isPlain = !/\p{Cc}/u.test(text)
  const message = 'the file must hold one line USER:PASSWORD, each of 1 to 255 bytes'
  demand(isFitting && isPlain, operation, 'invalid', message)
  return { user, password }
}

/** The address, without user and password. */
export const formatProxy = ({ protocol, host, port }: ProxyServer): string =>
  `${protocol}://${formatServer({ host, port })}`
