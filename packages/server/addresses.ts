/**
 * How this machine can be reached: its own addresses, and how one is written into a URL.
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
