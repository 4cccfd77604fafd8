/**
 * The server's log, one JSON line each on standard error. error: someone should look; info: state changed; debug:
 * every call by its route. Never a token, key, e-mail, URL, vault id or pack name: callers pass ids of accounts and
 * devices, and errors whose messages keep the same rule.
 */
import { destination, pino, type DestinationStream, type Logger } from 'pino'
import type { Config } from './config.ts'

export type Log = Logger

export const createLog = (level: Config['log'], to: DestinationStream = destination({ fd: 2, sync: true })): Log =>
  pino({ level, base: null, timestamp: pinoTime }, to)

const pinoTime = (): string => `,"time":"${new Date().toISOString()}"`
