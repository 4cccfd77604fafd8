/**
 * What Door and Remote promise, for the memory server and the real one alike. One server serves the whole suite;
 * every test uses vaults of its own.
 */
import { after, before, describe } from 'node:test'
import type { Chance, Cipher } from '../ports.ts'
import { testAccounts } from './remote-account.suite.ts'
import { testLogs } from './remote-log.suite.ts'
import { testPacks } from './remote-packs.suite.ts'
import { testWatches } from './remote-watch.suite.ts'
import { createRemoteWorld, type ServerUnderTest } from './remote-world.suite.ts'

export const testRemote = (
  name: string,
  parts: { cipher: Cipher; chance: Chance },
  open: () => Promise<ServerUnderTest>,
): void => {
  const world = createRemoteWorld(parts, open)
  describe(name, { timeout: 60_000 }, () => {
    before(() => world.open())
    after(() => world.server.close())

    testAccounts(world)
    testLogs(world)
    testPacks(world)
    testWatches(world)
  })
}
