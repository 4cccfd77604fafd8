/**
 * Remembers that something happened until somebody asks: what happens while nobody waits is not missed, and many
 * happenings before one question are one answer.
 */

export class Latch {
  #isSet = false
  readonly #waiting = new Set<() => void>()

  set(): void {
    this.#isSet = true
    for (const wake of this.#waiting) wake()
  }

  clear(): void {
    this.#isSet = false
  }

  /** Resolves when it is set, at once if it is already, and clears it. Rejects with the signal's reason when aborted. */
  async next(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.#isSet) {
      await new Promise<void>((resolve, reject) => {
        const abort = (): void => {
          this.#waiting.delete(wake)
          reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
        }
        const wake = (): void => {
          this.#waiting.delete(wake)
          signal.removeEventListener('abort', abort)
          resolve()
        }
        this.#waiting.add(wake)
        signal.addEventListener('abort', abort, { once: true })
      })
    }
    this.#isSet = false
  }
}
