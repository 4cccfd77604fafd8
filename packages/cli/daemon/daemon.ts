/**
 * All linked folders of an account, each with its keeper, and what may be asked of them by other commands.
 */
import type { Link } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { planDocument, planLines } from '../output/plan.ts'
import { nodeClock } from '../ports/clock.ts'
import type { Session } from '../session.ts'
import { Keeper } from './keeper.ts'
import type { Responder } from './listen.ts'
import { proveDaily } from './prove.ts'
import type { Voice } from './voice.ts'

export type DaemonParts = {
  session: Session
  voice: Voice
  /** A person asked for the end. */
  onStop: () => void
  onBug: (error: unknown) => void
}

/** A pause outlives the daemon: whoever paused before a restart did not resume by it. */
const pausedFact = { scope: 'daemon', name: 'paused' } as const

export class Daemon {
  readonly #parts: DaemonParts
  readonly #keepers = new Map<string, Keeper>()
  readonly #startedNs = nodeClock.nowNs()
  readonly #stop = new AbortController()
  readonly #proofs: Promise<void>

  constructor(parts: DaemonParts) {
    this.#parts = parts
    const { session, voice, onBug } = parts
    for (const link of session.state.links()) this.#takeUp(link)
    this.#proofs = proveDaily({ session, voice, isPaused: () => this.isPaused, clock: nodeClock }, this.#stop.signal)
    this.#proofs.catch(onBug)
  }

  get isPaused(): boolean {
    return this.#parts.session.state.fact(pausedFact.scope, pausedFact.name) !== null
  }

  /** Resolves when no turn and no proof runs any more. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all([...[...this.#keepers.values()].map((keeper) => keeper.stop()), this.#proofs])
  }

  readonly respond: Responder = async (question, onProgress) => {
    switch (question.ask) {
      case 'status': {
        const folders = [...this.#keepers.values()].map((keeper) => keeper.live())
        return { pid: process.pid, startedNs: this.#startedNs, isPaused: this.isPaused, folders }
      }
      case 'stop':
        this.#parts.onStop()
        return { pid: process.pid }
      case 'pause':
        this.#setPaused(true)
        for (const keeper of this.#keepers.values()) keeper.pause()
        return {}
      case 'resume':
        this.#setPaused(false)
        for (const keeper of this.#keepers.values()) keeper.resume()
        return {}
      case 'turn':
        return { report: await this.#keeperOf(question.linkId).turn(onProgress) }
      case 'preview': {
        const plan = await this.#keeperOf(question.linkId).preview()
        return { lines: planLines(plan), document: planDocument(plan) }
      }
      case 'confirm':
        return await this.#keeperOf(question.linkId).confirm()
      case 'take-up':
        this.#keeperOf(question.linkId)
        return {}
      case 'let-go':
        await this.#letGo(question.linkId)
        return {}
    }
  }

  /** Of a link that another command made since, too. */
  #keeperOf(linkId: string): Keeper {
    const keeper = this.#keepers.get(linkId)
    if (keeper !== undefined) return keeper
    const link = this.#parts.session.state.links().find(({ id }) => id === linkId)
    if (link !== undefined) return this.#takeUp(link)
    throw new SyncError('daemon.folder', 'missing', 'the daemon knows no such folder: see `anysync status`')
  }

  #takeUp(link: Link): Keeper {
    const { session, voice, onBug } = this.#parts
    const keeper = new Keeper({ session, link, voice, isPaused: this.isPaused })
    keeper.done.catch(onBug)
    this.#keepers.set(link.id, keeper)
    return keeper
  }

  async #letGo(linkId: string): Promise<void> {
    const keeper = this.#keepers.get(linkId)
    await keeper?.stop()
    this.#keepers.delete(linkId)
  }

  #setPaused(isPaused: boolean): void {
    this.#parts.session.state.putFact(pausedFact.scope, pausedFact.name, isPaused ? 'yes' : null)
  }
}
