/**
 * Keeps one linked folder in step, from the first attempt to reach its vault on, and knows at every moment how it
 * stands. Trouble with one folder holds up no other, and a device that starts before its network waits for it.
 */
import { contentBytes } from '@anysync/client/content/content.ts'
import type { Link } from '@anysync/client/ports.ts'
import { acknowledgeAlarm } from '@anysync/client/sync/facts.ts'
import { createFollower } from '@anysync/client/sync/follow.ts'
import { retryDelayMs } from '@anysync/client/sync/retry-delay.ts'
import type { Follower, FollowState } from '@anysync/client/sync/follow-state.ts'
import { rootContentFact } from '@anysync/client/sync/node.ts'
import type { Plan } from '@anysync/client/sync/plan.ts'
import type { OnProgress, Progress, TurnReport } from '@anysync/client/sync/report.ts'
import { nothing } from '@anysync/client/sync/scope.ts'
import type { Vault } from '@anysync/client/vault/vault-types.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { fullScanMs } from '@anysync/protocol/limits.ts'
import { openLinkEngine } from '../engines.ts'
import { noteIncarnation } from '../incarnation.ts'
import { meterFor, type Meter } from '../output/meter.ts'
import { nodeChance } from '../ports/chance.ts'
import { nodeClock } from '../ports/clock.ts'
import { createWatcher } from '../ports/watcher.ts'
import { retainWhenDue } from '../retain.ts'
import { vaultName } from '../local.ts'
import type { Session } from '../session.ts'
import { settingsOfFolder } from '../settings/settings.ts'
import { oneAtATime, type SharedEngine } from './one-at-a-time.ts'
import type { Voice } from './voice.ts'
import type { Answer, LiveFolder } from './wire.ts'

export type KeeperParts = { session: Session; link: Link; voice: Voice; isPaused: boolean }

type Opened = { vault: Vault; engine: SharedEngine; follower: Follower }

export class Keeper {
  readonly link: Link
  readonly #parts: KeeperParts
  readonly #stop = new AbortController()
  readonly #askers = new Set<OnProgress>()
  #isPaused: boolean
  #opening: Promise<Opened> | null = null
  #opened: Opened | null = null
  #lastTrouble: FollowState['lastTrouble'] = null
  #progress: Progress | null = null
  /** What the settings last said. */
  #fullScanMsSet = fullScanMs
  #meter: Meter | null = null
  /** Ends when the keeper has stopped; rejects with what is a bug. */
  readonly done: Promise<void>

  constructor(parts: KeeperParts) {
    this.#parts = parts
    this.link = parts.link
    this.#isPaused = parts.isPaused
    this.done = this.#run()
  }

  /** One turn over everything, after the one that runs. */
  async turn(onProgress: OnProgress): Promise<TurnReport> {
    const { engine, follower } = await this.#open()
    this.#askers.add(onProgress)
    try {
      return await engine.turn('all')
    } finally {
      this.#askers.delete(onProgress)
      // Who follows shall see for itself that all is well now, or is not.
      follower.wake(nothing)
    }
  }

  async preview(): Promise<Plan> {
    const { engine } = await this.#open()
    return await engine.preview()
  }

  async confirm(): Promise<Answer<'confirm'>> {
    const { engine, follower } = await this.#open()
    const isAlarmOver = acknowledgeAlarm(this.#parts.session.state, this.link.id)
    const answer = { waiting: engine.confirm(), isAlarmOver }
    follower.wake('all')
    return answer
  }

  pause(): void {
    this.#isPaused = true
    this.#opened?.follower.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#opened?.follower.resume()
  }

  /** Begins no turn any more, and resolves when none runs. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.done
    await this.#opened?.engine.idle()
  }

  live(): LiveFolder {
    const isTurning = this.#opened?.engine.isTurning() ?? false
    const { activity, watcher, server, lastFullScanNs, lastTrouble, isUpToDate } =
      this.#opened?.follower.state() ?? this.#notOpened()
    const areRootsSame = this.#areRootsSame()
    const progress = isTurning ? this.#progress : null
    return {
      linkId: this.link.id,
      activity: isTurning ? 'turning' : activity,
      progress: progress && {
        ...progress,
        current: [...(progress.current ?? [])],
        bytesPerSecond: this.#meter?.bytesPerSecond ?? 0,
      },
      watcher,
      server,
      lastFullScanNs,
      lastTrouble,
      areRootsSame,
      isUpToDate: isUpToDate && areRootsSame && !isTurning,
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    try {
      const { follower } = await this.#untilOpened()
      await follower.run(signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #untilOpened(): Promise<Opened> {
    for (let failures = 0; ; failures++) {
      try {
        return await this.#open()
      } catch (error) {
        if (!(error instanceof SyncError)) throw error
        this.#tellTrouble(error)
        await nodeClock.wait(retryDelayMs(failures, nodeChance), this.#stop.signal)
      }
    }
  }

  /** Asks the server for the grant of the vault, once; another try after a failure. */
  async #open(): Promise<Opened> {
    this.#opening ??= this.#openNow()
    try {
      return await this.#opening
    } catch (error) {
      this.#opening = null
      throw error
    }
  }

  async #openNow(): Promise<Opened> {
    const { session, voice, link } = this.#parts
    const opened = await openLinkEngine(session, link, (step) => this.#onProgress(step))
    this.#stop.signal.throwIfAborted()
    const { vault } = opened
    const engine = oneAtATime({
      ...opened.engine,
      turn: async (scope) => {
        // Before the turn, which then takes over what was said in the log.
        await this.#retain(vault)
        return opened.engine.turn(scope)
      },
    })
    const watcher = createWatcher(link.root)
    this.#stop.signal.addEventListener('abort', () => watcher[Symbol.dispose]())
    const follower = createFollower({
      engine,
      watcher,
      remote: { watch: (signal) => watchNoting(session, signal) },
      vaultId: link.vaultId,
      clock: nodeClock,
      chance: nodeChance,
      newestSequence: () => vault.head()?.sequence ?? 0,
      fullScanMs: () => this.#fullScanMs(),
      onTurn: (report) => voice.turn(link, vaultName(session.state, link.vaultId), report),
      onTrouble: (error) => this.#tellTrouble(error),
    })
    if (this.#isPaused) follower.pause()
    this.#opened = { vault, engine, follower }
    return this.#opened
  }

  /** What keeps it from that is told, and keeps no turn from its work. */
  async #retain(vault: Vault): Promise<void> {
    const { session, link } = this.#parts
    try {
      const rules = settingsOfFolder(session.settings(), link.root).retention
      await retainWhenDue({ state: session.state, link, vault, clock: nodeClock, chance: nodeChance, rules })
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      this.#tellTrouble(error)
    }
  }

  /** As the settings are now. While they cannot be read every turn says so, and this stays as it was. */
  #fullScanMs(): number {
    const { session, link } = this.#parts
    try {
      this.#fullScanMsSet = settingsOfFolder(session.settings(), link.root).fullScanMs
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
    }
    return this.#fullScanMsSet
  }

  #onProgress(step: Progress): void {
    const nowMs = nodeClock.monotonicMs()
    this.#meter = meterFor(this.#meter, step, nowMs)
    this.#meter.measure(step.bytes, nowMs)
    this.#progress = step
    this.#opened?.follower.progress(step)
    this.#parts.voice.progress(step)
    for (const asker of this.#askers) asker(step)
  }

  #tellTrouble(error: SyncError): void {
    const { session, voice, link } = this.#parts
    this.#lastTrouble = { timeNs: nodeClock.nowNs(), kind: error.kind, message: error.message }
    voice.trouble(link, vaultName(session.state, link.vaultId), error)
  }

  /** Until the vault's grant came nothing can be looked at. */
  #notOpened(): Pick<FollowState, 'activity' | 'watcher' | 'server' | 'lastFullScanNs' | 'lastTrouble' | 'isUpToDate'> {
    const message = this.#lastTrouble?.message ?? 'it is being asked'
    const isReached = this.#lastTrouble !== null && this.#lastTrouble.kind !== 'unavailable'
    return {
      activity: this.#isPaused ? 'paused' : this.#lastTrouble === null ? 'starting' : 'waiting',
      watcher: { isHealthy: false, message: 'the folder is watched as soon as its vault is open' },
      server: { isReached, message: isReached ? '' : message },
      lastFullScanNs: null,
      lastTrouble: this.#lastTrouble,
      isUpToDate: false,
    }
  }

  #areRootsSame(): boolean {
    if (this.#opened === null) return false
    const root = this.#opened.vault.newest()?.root
    const atHead = root === undefined ? null : contentBytes(root).toHex()
    return this.#parts.session.state.fact(this.link.id, rootContentFact) === atHead
  }
}

/** The same heads, and a look at which life of the server tells them: whoever put it back stopped it, so the line was lost. */
async function* watchNoting({ remote, state }: Session, signal: AbortSignal): ReturnType<Session['remote']['watch']> {
  let isNoted = false
  for await (const news of remote.watch(signal)) {
    if (!isNoted) noteIncarnation(state, (await remote.listVaults()).incarnation)
    isNoted = true
    yield news
  }
}
