/**
 * Takes over the log at the beginning of a round. When the server shows an older or another history than this device has
 * seen, goes back with it: the base becomes what both agreed on last, so that all that happened since is found on the
 * disk again and pushed once more. What was deleted since comes back; nothing on the disk is deleted, moved or replaced
 * by that. A person is told. [Note: a server that went back]
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import type { NodeId } from '@anysync/protocol/ids.ts'
import { emptyContent } from '../content/content.ts'
import { otherHistory } from '../vault/log.ts'
import { lowestSince, parseRewinds, rewindsFact } from '../vault/rewind.ts'
import type { BaseNode, DiskStat, NodeState } from '../ports.ts'
import type { SnapshotInfo } from '../vault/vault-types.ts'
import type { EngineParts } from './engine.ts'
import { facts, raiseAlarm } from './facts.ts'
import { agreedContent, forgetContents, headChanges, type HeadChanges } from './head-changes.ts'
import { baseNodeOf, forgottenDisk } from './node.ts'
import { takeOverRemovals } from './own-removals.ts'
import { folderAbsence } from './presence.ts'

/**
 * The newest snapshot, the base being one that its log has; and whether the log went back, so that what happened since may
 * be anywhere on the disk. Throws as `Vault.refresh` and `Vault.rewind` do.
 */
export const takeOverLog = async (
  parts: EngineParts,
): Promise<{ newest: SnapshotInfo | null; hasGoneBack: boolean }> => {
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
  const sequence = lowestSince(rewinds, Number(state.fact(link.id, facts.rewinds) ?? '0'))
  if (sequence !== null) await rewindBase(parts, sequence, String(rewinds.count))
  return { newest, hasGoneBack: sequence !== null }
}

/** Makes the base what it would be if this device had last agreed with the log at this sequence, or earlier. */
const rewindBase = async (parts: EngineParts, sequence: number, count: string): Promise<void> => {
  const { state, link, clock } = parts
  const linkId = link.id
  const followed = Number(state.fact(linkId, facts.followed) ?? '0')
  // A base that is older than what was lost holds nothing of it.
  const head = followed <= sequence ? null : await changesSince(parts, sequence)
  state.transact(() => {
    state.putFact(linkId, facts.rewinds, count)
    if (followed > 0) raiseAlarm(state, linkId, clock.nowNs(), wentBack)
    if (head === null) return
    // Asked of all before any is written: parents come first, and say nothing of themselves then.
    const owed = new Set(head.changes.values().filter(({ base }) => base !== null && isOwed(parts, base)))
    const emptied = emptiedSince(head)
    for (const [id, change] of head.changes) {
      const { base, remote } = change
      // What the base lacks of that tree was deleted since: it is at the head, and comes back.
      if (base === null) {
        if (remote !== null && emptied.has(id)) state.putNode(linkId, toCome(remote))
        continue
      }
      if (remote === null) state.removeNode(linkId, id)
      else {
        const agreed = owed.has(change) ? notAgreed(remote) : remote
        state.putNode(linkId, { ...base, ...agreed, disk: base.disk && forgottenFor(base.disk, remote) })
      }
    }
    forgetContents(state, linkId, head)
    // What happened since may be anywhere on the disk: until all of it was looked at, every turn looks at all.
    state.putFact(linkId, facts.rules, null)
  })
}

/** What the tree of that sequence has otherwise than the base. */
const changesSince = ({ vault, state, link }: EngineParts, sequence: number): Promise<HeadChanges> => {
  const root = vault.snapshots().findLast((snapshot) => snapshot.sequence <= sequence)?.root ?? emptyContent()
  return headChanges({ state, linkId: link.id, tree: (content) => vault.tree(content) }, root)
}

/**
 * Folders of that tree that were deleted since, when something had moved out of them: the base must have them for what it
 * has in them then.
 */
const emptiedSince = ({ changes }: HeadChanges): Set<NodeId> => {
  const emptied = new Set<NodeId>()
  for (const { base, remote } of changes.values()) {
    let at = base === null || remote === null ? undefined : changes.get(remote.parent)
    for (; at?.base === null && at.remote !== null && !emptied.has(at.remote.id); at = changes.get(at.remote.parent))
      emptied.add(at.remote.id)
  }
  return emptied
}

/** A folder that is not on this disk and comes with the next round: its time is another than at any head. */
const toCome = (folder: NodeState): BaseNode =>
  baseNodeOf({ ...folder, mtimeNs: folder.mtimeNs + 1n, content: null }, null, folderAbsence)

/** Whether changes in the folder were still owed: then nobody knows whether the base is newer than that tree or older. */
const isOwed = ({ state, link }: EngineParts, { parent }: BaseNode): boolean =>
  agreedContent(state, link.id, parent) === null

/** The same, but with a content that no side can have: where the disk's is another one than the head's, both are kept. */
const notAgreed = (state: NodeState): NodeState =>
  state.kind === 'folder' ? state : { ...state, content: null, linkTarget: '' }

/** A folder is looked at for its mode alone, so what is remembered of it is the mode that was agreed on. */
const forgottenFor = (disk: DiskStat, { kind, mode }: NodeState): DiskStat =>
  kind === 'folder' ? { ...disk, mode } : forgottenDisk(disk)

const wentBack =
  'the server shows an older or another history than this device has seen, as after a restore from a backup: nothing was ' +
  'deleted here, and what the server lost is uploaded again. Ask who runs the server; `anysync confirm` ends this warning'
