/**
 * One whole turn: pull, scan, plan, push, until disk, base and head agree. The walk of a file begins and ends here.
 * A round that loses a race (the head moved, the disk changed under a step) is followed by another with a new plan.
 */
import { nodeIdFromBytes, rootNodeId } from '@anysync/protocol/ids.ts'
import { SyncError, isTrouble } from '@anysync/protocol/errors.ts'
import { idBytes, turnRoundsMax } from '@anysync/protocol/limits.ts'
import { contentBytes } from '../content/content.ts'
import type { Chance, Clock, Disk, Link, State } from '../ports.ts'
import type { SnapshotInfo, Vault } from '../vault/vault-types.ts'
import { adopt } from './adopt.ts'
import { Ledger, type ApplyParts } from './apply.ts'
import { conflictName } from './conflict-name.ts'
import { checkMarker, mustAsk } from './guards.ts'
import { headChanges, type HeadChanges } from './head-changes.ts'
import { isSameContent, isSamePlace, isUnchanged, mergeNode } from './merge.ts'
import { plan, type Plan, type Step } from './plan.ts'
import { pull } from './pull.ts'
import { push } from './push.ts'
import { busyMessage, readStable } from './read-file.ts'
import { noCounts, type Counts, type OnProgress, type TurnReport, type Waiting } from './report.ts'
import { basePath, scan, type LocalChange, type Scan } from './scan.ts'
import { Whereabouts } from './whereabouts.ts'

export type EngineParts = {
  disk: Disk
  state: State
  clock: Clock
  chance: Chance
  vault: Vault
  link: Link
  /** Goes into the names of conflict copies. */
  deviceName: string
  onProgress?: OnProgress
}

/** Facts that a turn leaves in the state, by link. */
export const facts = {
  waiting: 'waiting',
  confirmed: 'confirmed',
  report: 'last-report',
  scanned: 'last-scan-ns',
} as const

/** How often a round is repeated only because files keep changing. */
const busyRoundsMax = 3

export type Engine = {
  /**
   * One turn. Throws `missing` when the linked folder is not there, `unavailable` when the server cannot be reached,
   * `full`, and `corrupt` when the server shows what does not verify; what was carried out before that stands.
   */
  turn(): Promise<TurnReport>
  /** What a turn would do: nothing is written here or there. */
  preview(): Promise<Plan>
  /** Lets the deletions that wait go through at the next turn. Returns how many; 0 when none wait. */
  confirm(): number
  /** Whether a confirmation waits for its turn. */
  isConfirmed(): boolean
}

export const createEngine = (parts: EngineParts): Engine => {
  const { state, link } = parts
  return {
    turn: () => turn(parts),
    async preview() {
      const { plan } = await look(parts, await parts.vault.refresh())
      return plan
    },
    confirm() {
      const waiting = waitingOf(state, link.id)
      if (waiting === null) return 0
      state.putFact(link.id, facts.confirmed, String(waiting.deletions))
      return waiting.deletions
    },
    isConfirmed: () => state.fact(link.id, facts.confirmed) !== null,
  }
}

/** The deletions that wait for a person, as the last turn left them. */
export const waitingOf = (state: State, linkId: string): Waiting | null => {
  const fact = state.fact(linkId, facts.waiting)
  if (fact === null) return null
  const [deletions = 0, files = 0] = fact.split(' ').map(Number)
  return { deletions, files }
}

const turn = async (parts: EngineParts): Promise<TurnReport> => {
  const report: TurnReport = {
    pulled: noCounts(),
    pushed: noCounts(),
    conflicts: [],
    troubles: [],
    waiting: null,
    isSettled: false,
    sequence: 0,
    snapshots: 0,
    bytesUploaded: 0,
  }
  await checkMarker(parts.disk, parts.link)
  await parts.disk.sweepTemp()
  let busyRounds = 0
  for (let round = 0; round < turnRoundsMax; round++) {
    const outcome = await oneRound(parts, report)
    if (outcome === 'settled' || (outcome === 'busy' && ++busyRounds === busyRoundsMax)) {
      report.isSettled = outcome === 'settled' && report.waiting === null
      report.sequence = parts.vault.newest()?.sequence ?? 0
      parts.state.putFact(parts.link.id, facts.report, reportFact(report, parts.clock.nowNs()))
      return report
    }
  }
  throw new SyncError(
    'sync.turn',
    'unavailable',
    `other devices changed the vault faster than this one could follow, ${turnRoundsMax} times: try again`,
  )
}

const reportFact = (report: TurnReport, nowNs: bigint): string =>
  JSON.stringify({
    timeNs: nowNs.toString(),
    isSettled: report.isSettled,
    sequence: report.sequence,
    troubles: report.troubles.slice(0, 1000),
  })

/** `raced`: look again at once. `busy`: something keeps changing; look again a few times. */
const oneRound = async (parts: EngineParts, report: TurnReport): Promise<'settled' | 'raced' | 'busy'> => {
  report.troubles = []
  const newest = await parts.vault.refresh()
  const lookedNs = parts.clock.nowNs()
  const { head, plan, scanned } = await look(parts, newest)
  report.troubles.push(...scanned.troubles)
  const apply: ApplyParts = {
    disk: parts.disk,
    state: parts.state,
    clock: parts.clock,
    vault: parts.vault,
    linkId: parts.link.id,
    where: new Whereabouts(parts.state, parts.link.id, plan.steps),
    lookedNs,
    head,
    troubles: report.troubles,
    onProgress: parts.onProgress ?? (() => undefined),
  }
  const ledger = new Ledger(apply)
  ledger.begin()
  for (const id of scanned.unread) ledger.unsettled.add(id)
  addCounts(report.pulled, await pull(apply, ledger, plan.steps))
  report.waiting = askAbout(parts, plan.steps)
  let hasRaced = false
  if (report.waiting === null) {
    try {
      const pushed = await push(apply, ledger, plan.steps, newest)
      addCounts(report.pushed, pushed.counts)
      report.snapshots += pushed.snapshots.length
      for (const snapshot of pushed.snapshots) report.bytesUploaded += Number(snapshot.statistics.bytesStored)
      parts.state.putFact(parts.link.id, facts.confirmed, null)
    } catch (error) {
      if (!isTrouble(error, 'conflict')) throw error
      hasRaced = true
    }
  }
  ledger.finish()
  for (const id of plan.conflicts) {
    const path = apply.where.path(id)
    if (path !== null && !report.conflicts.includes(path)) report.conflicts.push(path)
  }
  if (scanned.isComplete) parts.state.putFact(parts.link.id, facts.scanned, parts.clock.nowNs().toString())
  if (hasRaced) return 'raced'
  return ledger.unsettled.size > 0 ? 'busy' : 'settled'
}

type Look = { head: HeadChanges; plan: Plan; scanned: Scan & { unread: Set<Step['id']> } }

/** Sees both trees and plans; changes nothing. */
const look = async (parts: EngineParts, newest: SnapshotInfo | null): Promise<Look> => {
  const { disk, state, link, chance, clock, vault } = parts
  const newId = () => nodeIdFromBytes(chance.bytes(idBytes))
  const head = await headChanges(
    { state, linkId: link.id, tree: (content) => vault.tree(content) },
    newest?.root ?? null,
  )
  const onProgress = parts.onProgress
  const scanned = await scan({
    disk,
    state,
    linkId: link.id,
    newId,
    ...(onProgress === undefined
      ? {}
      : { onProgress: (nodes) => onProgress({ phase: 'scan', files: nodes, filesTotal: 0, bytes: 0, bytesTotal: 0 }) }),
  })
  // A disk that was taken out while it was looked at shows an empty folder: the marker went with it.
  await checkMarker(disk, link)
  const local = adopt(scanned.changes, head.changes)
  const unread = await readContested(parts, local, head, scanned)
  const nowNs = clock.nowNs()
  const steps = plan({
    local,
    remote: head.changes,
    base: (id) => state.node(link.id, id),
    baseChildren: (folder) => state.children(link.id, folder),
    pathOf: (node) => basePath(state, link.id, node) ?? '',
    root: rootNodeId,
    newId,
    conflictName: (name, isTaken) => conflictName(name, parts.deviceName, nowNs, isTaken),
    policy: { mergeNode, isSamePlace, isSameContent, isUnchanged },
  })
  return { head, plan: steps, scanned: { ...scanned, unread } }
}

/**
 * Where both sides changed a file, the bytes on the disk decide: reads them. Returns the nodes whose file could not be
 * read now: nothing is decided of them, and their steps must not be carried out.
 */
const readContested = async (
  parts: EngineParts,
  local: Map<Step['id'], LocalChange>,
  head: HeadChanges,
  scanned: Scan,
): Promise<Set<Step['id']>> => {
  const unread = new Set<Step['id']>()
  for (const [id, change] of local) {
    const remote = head.changes.get(id)?.remote
    const { local: here, base } = change
    if (here?.kind !== 'file' || remote?.kind !== 'file') continue
    // Other sizes are other contents: no need to read.
    if (here.size !== remote.size && here.size !== base?.size) continue
    try {
      const read = await readStable(parts, here.path, (source) => parts.vault.identify(source))
      if (read === null) throw new SyncError('disk.read', 'unavailable', busyMessage)
      here.content = contentBytes(read.result)
      here.size = Number(read.result.size)
      here.disk = read.stat
      here.mode = read.stat.mode
      here.mtimeNs = read.stat.mtimeNs
    } catch (error) {
      if (!(error instanceof SyncError) || !error.operation.startsWith('disk.')) throw error
      unread.add(id)
      local.delete(id)
      scanned.troubles.push({ path: here.path, kind: 'busy', message: error.message })
    }
  }
  return unread
}

/** Notes, and returns, the deletions that must wait for a person; null when the push may go on. */
const askAbout = ({ state, link }: EngineParts, steps: Step[]): Waiting | null => {
  const deletions = steps.filter((step) => step.toLog === 'remove' && step.remote?.kind === 'file').length
  // Counting looks at every row: a turn that deletes nothing need not.
  const files = deletions === 0 ? 0 : state.countFiles(link.id)
  const confirmed = Number(state.fact(link.id, facts.confirmed) ?? '0')
  const waiting = mustAsk(deletions, files, confirmed) ? { deletions, files } : null
  state.putFact(link.id, facts.waiting, waiting === null ? null : `${waiting.deletions} ${waiting.files}`)
  return waiting
}

const addCounts = (total: Counts, more: Counts): void => {
  total.files += more.files
  total.folders += more.folders
  total.symlinks += more.symlinks
  total.removed += more.removed
  total.bytes += more.bytes
}
