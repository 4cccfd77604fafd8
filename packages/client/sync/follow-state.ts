/**
 * What is known of a folder that is being followed, in the words in which status speaks of it.
 */
import type { Kind } from '@anysync/protocol/errors.ts'
import type { Progress, TurnReport } from './report.ts'
import type { Scope } from './scope.ts'

export type FollowState = {
  /** `waiting`: after a failure, until it is tried again. `starting`: until the first turn. */
  activity: 'starting' | 'turning' | 'idle' | 'paused' | 'waiting'
  /** Of the running turn. */
  progress: Progress | null
  /** `message`: why not, and what to do; '' when it is. */
  watcher: { isHealthy: boolean; message: string }
  server: { isReached: boolean; message: string }
  /** The last turn that ended without failing. */
  lastTurn: { timeNs: bigint; report: TurnReport } | null
  /** When a look at everything last ended that could see everything; of this run. */
  lastFullScanNs: bigint | null
  /** The failure since the last turn that worked. */
  lastTrouble: { timeNs: bigint; kind: Kind; message: string } | null
  /** When what failed, or did not settle, is tried again, on the monotonic clock. */
  retryAtMs: number | null
  /** Only when nothing is known that could make it untrue. */
  isUpToDate: boolean
}

/** Keeps a folder in step. One loop: never two turns at a time. */
export type Follower = {
  /** Runs until aborted, and then resolves, when the running turn has ended. Throws only what is a bug. Call it once. */
  run(signal: AbortSignal): Promise<void>
  /** A turn is taken at once, or after the running one; it looks at this of the disk, too. Also while a failure is waited out. */
  wake(scope?: Scope): void
  /** No turn begins any more; a running one ends by itself. What happens meanwhile is remembered. */
  pause(): void
  /** A turn is taken. */
  resume(): void
  state(): FollowState
  /** The engine's `onProgress` leads here. */
  progress(step: Progress): void
}
