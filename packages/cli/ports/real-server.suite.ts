/**
 * A real server in a temporary home, for tests of what speaks to one.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '@anysync/server/app.ts'
import { systemClock } from '@anysync/server/clock.ts'
import { readConfig } from '@anysync/server/config.ts'
import { createHome } from '@anysync/server/create-home.ts'
import { homeAt } from '@anysync/server/home.ts'
import { createInvitation } from '@anysync/server/invitations.ts'
import { createLog } from '@anysync/server/log.ts'

export type RealServer = AsyncDisposable & {
  port: number
  fingerprint: Uint8Array
  invitation: () => Promise<Uint8Array>
}

/** Listens on a free port of this machine. */
export const startRealServer = async (): Promise<RealServer> => {
  const opened = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'anysync-remote-'))
  opened.defer(() => rm(folder, { recursive: true }))
  const home = homeAt(folder)
  await createHome(home, { port: 0, host: 'localhost' })
  const server = await startServer({ home, config: readConfig(home), log: createLog('error') })
  opened.defer(() => server.close())
  return {
    port: server.port,
    fingerprint: server.fingerprint(),
    invitation: async () =>
      (await createInvitation(server.database, systemClock, { bytesQuota: null, lifeMs: 60_000 })).token,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
