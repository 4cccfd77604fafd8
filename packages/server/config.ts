/**
 * server.toml: what the operator may decide. Every key is optional, an unknown key is an error, and every error says
 * which key, what is wrong with it and in which file.
 */
import { readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import * as v from 'valibot'
import { SyncError } from '@anysync/protocol/errors.ts'
import { holdMsMin, MiB, serverPort } from '@anysync/protocol/limits.ts'
import { parseDuration, parseSize } from '@anysync/protocol/sizes.ts'
import { isHost } from './addresses.ts'
import type { Home } from './home.ts'

export type Config = {
  port: number
  /** Host name or address in links; null: the first address of this machine. */
  address: string | null
  /** Address to bind; null: all. */
  listen: string | null
  /** Of the disk, never filled with packs. */
  reserveBytes: number
  /** How long packs that no record needs are kept. */
  holdMs: number
  log: 'error' | 'info' | 'debug'
  /** Files of the operator's own; null: the certificate that the server made. */
  tls: { certificate: string; key: string; pin: boolean } | null
}

export const reserveBytesDefault = 256 * MiB

const size = v.pipe(
  v.string('must be a text such as "256MB"'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return parseSize(dataset.value)
    } catch (error) {
      addIssue({ message: error instanceof Error ? error.message : 'is not a size' })
      return NEVER
    }
  }),
)
const hold = v.pipe(
  v.string('must be a text such as "30d"'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      const holdMs = parseDuration(dataset.value)
      if (holdMs >= holdMsMin) return holdMs
      addIssue({ message: 'must be a day or more, or nobody could get back what was destroyed' })
    } catch (error) {
      addIssue({ message: error instanceof Error ? error.message : 'is not a duration' })
    }
    return NEVER
  }),
)
const portRule = 'must be a whole number from 0 to 65535'
const port = v.pipe(v.number(portRule), v.integer(portRule), v.minValue(0, portRule), v.maxValue(65_535, portRule))
const host = v.pipe(
  v.string('must be a text'),
  v.check(isHost, 'must be a host name or an address, without port and brackets'),
)

const schema = v.strictObject({
  port: v.optional(port, serverPort),
  address: v.optional(host),
  listen: v.optional(host),
  reserve: v.optional(size, '268435456'),
  hold: v.optional(hold, '30d'),
  log: v.optional(v.picklist(['error', 'info', 'debug'], 'must be "error", "info" or "debug"'), 'info'),
  tls: v.optional(
    v.strictObject({
      certificate: v.string('must be the path of a PEM file'),
      key: v.string('must be the path of a PEM file'),
      pin: v.optional(v.boolean('must be true or false'), true),
    }),
  ),
})

/** Throws `missing` when there is no file, `unavailable` when it cannot be read, `invalid` for what it says. */
export const readConfig = (home: Home): Config => parseConfig(readText(home.configFile), home)

export const parseConfig = (text: string, home: Home): Config => {
  const result = v.safeParse(schema, parseToml(text, home.configFile))
  if (!result.success) {
    const [issue] = result.issues
    const key = v.getDotPath(issue) ?? 'it'
    throw new SyncError(
      'config.read',
      'invalid',
      `${home.configFile}: '${key}' ${wording(issue)}: correct it and start again`,
    )
  }
  const { address, listen, reserve, hold: holdMs, tls, ...rest } = result.output
  const fileAt = (path: string) => (isAbsolute(path) ? path : join(home.root, path))
  return {
    ...rest,
    address: address ?? null,
    listen: listen ?? null,
    reserveBytes: reserve,
    holdMs,
    tls: tls === undefined ? null : { certificate: fileAt(tls.certificate), key: fileAt(tls.key), pin: tls.pin },
  }
}

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const sentence = `there is no server at ${file}: make one with 'anysync-server init'`
      throw new SyncError('config.read', 'missing', sentence, cause)
    }
    const sentence = `${file} cannot be read (${code}): check that it is a file and that this user may read it`
    throw new SyncError('config.read', 'unavailable', sentence, cause)
  }
}

const parseToml = (text: string, file: string): unknown => {
  try {
    return parse(text)
  } catch (cause) {
    const where = cause instanceof TomlError ? ` at line ${cause.line}` : ''
    throw new SyncError(
      'config.read',
      'invalid',
      `${file} is not valid TOML${where}: correct it and start again`,
      cause,
    )
  }
}

const wording = (issue: v.BaseIssue<unknown>): string => {
  if (issue.type === 'strict_object' && issue.expected === 'never') return 'is not a setting of this server'
  if (issue.type === 'strict_object') return 'is missing or not a table'
  return issue.message
}

/** The file that a new home gets: the settings that were asked for, and the others as comments. */
export const configText = ({ port, host }: { port: number; host: string | null }): string => {
  const named = (key: string, example: string) =>
    host === null ? `# ${key} = ${JSON.stringify(example)}` : `${key} = ${JSON.stringify(host)}`
  return `# Settings of the AnySync server. Restart it after a change.

# The port, for everything.
port = ${port}

# How this machine is called in invitations: a host name or an address. Default: its first address.
${named('address', 'cloud.example.org')}

# The address to listen on. Default: all.
${named('listen', '0.0.0.0')}

# So much of the disk is kept free: uploads are refused before.
# reserve = "256MB"

# So long, a day at least, packs are kept that no snapshot needs any more: devices can get them back (anysync rescue).
# hold = "30d"

# "error", "info" or "debug".
# log = "info"

# A certificate of your own (PEM; read again whenever it changes). With pin = false, links carry no fingerprint and
# clients check the certificate by name, so it must be one that everybody trusts.
# [tls]
# certificate = "/etc/letsencrypt/live/cloud.example.org/fullchain.pem"
# key = "/etc/letsencrypt/live/cloud.example.org/privkey.pem"
# pin = false
`
}
