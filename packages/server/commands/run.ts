/**
 * `bin/run.sh`: everything that a newcomer needs in one command. Makes the home if there is none, serves, and shows an
 * invitation as long as nobody has an account; beside a running server it says so.
 */
import { renderUnicodeCompact } from 'uqr'
import { invitationMsDefault, serverPort } from '@anysync/protocol/limits.ts'
import type { RunningServer } from '../app.ts'
import { systemClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { createHome, hasHome } from '../create-home.ts'
import type { Home } from '../home.ts'
import { countOpenInvitations } from '../invitations.ts'
import { isRunning, readRunInfo } from '../run-lock.ts'
import { makeInvitation, type MadeInvitation } from './invite.ts'
import { homeOf, tell, type PlaceOptions } from './options.ts'
import { serve } from './serve.ts'

export const run = async (options: PlaceOptions): Promise<void> => {
  const home = homeOf(options)
  if (hasHome(home) && isRunning(home)) {
    const url = readRunInfo(home)?.url ?? null
    tell(options, { running: url }, [`already running${url === null ? '' : ` at ${url}`}`])
    return
  }
  await createHome(home, { port: options.port ?? serverPort, host: options.host ?? null })
  await serve(options, home, (server, config) => welcome(options, home, server, config))
}

const welcome = async (options: PlaceOptions, home: Home, server: RunningServer, config: Config): Promise<void> => {
  if (!(await isUnused(server))) return
  const made = await makeInvitation(server.database, home, config, {
    url: server.url,
    bytesQuota: null,
    lifeMs: invitationMsDefault,
  })
  const facts = { home: home.root, address: server.url, fingerprint: server.fingerprint().toHex(), ...made }
  tell(options, facts, welcomeLines(facts))
}

/** Nobody has an account and nobody was invited. */
const isUnused = async ({ database }: RunningServer): Promise<boolean> => {
  const account = await database.selectFrom('account').select('user_id').limit(1).executeTakeFirst()
  return account === undefined && (await countOpenInvitations(database, systemClock)) === 0
}

const welcomeLines = (facts: MadeInvitation & { home: string; address: string; fingerprint: string }): string[] => [
  `home         ${facts.home}`,
  `address      ${facts.address}`,
  `fingerprint  ${facts.fingerprint}`,
  `invitation   ${facts.link}`,
  `             good once, until ${facts.expires}; more with 'bin/anysync-server invite'`,
  '',
  renderUnicodeCompact(facts.link),
  '',
]
