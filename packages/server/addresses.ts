/**
 * How this machine can be reached: its own addresses, and how one is written into a URL; and whom an address of
 * another machine stands for.
 */
import { hostname, networkInterfaces } from 'node:os'

/** A host name or an address as the settings and the command line take it: without port, brackets and scheme. */
export const isHost = (text: string): boolean => /^[A-Za-z0-9._:-]{1,253}$/.test(text)

/** IPv4 first; without the machine's addresses for itself and without link-local ones, which need a zone. */
export const localAddresses = (): string[] => {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const outer = found.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  const byFamily = (family: string) => outer.filter((one) => one.family === family).map(({ address }) => address)
  return [...byFamily('IPv4'), ...byFamily('IPv6')]
}

/** The address for links when the operator named none. */
export const firstAddress = (): string => localAddresses().find((address) => !address.includes(':')) ?? 'localhost'

/** Every name that a certificate of this machine should bear. */
export const ownNames = (address: string | null): string[] => [
  ...new Set([
    ...(address === null ? [] : [address]),
    'localhost',
    hostname(),
    '127.0.0.1',
    '::1',
    ...localAddresses(),
  ]),
]

export const urlOf = (host: string, port: number): string =>
  `https://${host.includes(':') ? `[${host}]` : host}:${port}`

/** One IPv6 subscriber holds a /64, so that is what counts as one address. */
export const networkOf = (address: string): string => {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  const [head = '', tail = ''] = address.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === '' ? [] : tail.split(':')
  const zeros = address.includes('::') ? Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0') : []
  return [...first, ...zeros, ...last].slice(0, 4).join(':')
}
