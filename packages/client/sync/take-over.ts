/**
 * Takes over the log at the beginning of a round. When the server shows an older or another history than this device has
 * seen, goes back with it: the base becomes what both agreed on last, so that all that happened since is found on the
 * disk again and pushed once more. What was deleted since comes back; nothing on the disk is deleted, moved or replaced
 * by that. A person is told. [Note: a server that went back]
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { emptyContent } from '../content/content.ts'
import { otherHistory } from '../vault/log.ts'
import { parseRewinds, rewindsFact } from '../vault/rewind.ts'
import type { DiskStat, NodeState } from '../ports.ts'
import type { SnapshotInfo } from '../vault/vault-types.ts'
import type { EngineParts } from './engine.ts'
import { facts, raiseAlarm } from './facts.ts'
import { forgetContents, headChanges } from './head-changes.ts'
import { forgottenDisk } from './node.ts'
import { takeOverRemovals } from './own-removals.ts'

/** The newest snapshot, the base being one that its log has. Throws as `Vault.refresh` and `Vault.rewind` do. */
export const takeOverLog = async (parts: EngineParts): Promise<SnapshotInfo | null> => {
  const { vault, state, link } = parts
  let newest: SnapshotInfo | null
  try {
    newest = await vault.refresh()
  } catch (error) {
    if (!(error instanceof SyncError) || error.operation !== otherHistory) throw error
    await vault.rewind()
    newest = vault.newest()
  }
  await takeOverRemovals({ state, linkId: link.id, vault })
  const rewinds = parseRewinds(state.fact(vault.id, rewindsFact))
  if (rewinds === null || state.fact(link.id, facts.rewinds) === String(rewinds.count)) return newest
  await rewindBase(parts, rewinds.sequence, String(rewinds.count))
  return newest
}

/** Makes the base what it would be if this device had last agreed with the log at this sequence. */
const rewindBase = async (parts: EngineParts, sequence: number, count: string): Promise<void> => {
  const { vault, state, link, clock } = parts
  const root = vault.snapshots().findLast((snapshot) => snapshot.sequence <= sequence)?.root ?? emptyContent()
  const linkId = link.id
  const head = await headChanges({ state, linkId, tree: (content) => vault.tree(content) }, root)
  state.transact(() => {
    for (const [id, { base, remote }] of head.changes) {
      // What the base lacks of that tree was deleted since: it is at the head, and comes back.
      if (base === null) continue
      if (remote === null) state.removeNode(linkId, id)
      else state.putNode(linkId, { ...base, ...remote, disk: base.disk && forgottenFor(base.disk, remote) })
    }
    forgetContents(state, linkId, head)
    state.putFact(linkId, facts.rewinds, count)
    // What happened since may be anywhere on the disk: until all of it was looked at, every turn looks at all.
    state.putFact(linkId, facts.rules, null)
    raiseAlarm(state, linkId, clock.nowNs(), wentBack)
  })
}

/** A folder is looked at for its mode alone, so what is remembered of it is the mode that was agreed on. */
const forgottenFor = (disk: DiskStat, { kind, mode }: NodeState): DiskStat =>
  kind === 'folder' ? { ...disk, mode } : forgottenDisk(disk)

const wentBack =
  'the server shows an older or another history than this device has seen, as after a restore from a backup: nothing was ' +
  'deleted here, and what the server lost is uploaded again. Ask who runs the server; `anysync confirm` ends this warning'
