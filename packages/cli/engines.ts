/**
 * The engine of each linked folder, over this system's disk. Whatever fails in it is noted, for `anysync status`.
 */
import type { Disk, Link } from '@anysync/client/ports.ts'
import { createEngine, type Engine } from '@anysync/client/sync/engine.ts'
import type { OnProgress } from '@anysync/client/sync/report.ts'
import type { Vault } from '@anysync/client/vault/vault-types.ts'
import { folderRules } from './folder-rules.ts'
import { forgetTrouble, notingTrouble } from './last-trouble.ts'
import { nodeChance } from './ports/chance.ts'
import { nodeClock } from './ports/clock.ts'
import { openNodeDisk } from './ports/disk.ts'
import { findVault, openNamed, type Session } from './session.ts'

export type LinkEngine = { link: Link; vault: Vault; disk: Disk; engine: Engine }

/** Asks the server for the grant of the link's vault. */
export const openLinkEngine = async (session: Session, link: Link, onProgress?: OnProgress): Promise<LinkEngine> => {
  const { state } = session
  const vault = openNamed(session, await notingTrouble(state, link.id, () => findVault(session, link.vaultId)))
  const disk = await openNodeDisk(link.root, { threads: session.threads })
  const rules = folderRules(disk, link.root, () => session.settings())
  const parts = { disk, state, clock: nodeClock, chance: nodeChance, vault, link, rules }
  const deviceName = session.keys.deviceName
  const engine = createEngine({ ...parts, deviceName, ...(onProgress ? { onProgress } : {}) })
  const turn: Engine['turn'] = async (scope) => {
    const report = await notingTrouble(state, link.id, () => engine.turn(scope))
    forgetTrouble(state, link.id)
    return report
  }
  return { link, vault, disk, engine: { ...engine, turn } }
}
