/**
 * Sees both trees and plans; changes nothing. What a round then carries out, and what a person is shown who only asks
 * what would be done.
 */
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { scopedGoneMax } from '@anysync/protocol/limits.ts'
import { contentBytes } from '../content/content.ts'
import type { BaseNode, NodeState } from '../ports.ts'
import { newNodeId } from '../vault/new-node-id.ts'
import type { SnapshotInfo } from '../vault/vault-types.ts'
import { adopt } from './adopt.ts'
import { conflictName } from './conflict-name.ts'
import type { EngineParts } from './engine.ts'
import { checkMarker } from './guards.ts'
import { baseChildren, headChanges, type HeadChanges } from './head-changes.ts'
import { heldTroubles } from './held.ts'
import { basePath } from './identify-node.ts'
import { isSameContent, isSamePlace, isUnchanged } from './merge.ts'
import { modePolicies } from './modes.ts'
import { withPresence } from './presence.ts'
import { plan, type Plan } from './plan.ts'
import { busyMessage, readStable } from './read-file.ts'
import { createPlaceJudges, sparingLeftOut } from './ruled-out.ts'
import type { Rules } from './rules.ts'
import { scan, type LocalChange, type Scan } from './scan.ts'
import type { Scope } from './scope.ts'

export type Look = {
  head: HeadChanges
  plan: Plan
  scanned: Scan
  /** Nodes whose file could not be read now: nothing is decided of them, and their steps must not be carried out. */
  unread: Set<NodeId>
}

/**
 * Where to look on the disk (`whole`: with all below), by which rules, and after how many changes to stop. After how many
 * changes of the head new folders are left for another round.
 */
export type Where = {
  scope: Scope
  whole?: ReadonlySet<string>
  rules: Rules
  changesMax: number
  headChangesMax: number
}

/** Looks at what the scope names, and at what is new at the head. */
export const look = async (parts: EngineParts, newest: SnapshotInfo | null, where: Where): Promise<Look> => {
  const { disk, state, link, chance, clock, vault } = parts
  const changesAtHead = (changesMax: number): Promise<HeadChanges> =>
    headChanges({ state, linkId: link.id, tree: (content) => vault.tree(content) }, newest?.root ?? null, changesMax)
  let head = await changesAtHead(where.headChangesMax)
  const scanned = await scanAsFarAsNeeded(parts, where)
  // What changed here may be, or go, where the head has something that was not looked at.
  if (head.rest.size > 0 && scanned.changes.size > 0) head = await changesAtHead(Infinity)
  // A disk that was taken out while it was looked at shows an empty folder: the marker went with it.
  await checkMarker(disk, link)
  const tree = {
    base: (id: NodeId) => state.node(link.id, id),
    baseChildren: (folder: NodeId) => baseChildren(state, link.id, folder),
    root: rootNodeId,
  }
  const local = adopt(scanned.changes, head.changes, tree.baseChildren)
  const unread = await readContested(parts, local, head, scanned)
  const mode = modePolicies[link.mode]
  const pathOf = (node: BaseNode): string => basePath(state, link.id, node) ?? ''
  const nowNs = clock.nowNs()
  const { steps: planned, conflicts } = plan({
    ...tree,
    local,
    remote: head.changes,
    pathOf,
    newId: () => newNodeId(chance, clock),
    conflictName: (name, isTaken) => conflictName(name, parts.deviceName, nowNs, isTaken),
    policy: { mode, isSamePlace, isSameContent, isUnchanged },
  })
  const ruled = { ...tree, rules: where.rules, leftOut: scanned.leftOut, nowNs }
  const spared = sparingLeftOut(mode.limit(planned), ruled)
  const limited = withPresence(spared, {
    ...tree,
    ...createPlaceJudges(spared, ruled),
    refuseName: (name) => disk.refuseName(name),
    foldName: (name) => disk.foldName(name),
    absence: mode.absence,
  })
  scanned.troubles.push(...heldTroubles(link.mode, limited, pathOf))
  return { head, plan: { steps: limited, conflicts }, scanned, unread }
}

/**
 * Scans the scope. What is missing from a folder may have been moved to one that no hint named yet: where much is
 * missing, everything is looked at before that is taken for deletion.
 */
const scanAsFarAsNeeded = async (parts: EngineParts, where: Where): Promise<Scan> => {
  const scanned = await scanWhere(parts, where)
  if (where.scope === 'all') return scanned
  let gone = 0
  for (const { local } of scanned.changes.values()) if (local === null) gone += 1
  return gone > scopedGoneMax ? scanWhere(parts, { ...where, scope: 'all' }) : scanned
}

const scanWhere = (parts: EngineParts, where: Where): Promise<Scan> => {
  const { disk, state, link, chance, clock, onProgress } = parts
  return scan({
    disk,
    state,
    linkId: link.id,
    newId: () => newNodeId(chance, clock),
    nowNs: clock.nowNs(),
    ...where,
    onProgress: (nodes) => onProgress?.({ phase: 'scan', files: nodes, filesTotal: 0, bytes: 0, bytesTotal: 0 }),
  })
}

/**
 * Where both sides changed a file, the bytes on the disk decide: reads them. So they do where a change here is not sent
 * but told, for whoever sends a file reads it anyway. Returns the nodes whose file could not be read.
 */
const readContested = async (
  parts: EngineParts,
  local: Map<NodeId, LocalChange>,
  head: HeadChanges,
  scanned: Scan,
): Promise<Set<NodeId>> => {
  const unread = new Set<NodeId>()
  for (const [id, change] of local) {
    const { local: here, base } = change
    const remote = remoteToCompare(parts, head, id)
    if (here?.kind !== 'file' || remote?.kind !== 'file') continue
    // Other sizes are other contents: no need to read.
    if (here.size !== remote.size && here.size !== base?.size) continue
    try {
      const read = await readStable(parts, here.path, (source) => parts.vault.identify(source))
      if (read === null) throw new SyncError('disk.read', 'unavailable', busyMessage)
      const { result, stat } = read
      const { mode, mtimeNs } = stat
      const content = contentBytes(result)
      local.set(id, { base, local: { ...here, content, size: Number(result.size), disk: stat, mode, mtimeNs } })
    } catch (error) {
      if (!(error instanceof SyncError) || !error.operation.startsWith('disk.')) throw error
      unread.add(id)
      local.delete(id)
      scanned.troubles.push({ path: here.path, kind: 'busy', message: error.message })
    }
  }
  return unread
}

/** What the head has of a node that must be compared by its bytes; null when whoever sends it finds out. */
const remoteToCompare = ({ state, link }: EngineParts, { changes }: HeadChanges, id: NodeId): NodeState | null => {
  const change = changes.get(id)
  // What looks touched here and was deleted there lives on only if it was edited.
  if (change !== undefined) return change.remote ?? change.base
  const row = state.node(link.id, id)
  const isSent = link.mode === 'sync' || link.mode === 'backup'
  return isSent && row?.disk !== null ? null : row
}
