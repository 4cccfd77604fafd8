/**
 * Whether turns could see all that they looked at. What could not be listed for a while may have changed anywhere below,
 * and the hints of that are spent: when it can be seen again, everything is looked at.
 */
import type { TurnReport } from './report.ts'
import type { Scope } from './scope.ts'

/** A report names what could not be looked at, also by turns before. */
const canSee = ({ troubles }: Pick<TurnReport, 'troubles'>): boolean =>
  !troubles.some(({ kind }) => kind === 'unreadable')

export class Sight {
  #isClear = false
  #couldSee = true

  /** Whether all that was looked at could be seen, since the last look at everything. */
  get isClear(): boolean {
    return this.#isClear
  }

  /** After each turn, with what it was to look at. True when the next one must look at everything. */
  note(report: Pick<TurnReport, 'troubles' | 'isWhole'>, scope: Scope): boolean {
    const couldSee = this.#couldSee
    this.#couldSee = canSee(report)
    if (report.isWhole || scope === 'all') this.#isClear = report.isWhole
    const mustLook = !this.#isClear && !couldSee && this.#couldSee
    if (!this.#couldSee) this.#isClear = false
    return mustLook
  }
}
