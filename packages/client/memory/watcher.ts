/**
 * The Watcher in memory: somebody tells it what happens in the folder, and how it fails.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { Hints } from '../hints.ts'
import { folderOf } from '../path.ts'
import type { Watcher } from '../ports.ts'

export type MemoryWatcher = Watcher & {
  /** Something at this path changed, came or went; `below`: all folders below it, when it is a folder that came. */
  tell(path: string, below?: readonly string[] | null): void
  /** Some of what changed was not told. */
  overflow(): void
  /** From now on it tells nothing, and a probe is never answered, until it is opened again. */
  deafen(): void
  /** Nothing can be told any more until it is opened again. */
  fail(failure: SyncError): void
  /** What `open` throws from now on; null: nothing. */
  refuse(refusal: SyncError | null): void
  setGap(gap: string | null): void
  /** Another folder lies at its place now; this one is deaf to it. */
  displace(): void
  /** How often it was opened. */
  opened(): number
}

export const createMemoryWatcher = (): MemoryWatcher => {
  const hints = new Hints()
  let isDeaf = true
  let isInPlace = true
  let refusal: SyncError | null = null
  let gap: string | null = null
  let opened = 0
  return {
    async open(signal) {
      signal.throwIfAborted()
      if (refusal !== null) throw refusal
      hints.clear()
      isDeaf = false
      isInPlace = true
      opened += 1
    },
    gap: () => gap,
    isInPlace: () => isInPlace,
    nextHint: (signal) => hints.next(signal),
    async probe(signal) {
      signal.throwIfAborted()
      if (refusal !== null) throw refusal
      if (isDeaf) await aborted(signal)
    },

    tell(path, below = null) {
      if (isDeaf) return
      hints.touch(folderOf(path))
      for (const folder of below === null ? [] : [path, ...below]) hints.touch(folder)
    },
    overflow: () => hints.touchAll(),
    deafen: () => {
      isDeaf = true
    },
    fail: (failure) => hints.fail(failure),
    refuse: (next) => {
      refusal = next
    },
    setGap: (next) => {
      gap = next
    },
    displace: () => {
      isDeaf = true
      isInPlace = false
    },
    opened: () => opened,
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
