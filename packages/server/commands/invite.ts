/**
 * `anysync-server invite`: one link that lets one person make one account. Works while the server runs.
 */
import { invitationMsDefault } from '@anysync/protocol/limits.ts'
import { parseDuration, parseSize } from '@anysync/protocol/sizes.ts'
import { firstAddress, urlOf } from '../addresses.ts'
import { systemClock } from '../clock.ts'
import { readConfig, type Config } from '../config.ts'
import { openDatabase } from '../db/database.ts'
import type { Database } from '../db/tables.ts'
import type { Home } from '../home.ts'
import { createInvitation } from '../invitations.ts'
import { invitationLink } from '../link.ts'
import { readRunInfo, takeRunLock } from '../run-lock.ts'
import { readIdentity } from '../tls.ts'
import { homeOf, tell, type PlaceOptions } from './options.ts'

export type InviteOptions = PlaceOptions & { quota?: string; expires?: string }

export const invite = async (options: InviteOptions): Promise<void> => {
  const home = homeOf(options)
  const config = readConfig(home)
  using lock = takeRunLock(home, 'to-ask')
  const database = openDatabase(home.databaseFile, lock !== null)
  try {
    const made = await makeInvitation(database, home, config, {
      url: urlFor(options, config, lock === null ? home : null),
      bytesQuota: options.quota === undefined ? null : parseSize(options.quota),
      lifeMs: options.expires === undefined ? invitationMsDefault : parseDuration(options.expires),
    })
    tell(options, made, [made.link, `good once, until ${made.expires}`])
  } finally {
    await database.destroy()
  }
}

export type MadeInvitation = { link: string; expires: string }

export const makeInvitation = async (
  database: Database,
  home: Home,
  config: Config,
  { url, bytesQuota, lifeMs }: { url: string; bytesQuota: number | null; lifeMs: number },
): Promise<MadeInvitation> => {
  const { fingerprint } = readIdentity(config.tls ?? { certificate: home.certificateFile, key: home.keyFile })
  const { token, expiresMs } = await createInvitation(database, systemClock, { bytesQuota, lifeMs })
  const pin = config.tls?.pin === false ? null : fingerprint
  return { link: invitationLink(url, token, pin), expires: new Date(expiresMs).toISOString() }
}

/** What was asked for, else where the server runs, else where it will. */
const urlFor = (options: PlaceOptions, config: Config, running: Home | null): string => {
  const run = running === null ? null : readRunInfo(running)
  const host = options.host ?? run?.address ?? config.address ?? firstAddress()
  return urlOf(host, options.port ?? run?.port ?? config.port)
}
