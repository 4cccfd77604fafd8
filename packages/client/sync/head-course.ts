/**
 * How much of what is new at the head the rounds of one turn take up at once.
 */
import { roundChangesMax } from '@anysync/protocol/limits.ts'
import { nextRoundSize } from './round-size.ts'
import type { Round } from './round.ts'

export class HeadCourse {
  readonly #atOnceMax: number
  #changesMax: number

  constructor(atOnceMax = roundChangesMax) {
    this.#atOnceMax = atOnceMax
    this.#changesMax = atOnceMax
  }

  /** After how many changes new folders are left for another round. */
  get changesMax(): number {
    return this.#changesMax
  }

  /** The next round goes on where this one stopped, if it did. */
  goOn({ behind }: Pick<Round, 'behind'>): void {
    if (behind === null) return
    const { found, undone } = behind
    this.#changesMax = nextRoundSize(this.#changesMax, this.#atOnceMax, { isStuck: undone === found, undone })
  }
}
