/**
 * One round of a turn: look at both trees, carry out the plan, and say how it went. A round that loses a race is
 * followed by another with a new plan.
 */
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { folderOf } from '../path.ts'
import type { FileTotals } from '../ports.ts'
import type { SnapshotInfo } from '../vault/vault-types.ts'
import { forgetOldAbsences, noteLeftBehind, noteLeftOutGone } from './absences.ts'
import { keepActions } from './actions.ts'
import { Ledger, type ApplyParts } from './apply.ts'
import { heldWithAbove } from './arrange.ts'
import { askAbout, noteSent } from './ask.ts'
import type { EngineParts } from './engine.ts'
import type { HeadChanges } from './head-changes.ts'
import { look, type Where } from './look.ts'
import { isUnchanged } from './merge.ts'
import { sameNode } from './node.ts'
import type { Step } from './plan.ts'
import { pull } from './pull.ts'
import type { PullProgress } from './pull-progress.ts'
import { push, type Pushed } from './push.ts'
import type { Counts, TurnReport } from './report.ts'
import { leftBehind } from './ruled-out.ts'
import type { Scan } from './scan.ts'
import type { Scope } from './scope.ts'
import { takeOverLog } from './take-over.ts'
import { Whereabouts } from './whereabouts.ts'

export type Round = {
  /**
   * `raced`: the head moved, or what could not be here now can; look again at once. `more`: so much was found here, or at
   * the head, that the rest was not looked at; go on with it. `busy`: something changed under a step, or could not be
   * done; look again a few times.
   */
  outcome: 'settled' | 'raced' | 'more' | 'busy'
  scanned: Scan
  /** Where it looked: everywhere, when the log had gone back. */
  scope: Scope
  /** Folders of the steps that were not carried out or are held: the next round must look there, whatever its scope. */
  again: Set<string>
  /** How many of the changes on the disk the base does not hold yet. */
  undone: number
  /** Of a head that was not looked at to its end: how many changes were found, and how many of them the base lacks yet. */
  behind: { found: number; undone: number } | null
}

/** Who is told in the middle of a round. `onOwed`: folders that must be looked at again though the round throws. */
export type Listeners = {
  onMoved: ApplyParts['onMoved']
  onOwed: (folders: ReadonlySet<string>, scanned: Scan) => void
}

/** `deletions`: files that the pushes of a turn have deleted without a person's word; `pulling`: how far its pulls are. */
export type Tally = { deletions: number; pulling: PullProgress }

/** Takes one round, and adds what it did to the report and the tally. Throws what stops the turn; what was carried out before stands. */
export const oneRound = async (
  parts: EngineParts,
  report: TurnReport,
  where: Where,
  { onMoved, onOwed }: Listeners,
  tally: Tally,
): Promise<Round> => {
  report.troubles = []
  const { newest, hasGoneBack } = await takeOverLog(parts)
  const lookedNs = parts.clock.nowNs()
  const scope = hasGoneBack ? 'all' : where.scope
  const { head, plan, scanned, unread } = await look(parts, newest, { ...where, scope })
  report.troubles.push(...scanned.troubles)
  noteLeftOutGone(parts.state, parts.link.id, scanned.leftOutGone, scanned.changes)
  const isMet = (id: NodeId): boolean => (scanned.changes.get(id)?.local ?? null) !== null
  noteLeftBehind(parts.state, parts.link.id, leftBehind(plan.steps, scanned), isMet)
  const apply: ApplyParts = {
    disk: parts.disk,
    state: parts.state,
    clock: parts.clock,
    vault: parts.vault,
    linkId: parts.link.id,
    where: new Whereabouts(
      { state: parts.state, linkId: parts.link.id, foldName: (name) => parts.disk.foldName(name) },
      plan.steps,
    ),
    lookedNs,
    heldFolders: heldWithAbove(scanned.heldFolders, plan.steps),
    listed: scanned.listed,
    head,
    sliceFilesMax: parts.sliceFilesMax,
    troubles: report.troubles,
    onMoved,
    onProgress: parts.onProgress ?? (() => undefined),
    pulling: tally.pulling,
  }
  const hasMore = scanned.rest.length > 0 || head.rest.size > 0
  if (head.rest.size > 0) tally.pulling.expect(() => lackedOf(parts, newest))
  const ledger = new Ledger(apply)
  ledger.begin(newest?.sequence ?? 0)
  for (const id of unread) ledger.unsettled.add(id)
  let hasRaced = false
  try {
    addCounts(report.pulled, await pull(apply, ledger, plan.steps))
    const asked = await askAbout(apply, plan.steps, tally.deletions)
    report.waiting = asked.waiting
    if (asked.waiting === null) {
      const pushed = await push(apply, ledger, plan.steps, newest, hasMore)
      addPushed(report, pushed)
      hasRaced = pushed.hasRaced
      const deletions = pushed.counts.removed
      if (!asked.isConfirmed) tally.deletions += deletions
      noteSent(apply, { ...asked, deletions, scrambled: hasRaced ? 0 : asked.scrambled }, hasMore || hasRaced)
    }
  } catch (error) {
    onOwed(owedFolders(apply, plan.steps, scanned, [...ledger.unsettled, ...unagreed(apply, plan.steps)]), scanned)
    throw error
  }
  ledger.finish()
  keepActions(parts.state, parts.link.id, { plan, ledger, where: apply.where, timeNs: parts.clock.nowNs() })
  for (const id of plan.conflicts) {
    const path = apply.where.path(id)
    if (path !== null && !report.conflicts.includes(path)) report.conflicts.push(path)
  }
  // What is held is found again, or it would be taken for as agreed.
  const changed = hasRaced ? unagreed(apply, plan.steps) : []
  const again = owedFolders(apply, plan.steps, scanned, [...ledger.unsettled, ...ledger.held, ...changed])
  onOwed(again, scanned)
  const undone = countUndone(parts, scanned, ledger.held)
  const behind = head.rest.size === 0 ? null : { found: head.changes.size, undone: countBehind(parts, head) }
  const ended = hasRaced ? 'raced' : hasMore ? 'more' : ledger.unsettled.size > 0 ? 'busy' : 'settled'
  // What this round moved or removed may have made room for another.
  const hasRoom = ended === 'settled' && forgetOldAbsences(parts.state, parts.link.id, parts.disk, ledger.absences) > 0
  const outcome = hasRoom ? 'raced' : ended
  return { outcome, scanned, scope, again, undone, behind }
}

const addPushed = (report: TurnReport, { counts, snapshots }: Pushed): void => {
  addCounts(report.pushed, counts)
  report.snapshots += snapshots.length
  for (const { statistics } of snapshots) report.bytesUploaded += Number(statistics.bytesStored)
}

const countUndone = ({ state, link }: EngineParts, { changes }: Scan, held: ReadonlySet<NodeId>): number => {
  let undone = 0
  changes.forEach(({ local }, id) => {
    const row = state.node(link.id, id)
    if (held.has(id) || (local === null ? row !== null : row?.disk?.inode !== local.disk.inode)) undone += 1
  })
  return undone
}

const countBehind = ({ state, link }: EngineParts, { changes }: HeadChanges): number => {
  let undone = 0
  changes.forEach(({ remote }, id) => {
    const row = state.node(link.id, id)
    if (remote === null ? row !== null : row === null || !sameNode(row, remote)) undone += 1
  })
  return undone
}

/** What the vault has and the base lacks. */
const lackedOf = ({ state, link }: EngineParts, newest: SnapshotInfo | null): FileTotals => {
  const here = state.totals(link.id)
  const { files = 0n, bytes = 0n } = newest?.statistics ?? {}
  return { files: Number(files) - here.files, bytes: Number(bytes) - here.bytes }
}

/**
 * What this round changed, or meant to, and the base does not say yet. By the next round the head may be again what the
 * base says, or a folder may be at its place that was looked into because it was not: then nothing else would tell to
 * look there.
 */
const unagreed = ({ state, linkId }: ApplyParts, steps: Step[]): NodeId[] =>
  steps.flatMap(({ id, merged, toDisk, toLog }) => {
    if (toDisk === 'none' && toLog === 'none') return []
    const row = state.node(linkId, id)
    if (toDisk === 'remove' || merged === null) return row === null || row.disk === null ? [] : [id]
    return row === null || row.disk === null || !isUnchanged(row, merged) ? [id] : []
  })

/** Where must be looked again for the sake of these nodes, and of what could not be read. */
const owedFolders = (parts: ApplyParts, steps: Step[], { troubles }: Scan, ids: NodeId[]): Set<string> => {
  const folders = foldersOf(parts, steps, new Set(ids))
  // It may be another now, and no hint tells of it again. A file may have come from elsewhere.
  for (const { path, kind } of troubles) {
    if (kind === 'unreadable') folders.add(path)
    if (kind === 'busy') folders.add(folderOf(path))
  }
  return folders
}

/** Where the nodes of these steps lie, lay and shall lie. */
const foldersOf = (parts: ApplyParts, steps: Step[], ids: ReadonlySet<NodeId>): Set<string> => {
  const { where } = parts
  const folders = new Set<string>()
  if (ids.size === 0) return folders
  for (const { id, base, local, merged } of steps) {
    if (!ids.has(id)) continue
    const path = where.path(id)
    const goal = merged === null ? null : where.path(merged.parent)
    if (path !== null) folders.add(folderOf(path))
    if (path !== null && (merged ?? local)?.kind === 'folder') folders.add(path)
    if (local !== null && local.path !== '') folders.add(folderOf(local.path))
    if (goal !== null) folders.add(goal)
    // Whoever does not look where the base has it would take what is gone for unchanged.
    if (base !== null) folders.add(nearestHere(parts, base.parent))
  }
  return folders
}

/** The path of a folder, or of the lowest one above it that is on this disk. */
const nearestHere = ({ where, state, linkId }: ApplyParts, folder: NodeId): string => {
  for (let at = folder; ; at = state.node(linkId, at)?.parent ?? rootNodeId) {
    const path = where.path(at)
    if (path !== null) return path
  }
}

const addCounts = (total: Counts, more: Counts): void => {
  total.files += more.files
  total.folders += more.folders
  total.symlinks += more.symlinks
  total.removed += more.removed
  total.bytes += more.bytes
}
