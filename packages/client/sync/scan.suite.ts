/** A folder in memory to scan: change it, say that what it holds is agreed on, and see what a scan finds. */
import { parseVaultId } from '@anysync/protocol/ids.ts'
import { seededChance } from '../memory/chance.ts'
import { steppedClock } from '../memory/clock.ts'
import { createMemoryDisk } from '../memory/disk.ts'
import { createMemoryState } from '../memory/state.ts'
import { newNodeId } from '../vault/new-node-id.ts'
import { baseNodeOf } from './node.ts'
import { noRules } from './rules.ts'
import { scan } from './scan.ts'
import type { Scope } from './scope.ts'

export const linkId = 'link'

export const scannedFolder = async () => {
  const clock = steppedClock()
  const disk = createMemoryDisk({ clock })
  const state = createMemoryState()
  const chance = seededChance(1)
  await disk.writeMarker(linkId)
  state.putLink({ id: linkId, vaultId: parseVaultId('ab'.repeat(16)), root: '/folder', mode: 'sync' })
  const look = (scope: Scope = 'all', rules = noRules, changesMax = Infinity, whole?: ReadonlySet<string>) =>
    scan({
      disk,
      state,
      linkId,
      newId: () => newNodeId(chance, clock),
      rules,
      nowNs: clock.nowNs(),
      scope,
      ...(whole ? { whole } : {}),
      changesMax,
    })
  /** Makes the base say what the disk holds. */
  const agree = async () => {
    for (const [id, { local }] of (await look()).changes) {
      if (local === null) state.removeNode(linkId, id)
      else state.putNode(linkId, baseNodeOf(local, local.disk, null))
    }
  }
  /** `+name` is new, `-name` gone, `~name` touched, `old>new` moved. */
  const changes = async (scope: Scope = 'all') => {
    const { changes: found } = await look(scope)
    return [...found.values()]
      .map(({ base, local }) => {
        if (base === null) return `+${local?.path}`
        if (local === null) return `-${base.name}`
        const isMoved = base.parent !== local.parent || base.name !== local.name
        return isMoved ? `${base.name}>${local.path}` : `~${local.path}`
      })
      .sort()
  }
  return { disk, user: disk.user, state, look, agree, changes }
}
