/**
 * What the commands share: where the home is, how a result is told, how a failure is.
 */
import { resolve } from 'node:path'
import { demand } from '@anysync/protocol/errors.ts'
import { isHost } from '../addresses.ts'
import { defaultHome, homeAt, type Home } from '../home.ts'

export type CommonOptions = { home?: string; json?: boolean }
export type PlaceOptions = CommonOptions & { port?: number; host?: string }

export const homeOf = ({ home }: CommonOptions): Home =>
  homeAt(resolve(home ?? defaultHome(process.env, process.platform)))

/** One JSON document, or lines for a person, and nothing else on standard output. */
export const tell = ({ json }: CommonOptions, facts: object, lines: string[]): void => {
  process.stdout.write(json === true ? `${JSON.stringify(facts)}\n` : lines.map((line) => `${line}\n`).join(''))
}

/** Throws `invalid`. */
export const parseHost = (text: string): string => {
  const sentence = `'${text}' is not a host: take a name or an address, without scheme, port and brackets`
  demand(isHost(text), 'host.parse', 'invalid', sentence)
  return text
}

/** Throws `invalid`. 0 lets the system choose. */
export const parsePort = (text: string): number => {
  const port = Number(text)
  demand(/^\d{1,5}$/.test(text) && port <= 65_535, 'port.parse', 'invalid', `'${text}' is not a port: take 0 to 65535`)
  return port
}
