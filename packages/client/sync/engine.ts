/**
 * One whole turn: pull, scan, plan, push, until disk, base and head agree. The walk of a file begins and ends here.
 * A turn looks where it is told to, and where it or an earlier one left something undone.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { scopeFoldersMax, turnRoundsMax } from '@anysync/protocol/limits.ts'
import type { Chance, Clock, Disk, Link, State } from '../ports.ts'
import type { Vault } from '../vault/vault-types.ts'
import { forgetOldAbsences, forgetRuledAbsences } from './absences.ts'
import { confirmWaiting, facts, hasConfirmed } from './facts.ts'
import { checkMarker } from './guards.ts'
import { HeadCourse } from './head-course.ts'
import { linkNow, takeUpMode } from './link-mode.ts'
import { look } from './look.ts'
import type { Plan } from './plan.ts'
import { PullProgress } from './pull-progress.ts'
import { noCounts, type OnProgress, type TurnReport, type Waiting } from './report.ts'
import { oneRound, type Listeners, type Tally } from './round.ts'
import { noRules, type Rules } from './rules.ts'
import { ScanCourse } from './scan-course.ts'
import { pathsOf } from './scan-scope.ts'
import { followMoves, followTrees, joinScopes, nothing, type Move, type Scope } from './scope.ts'
import { StandingTroubles } from './standing-troubles.ts'

export type EngineParts = {
  disk: Disk
  state: State
  clock: Clock
  chance: Chance
  vault: Vault
  link: Link
  /** Goes into the names of conflict copies. */
  deviceName: string
  /** What is not synced on this device, as of now. */
  rules?: () => Promise<Rules>
  /** How many changes a round takes up, here and at the head; fewer in tests. */
  roundChangesMax?: number
  /** How many files of a pull get their names together; fewer in tests. */
  sliceFilesMax?: number
  onProgress?: OnProgress
}

/** How often a round is repeated only because files keep changing. */
const busyRoundsMax = 3

export type Engine = {
  /**
   * One turn, which looks at what the scope names, 'all' unless told otherwise, and at what earlier turns of this engine
   * left undone; its first one looks at everything. Throws `missing` when the linked folder is not there, `unavailable`
   * when the server cannot be reached, `full`, and `corrupt` when the server shows what does not verify; what was
   * carried out before that stands.
   */
  turn(scope?: Scope): Promise<TurnReport>
  /** What a turn over everything would do: nothing is written here or there. */
  preview(): Promise<Plan>
  /** Lets what waits for a person go through at the next turn. Returns that; null when nothing waits. */
  confirm(): Waiting | null
  /** Whether a confirmation waits for its turn. */
  isConfirmed(): boolean
}

/** What an engine remembers between turns. */
type Memory = {
  owed: Scope
  /** Folders that could not be listed, though all that is below them was to be looked at. */
  owedWhole: ReadonlySet<string>
  /** Folders that turns moved since the hints of the next one began to be gathered. */
  moves: Move[]
  troubles: StandingTroubles
}

export const createEngine = (parts: EngineParts): Engine => {
  const { state, link } = parts
  const memory: Memory = { owed: 'all', owedWhole: new Set(), moves: [], troubles: new StandingTroubles() }
  return {
    turn: (scope = 'all') => turn(parts, memory, scope),
    async preview() {
      const all = { scope: 'all' as const, changesMax: Infinity, headChangesMax: Infinity }
      const where = { ...all, rules: await rulesOf(parts) }
      return (await look({ ...parts, link: linkNow(state, link) }, await parts.vault.refresh(), where)).plan
    },
    confirm: () => confirmWaiting(state, link.id),
    isConfirmed: () => hasConfirmed(state, link.id),
  }
}

const rulesOf = async (parts: EngineParts): Promise<Rules> => (await parts.rules?.()) ?? noRules

const turn = async (given: EngineParts, memory: Memory, asked: Scope): Promise<TurnReport> => {
  const { state } = given
  const { link, isNewMode } = takeUpMode(state, given.link)
  const parts = { ...given, link }
  const report = newReport()
  // Whatever ends this turn before its end leaves all of it to the next.
  const due = joinScopes(memory.owed, isNewMode ? 'all' : asked, scopeFoldersMax)
  memory.owed = followMoves(due, memory.moves, scopeFoldersMax)
  memory.owedWhole = followTrees(memory.owedWhole, memory.moves)
  const movesBefore = memory.moves.length
  await checkMarker(parts.disk, link)
  await parts.disk.sweepTemp()
  forgetOldAbsences(state, link.id, parts.disk)
  const rules = await rulesOf(parts)
  const isNewRules = state.fact(link.id, facts.rules) !== rules.fingerprint
  const wanted: Scope = isNewRules ? 'all' : memory.owed
  memory.owed = wanted
  await forgetRuledAbsences({ disk: parts.disk, state, linkId: link.id }, rules, parts.clock.nowNs(), wanted)
  const course = new ScanCourse(wanted, memory.owedWhole, parts.roundChangesMax)
  const headCourse = new HeadCourse(parts.roundChangesMax)
  const listeners: Listeners = {
    onMoved: (move) => memory.moves.push(move),
    onOwed: (folders, scanned) => {
      memory.owed = joinScopes(memory.owed, folders, scopeFoldersMax)
      memory.owedWhole = memory.owedWhole.union(pathsOf(scanned.unlisted, true))
    },
  }
  const tally: Tally = { deletions: 0, pulling: new PullProgress() }
  for (let rounds = 0, busyRounds = 0; rounds < turnRoundsMax;) {
    const where = { ...course.where, rules, headChangesMax: headCourse.changesMax }
    const round = await oneRound(parts, report, where, listeners, tally)
    const { outcome, scanned, again } = round
    await memory.troubles.forgetGone(parts.disk, scanned.listed)
    memory.troubles.note(round.scope, scanned.listed, report.troubles)
    if (outcome === 'more') {
      course.goOn(round, memory.moves)
      headCourse.goOn(round)
      // Should this turn fail, the next would find folders at their places that this one was still to look into.
      if (course.hasWhole) memory.owed = 'all'
      continue
    }
    rounds += 1
    course.lookAgain(round, memory.moves)
    if (outcome === 'raced' || (outcome === 'busy' && ++busyRounds < busyRoundsMax)) continue
    const isWhole = wanted === 'all' && course.isComplete && scanned.isComplete
    if (isWhole) noteWholeScan(parts, rules)
    // What waits must be found again, all of it: less might pass unasked.
    memory.owed = report.waiting === null ? (again.size === 0 ? nothing : again) : 'all'
    memory.owedWhole = pathsOf(scanned.unlisted, true)
    // The hints of the next turn may be of any moment of this one, but of none before it.
    memory.moves.splice(0, movesBefore)
    report.isWhole = isWhole
    report.isSettled = outcome === 'settled' && report.waiting === null
    report.troubles = memory.troubles.list()
    report.sequence = parts.vault.head()?.sequence ?? 0
    state.putFact(link.id, facts.report, reportFact(report, parts.clock.nowNs()))
    parts.vault.keepTrees()
    return report
  }
  throw new SyncError(
    'sync.turn',
    'unavailable',
    `other devices changed the vault faster than this one could follow, ${turnRoundsMax} times: try again`,
  )
}

const newReport = (): TurnReport => ({
  pulled: noCounts(),
  pushed: noCounts(),
  conflicts: [],
  troubles: [],
  waiting: null,
  isWhole: false,
  isSettled: false,
  sequence: 0,
  snapshots: 0,
  bytesUploaded: 0,
})

const noteWholeScan = ({ state, link, clock }: EngineParts, rules: Rules): void => {
  state.putFact(link.id, facts.scanned, clock.nowNs().toString())
  state.putFact(link.id, facts.rules, rules.fingerprint)
}

const reportFact = (report: TurnReport, nowNs: bigint): string =>
  JSON.stringify({
    timeNs: nowNs.toString(),
    isSettled: report.isSettled,
    sequence: report.sequence,
    troubles: report.troubles.slice(0, 1000),
  })
