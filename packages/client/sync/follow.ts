/**
 * Stays in step: takes a turn whenever the disk or the head may have changed, and looks at everything every hour
 * besides. Watching only wakes the loop; a hint that is lost costs time and nothing else.
 */
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'
import { decisionsMs, fullScanMs } from '@anysync/protocol/limits.ts'
import { firstToEnd } from '../first-to-end.ts'
import { Latch } from '../latch.ts'
import type { Chance, Clock, Remote, Watcher } from '../ports.ts'
import { Agenda } from './agenda.ts'
import type { Engine } from './engine.ts'
import type { Follower, FollowState } from './follow-state.ts'
import type { Progress, TurnReport } from './report.ts'
import { retryDelayMs } from './retry-delay.ts'
import { nothing, type Scope } from './scope.ts'
import { Sight } from './sight.ts'
import { watchDisk } from './watch-disk.ts'
import { watchHead } from './watch-head.ts'

export type { Follower, FollowState } from './follow-state.ts'

export type FollowParts = {
  engine: Pick<Engine, 'turn' | 'isConfirmed'>
  watcher: Watcher
  remote: Pick<Remote, 'watch'>
  vaultId: VaultId
  clock: Clock
  chance: Chance
  /** The sequence that this device knows of. */
  newestSequence: () => number
  onTurn: (report: TurnReport) => void
  /** A turn or a watch that failed; the loop goes on. */
  onTrouble: (error: SyncError) => void
  /** How often everything is looked at, as of now; every hour unless told. */
  fullScanMs?: () => number
}

export const createFollower = (parts: FollowParts): Follower => new Loop(parts)

class Loop implements Follower {
  readonly #parts: FollowParts
  readonly #agenda: Agenda
  /** Something happened that may make a turn due, or change when. */
  readonly #bell = new Latch()
  /** The watcher was opened, or could not be. */
  readonly #opened = new Latch()
  readonly #doubt = new Latch()
  #isPaused = false
  #activity: 'starting' | 'turning' | 'resting' = 'starting'
  #progress: Progress | null = null
  #watcher: FollowState['watcher'] = { isHealthy: false, message: 'it is being opened' }
  #server: FollowState['server'] = { isReached: false, message: 'it has not answered yet' }
  /** The newest head that the server told of; null before the first. */
  #headSequence: number | null = null
  #isHeadNew = false
  #lastTurn: FollowState['lastTurn'] = null
  #lastFullScanNs: bigint | null = null
  readonly #sight = new Sight()
  #lastTrouble: FollowState['lastTrouble'] = null

  constructor(parts: FollowParts) {
    this.#parts = parts
    this.#agenda = new Agenda(parts.fullScanMs?.() ?? fullScanMs)
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await firstToEnd(signal, [
        (signal) => this.#takeTurns(signal),
        (signal) => this.#watchDisk(signal),
        (signal) => this.#watchHead(signal),
        (signal) => this.#watchDecisions(signal),
      ])
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  wake(scope: Scope = nothing): void {
    this.#agenda.wake(scope)
    this.#bell.set()
  }

  pause(): void {
    this.#isPaused = true
    this.#bell.set()
  }

  resume(): void {
    this.#isPaused = false
    this.wake()
  }

  progress(step: Progress): void {
    if (this.#activity === 'turning') this.#progress = step
  }

  state(): FollowState {
    return {
      activity: this.#activityTold(),
      progress: this.#progress,
      watcher: this.#watcher,
      server: this.#server,
      lastTurn: this.#lastTurn,
      lastFullScanNs: this.#lastFullScanNs,
      lastTrouble: this.#lastTrouble,
      retryAtMs: this.#agenda.retryAtMs,
      isUpToDate: this.#isUpToDate(),
    }
  }

  #activityTold(): FollowState['activity'] {
    if (this.#activity === 'turning') return 'turning'
    if (this.#isPaused) return 'paused'
    if (this.#activity === 'starting') return 'starting'
    return this.#agenda.isFailing ? 'waiting' : 'idle'
  }

  #isUpToDate(): boolean {
    const report = this.#lastTurn?.report
    // A settled turn ends with disk, base and head equal, at this sequence.
    const isAtHead = report?.isSettled === true && report.sequence === this.#headSequence
    return (
      isAtHead &&
      report.sequence === this.#parts.newestSequence() &&
      this.#activity === 'resting' &&
      this.#agenda.isEmpty &&
      this.#lastTrouble === null &&
      this.#sight.isClear &&
      this.#watcher.isHealthy &&
      this.#server.isReached
    )
  }

  async #takeTurns(signal: AbortSignal): Promise<never> {
    const { clock } = this.#parts
    // Watched first: what changes during the first look is then told.
    await this.#opened.next(signal)
    for (;;) {
      signal.throwIfAborted()
      if (this.#isPaused) {
        await this.#bell.next(signal)
        continue
      }
      const dueMs = this.#isHeadUnknown() ? -Infinity : this.#agenda.nextMs(this.#watcher.isHealthy)
      const waitMs = dueMs - clock.monotonicMs()
      if (waitMs > 0) {
        await firstToEnd(signal, [(signal) => clock.wait(waitMs, signal), (signal) => this.#bell.next(signal)])
        continue
      }
      await this.#takeTurn()
    }
  }

  /**
   * Whether the server told of a head, since the last turn began, that this turn did not end at. What the device knows is
   * no measure: another folder, a command or a proof may have taken it over, and this folder is not there yet.
   */
  #isHeadUnknown(): boolean {
    return this.#isHeadNew && this.#headSequence !== this.#lastTurn?.report.sequence
  }

  async #takeTurn(): Promise<void> {
    const { engine, watcher, clock, chance } = this.#parts
    const scope = this.#agenda.begin(clock.monotonicMs(), this.#watcher.isHealthy)
    this.#isHeadNew = false
    this.#activity = 'turning'
    let report: TurnReport
    try {
      report = await engine.turn(scope)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      this.#activity = 'resting'
      this.#agenda.failed(error.kind, scope, clock.monotonicMs(), (failures) => retryDelayMs(failures, chance))
      this.#lastTrouble = { timeNs: clock.nowNs(), kind: error.kind, message: error.message }
      // The folder may be gone, and with it what was watched.
      if (isTrouble(error, 'missing')) this.#doubt.set()
      this.#parts.onTrouble(error)
      return
    } finally {
      this.#progress = null
    }
    this.#activity = 'resting'
    this.#agenda.ended(report, scope, clock.monotonicMs())
    this.#note(report, scope)
    // The turn saw a disk to which the watcher does not listen.
    if (!watcher.isInPlace()) this.#doubt.set()
  }

  #note(report: TurnReport, scope: Scope): void {
    const timeNs = this.#parts.clock.nowNs()
    if (report.isWhole) this.#lastFullScanNs = timeNs
    if (this.#sight.note(report, scope)) this.#agenda.hint('all', this.#parts.clock.monotonicMs())
    this.#lastTurn = { timeNs, report }
    this.#lastTrouble = null
    this.#parts.onTurn(report)
  }

  #watchDisk(signal: AbortSignal): Promise<never> {
    const { watcher, clock, chance } = this.#parts
    const onHint = (hint: Scope): void => {
      this.#agenda.hint(hint, clock.monotonicMs())
      this.#opened.set()
      this.#bell.set()
    }
    const onHealth = (trouble: SyncError | null): void => {
      const { isHealthy, message } = this.#watcher
      this.#watcher = { isHealthy: trouble === null, message: trouble?.message ?? '' }
      if (trouble !== null && trouble.message !== message) this.#parts.onTrouble(trouble)
      // What was not told since it last proved itself may be anywhere.
      if (isHealthy && trouble !== null) this.#agenda.hint('all', clock.monotonicMs())
      this.#opened.set()
      this.#bell.set()
    }
    return watchDisk({ watcher, clock, chance, doubt: this.#doubt, onHint, onHealth }, signal)
  }

  #watchHead(signal: AbortSignal): Promise<never> {
    const { remote, vaultId, clock, chance } = this.#parts
    const onHead = (sequence: number): void => {
      this.#headSequence = sequence
      this.#isHeadNew = true
      this.#bell.set()
    }
    const onReached = (isAgain: boolean): void => {
      this.#server = { isReached: true, message: '' }
      if (isAgain) this.wake()
    }
    const onLost = (error: SyncError): void => {
      this.#server = { isReached: false, message: error.message }
      this.#parts.onTrouble(error)
    }
    return watchHead({ remote, vaultId, clock, chance, onHead, onReached, onLost }, signal)
  }

  /** What a person decides meanwhile, by another program: that deletions go on, and how often everything is looked at. */
  async #watchDecisions(signal: AbortSignal): Promise<never> {
    const { engine, clock } = this.#parts
    for (let wasConfirmed = engine.isConfirmed(); ;) {
      await clock.wait(decisionsMs, signal)
      const isConfirmed = engine.isConfirmed()
      if (isConfirmed && !wasConfirmed) this.wake()
      wasConfirmed = isConfirmed
      if (this.#agenda.scanEvery(this.#parts.fullScanMs?.() ?? fullScanMs)) this.#bell.set()
    }
  }
}
