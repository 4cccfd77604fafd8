/**
 * Notices when Linux may have dropped changes. It keeps a bounded number for a program that is busy, and libuv, which
 * reads them all at once and for all watchers of the process, does not pass on that there were more.
 */
import { watchBurstMax } from '@anysync/protocol/limits.ts'

export class EventQueue {
  /** There is one for all watchers of a process, so there is one here. */
  static readonly ofThisProcess = new EventQueue()
  readonly #members = new Set<() => void>()
  #told = 0

  /** `recover` is called when changes may have been dropped, of whatever folder. */
  join(recover: () => void): void {
    this.#members.add(recover)
  }

  leave(recover: () => void): void {
    this.#members.delete(recover)
  }

  /** A change was told. */
  count(): void {
    if (this.#told === 0) {
      // By then, all that was read at once has been told.
      setImmediate(() => {
        this.#told = 0
      })
    }
    this.#told += 1
    if (this.#told === watchBurstMax) for (const recover of this.#members) recover()
  }
}
