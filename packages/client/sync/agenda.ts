/**
 * When the next turn is due, and what it has to look at. Knows times and facts, and no clock: whoever asks says when.
 *
 * A turn that fails gives back what it was to look at. What one did not settle, the engine looks at in its next turn;
 * here it is seen to that there is one.
 */
import type { Kind } from '@anysync/protocol/errors.ts'
import {
  scopeFoldersMax,
  quietMs,
  quietMsMax,
  recheckMsMin,
  retryMsMax,
  settleMs,
  unwatchedScanMs,
} from '@anysync/protocol/limits.ts'
import type { TurnReport } from './report.ts'
import { joinScopes, nothing, type Scope } from './scope.ts'

const join = (a: Scope, b: Scope): Scope => joinScopes(a, b, scopeFoldersMax)

/** Hints that no turn has looked at yet; `seriesMs`: since when such hints have come without a quiet moment between. */
export type HintTimes = { seriesMs: number; firstMs: number; lastMs: number }

/**
 * When it is quiet enough for a turn. A lone change needs a short moment, enough for what a program does in one go; the
 * longer a series of changes, the longer the quiet after it. Files still being written are the engine's matter.
 */
export const quietAtMs = ({ seriesMs, firstMs, lastMs }: HintTimes): number =>
  Math.min(firstMs + quietMsMax, lastMs + Math.min(quietMs, Math.max(settleMs, lastMs - seriesMs)))

/** After so many turns in a row that did not settle. */
export const recheckDelayMs = (unsettled: number): number =>
  Math.min(retryMsMax, recheckMsMin * 2 ** Math.min(unsettled - 1, 16))

export class Agenda {
  #fullScanMs: number
  /** What hints, and turns that failed, have put up for the next turn. */
  #hinted: Scope = nothing
  /** When the first hint came that no turn has looked at; null: none. */
  #firstMs: number | null = null
  #series = { startMs: -Infinity, lastMs: -Infinity }
  #isUrgent = false
  /** When everything was last looked at. */
  #scannedMs = -Infinity
  #failures = 0
  /** Turns in a row that did not settle. */
  #unsettled = 0
  #retryAtMs: number | null = null

  constructor(fullScanMs: number) {
    this.#fullScanMs = fullScanMs
  }

  /** Everything is looked at this often from now on. Returns whether that is another interval than before. */
  scanEvery(ms: number): boolean {
    const isOther = ms !== this.#fullScanMs
    this.#fullScanMs = ms
    return isOther
  }

  /** Something may have changed on the disk: a turn is due when it is quiet. */
  hint(scope: Scope, nowMs: number): void {
    this.#hinted = join(this.#hinted, scope)
    this.#firstMs ??= nowMs
    const isNew = nowMs - this.#series.lastMs >= quietMs
    this.#series = { startMs: isNew ? nowMs : this.#series.startMs, lastMs: nowMs }
  }

  /** A turn is due at once, also when a failure is being waited out. */
  wake(scope: Scope): void {
    this.#hinted = join(this.#hinted, scope)
    this.#isUrgent = true
  }

  /** When the next turn is due. `isWatched`: whether hints can be relied on. */
  nextMs(isWatched: boolean): number {
    if (this.#isUrgent) return -Infinity
    const retryAtMs = this.#retryAtMs ?? Infinity
    // What is hinted at would only fail, too.
    if (this.#failures > 0) return retryAtMs
    const { startMs, lastMs } = this.#series
    const hintsAtMs =
      this.#firstMs === null ? Infinity : quietAtMs({ seriesMs: startMs, firstMs: this.#firstMs, lastMs })
    return Math.min(retryAtMs, hintsAtMs, this.#fullScanAtMs(isWatched))
  }

  /** A turn begins: what it has to look at. */
  begin(nowMs: number, isWatched: boolean): Scope {
    const scope = nowMs >= this.#fullScanAtMs(isWatched) ? 'all' : this.#hinted
    this.#hinted = nothing
    this.#firstMs = null
    this.#isUrgent = false
    this.#retryAtMs = null
    return scope
  }

  /** The turn over this scope ended. */
  ended(report: TurnReport, scope: Scope, nowMs: number): void {
    this.#failures = 0
    if (scope === 'all' || report.isWhole) this.#scannedMs = nowMs
    // What waits, waits for a person, who wakes us.
    this.#unsettled = report.isSettled || report.waiting !== null ? 0 : this.#unsettled + 1
    this.#retryAtMs = this.#unsettled === 0 ? null : nowMs + recheckDelayMs(this.#unsettled)
  }

  /** It failed, and may be tried again after so many milliseconds. What it was to look at is due again. */
  failed(kind: Kind, scope: Scope, nowMs: number, delayMs: (failures: number) => number): void {
    // A server that cannot be reached says nothing of the disk; after anything else it is as well to look at all of it.
    this.#hinted = join(this.#hinted, kind === 'unavailable' ? scope : 'all')
    this.#retryAtMs = nowMs + delayMs(this.#failures)
    this.#failures += 1
  }

  /** When a failure, or what did not settle, is tried again. */
  get retryAtMs(): number | null {
    return this.#retryAtMs
  }

  get isFailing(): boolean {
    return this.#failures > 0
  }

  /** Whether nothing is known that a turn would have to look at. */
  get isEmpty(): boolean {
    return this.#hinted !== 'all' && this.#hinted.size === 0 && !this.#isUrgent && this.#retryAtMs === null
  }

  #fullScanAtMs(isWatched: boolean): number {
    const isCalm = isWatched && this.#unsettled === 0
    return this.#scannedMs + (isCalm ? this.#fullScanMs : Math.min(this.#fullScanMs, unwatchedScanMs))
  }
}
