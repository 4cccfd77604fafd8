/**
 * One process of a device: from its start to its death. All its calls pass here: they are noted in the trace, wait for
 * their turn, meet the faults of the history, and end for ever when the process has died. What the dead have begun
 * is never answered, as after a real crash: nothing of theirs is tidied up.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import type { Trace } from './dice.ts'
import type { Fault } from './history.ts'
import type { Runner, Scheduler } from './scheduler.ts'

/** The process died. Not a SyncError: nothing in the product may catch it. */
export class Crash extends Error {
  override readonly name = 'Crash'
}

/** What is wrong with a device until it is lifted. */
export type Troubles = { isCutOff: boolean; isFull: boolean; closedFolder: string | null }

export type ProcessParts = {
  scheduler: Scheduler
  trace: Trace
  troubles: Troubles
  /** Takes the disk out, or hides it. */
  takeDisk: (how: 'unplug' | 'hide') => void
}

const drafting = new Set(['disk.createTemp', 'disk.write', 'disk.finish', 'disk.setAttributes'])
const growing = new Set(['disk.createTemp', 'disk.write', 'disk.finish', 'disk.makeFolder', 'disk.placeLink'])

export class Process implements Runner {
  readonly #parts: ProcessParts
  isDead = false
  isSlow = false
  onDeath: () => void = () => undefined
  /** Just before a fault strikes. */
  onStrike: () => void = () => undefined
  /** Calls that changed what lies where on the disk, and records that were appended. */
  changes = 0
  /** What its newest call of the disk was about. */
  newestPath = ''
  /** Calls that wrote temporary files or set attributes. */
  drafts = 0
  #fault: Fault | null = null
  /** Calls that the fault may still let pass. */
  #left = 0
  /** Whether the fault struck. */
  hasStruck = false

  constructor(parts: ProcessParts) {
    this.#parts = parts
  }

  /** What goes wrong from now on; null: nothing. */
  expect(fault: Fault | null): void {
    this.#fault = fault
    this.#left = fault?.at ?? 0
    this.hasStruck = false
  }

  /** Before a call of the disk. */
  async atDisk(operation: string, path: string, isChange: boolean): Promise<void> {
    await this.#wait(operation, path)
    const { troubles, takeDisk } = this.#parts
    const fault = this.#fault
    const { closedFolder } = troubles
    if (closedFolder !== null && path.startsWith(closedFolder)) {
      const isInside =
        path.length === closedFolder.length ? operation === 'disk.list' : path[closedFolder.length] === '/'
      if (isInside) throw new SyncError(operation, 'unavailable', 'permission denied')
    }
    const isFull = troubles.isFull || (fault?.kind === 'full' && this.hasStruck)
    if (isFull && growing.has(operation)) throw new SyncError(operation, 'full', 'the disk is full')
    if (isChange && fault?.kind === 'crash' && this.#strikes()) await this.#die()
    if (fault?.kind === 'full' && growing.has(operation)) this.#strikes()
    if (fault?.kind === 'busy' && this.#strikes()) throw new SyncError(operation, 'unavailable', 'it is busy')
    if (fault?.kind === 'flaky' && this.#strikes()) {
      this.#left = fault.oneIn
      throw new SyncError(operation, 'unavailable', 'it is busy')
    }
    if ((fault?.kind === 'unplug' || fault?.kind === 'hide') && this.#strikes()) takeDisk(fault.kind)
  }

  /** After a call that changed the disk. */
  changed(operation: string): void {
    if (drafting.has(operation)) this.drafts += 1
    else this.changes += 1
  }

  /** Before a call of the server. */
  async atServer(operation: string): Promise<void> {
    await this.#wait(operation, '')
    const fault = this.#fault
    if (this.#parts.troubles.isCutOff) throw new SyncError(operation, 'unavailable', 'the line is cut')
    if (fault?.kind !== 'cut') return
    this.#left -= 1
    if (this.#left <= 0 && this.#left > -fault.calls) {
      this.hasStruck = true
      throw new SyncError(operation, 'unavailable', 'the line is cut')
    }
  }

  /** Whether the line sends this call twice. */
  isRepeated(): boolean {
    return this.#fault?.kind === 'repeat' && this.#strikes()
  }

  /** Before the server's reply arrives. */
  async atReply(operation: string): Promise<void> {
    await this.#wait(operation, 'reply')
    const fault = this.#fault
    if (fault?.kind === 'crash' && this.#strikes()) await this.#die()
    if (fault?.kind === 'lost' && this.#strikes()) throw new SyncError(operation, 'unavailable', 'the reply is lost')
  }

  /** Around a commit of the database. */
  atCommit(moment: 'before' | 'after'): void {
    if (!this.isDead && this.#fault?.kind === 'crash' && this.#strikes()) this.#kill()
    if (this.isDead) throw new Crash(`at the database, ${moment} a commit`)
    this.#parts.trace.text(moment)
  }

  /** The answer of a call: nothing, when the process died meanwhile. */
  async answer(): Promise<void> {
    if (this.isDead) await never()
  }

  async #wait(operation: string, path: string): Promise<void> {
    if (this.isDead) await never()
    this.#parts.trace.text(operation)
    this.#parts.trace.text(path)
    if (path !== '' && path !== 'reply') this.newestPath = path
    const parked = this.#parts.scheduler.park(this)
    if (parked === undefined) return
    await parked
    if (this.isDead) await never()
    this.#parts.trace.number(1)
  }

  /** Counts down; true at the one call that the fault is for. */
  #strikes(): boolean {
    this.#left -= 1
    if (this.#left !== 0) return false
    this.onStrike()
    this.hasStruck = true
    return true
  }

  #kill(): void {
    this.isDead = true
    this.onDeath()
  }

  async #die(): Promise<void> {
    this.#kill()
    await never()
  }
}

/** Each time a new promise: one that all shared would remember everybody who ever waited. */
const never = (): Promise<never> => new Promise(() => undefined)
