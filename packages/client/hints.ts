/**
 * What a Watcher has told and nobody has asked for yet. Bounded, whatever happens in the folder.
 */
import type { SyncError } from '@anysync/protocol/errors.ts'
import { scopeFoldersMax } from '@anysync/protocol/limits.ts'
import { Latch } from './latch.ts'
import type { Hint } from './ports.ts'

export class Hints {
  readonly #latch = new Latch()
  #isAll = false
  #folders = new Set<string>()
  #failure: SyncError | null = null

  touch(folder: string): void {
    if (!this.#isAll) this.#folders.add(folder)
    if (this.#folders.size > scopeFoldersMax) this.touchAll()
    else this.#latch.set()
  }

  touchAll(): void {
    this.#isAll = true
    this.#folders = new Set()
    this.#latch.set()
  }

  /** Nothing more will be told. */
  fail(failure: SyncError): void {
    this.#failure = failure
    this.#latch.set()
  }

  /** Forgets everything. */
  clear(): void {
    this.#take()
    this.#failure = null
    this.#latch.clear()
  }

  /** What was touched since the last call, as soon as there is something. Throws the failure, if it failed. */
  async next(signal: AbortSignal): Promise<Hint> {
    await this.#latch.next(signal)
    if (this.#failure === null) return this.#take()
    this.#latch.set()
    throw this.#failure
  }

  #take(): Hint {
    const hint = this.#isAll ? 'all' : this.#folders
    this.#isAll = false
    this.#folders = new Set()
    return hint
  }
}
