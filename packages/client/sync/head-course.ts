/**
 * How much of what is new at the head the rounds of one turn take up at once. What a round could not carry out is found
 * again, and must not keep the next from what lies behind it.
 */
import { roundChangesMax } from '@anysync/protocol/limits.ts'
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
    const isStuck = behind.undone === behind.found
    this.#changesMax = isStuck ? 2 * this.#changesMax : this.#atOnceMax + behind.undone
  }
}
