/**
 * Listens to the watcher of a folder, and has it prove now and then that it still hears. One that cannot is opened
 * again: watchers fall silent without a word when a folder is replaced or a disk is taken out.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { probeMs, probeMsMax, unwatchedScanMs } from '@anysync/protocol/limits.ts'
import { firstToEnd } from '../first-to-end.ts'
import type { Latch } from '../latch.ts'
import type { Chance, Clock, Hint, Watcher } from '../ports.ts'
import { retryDelayMs } from './retry-delay.ts'

export type WatchDiskParts = {
  watcher: Watcher
  clock: Clock
  chance: Chance
  /** Set when there is reason to doubt the watcher: it is probed at once. */
  doubt: Latch
  /** Also 'all', whenever the watcher was opened: what happened before is not known. */
  onHint: (hint: Hint) => void
  /** After every try. Null: it is open, all is watched, and it has just proved it. */
  onHealth: (trouble: SyncError | null) => void
}

/** Runs until aborted, and then rejects with the signal's reason. */
export const watchDisk = async (parts: WatchDiskParts, signal: AbortSignal): Promise<never> => {
  const { watcher, clock, chance } = parts
  for (let failures = 0; ;) {
    try {
      await watcher.open(signal)
      parts.onHint('all')
      const whenProved = (): void => {
        failures = 0
      }
      await firstToEnd(signal, [
        (signal) => listen(parts, signal),
        (signal) => proveAgainAndAgain(parts, whenProved, signal),
      ])
      continue
    } catch (error) {
      if (signal.aborted || !(error instanceof SyncError)) throw error
      parts.onHealth(error)
    }
    await clock.wait(retryDelayMs(failures, chance), signal)
    failures += 1
  }
}

const listen = async ({ watcher, onHint }: WatchDiskParts, signal: AbortSignal): Promise<never> => {
  for (;;) onHint(await watcher.nextHint(signal))
}

/** Resolves when the watcher should be opened again, though it works: it did not watch everything. */
const proveAgainAndAgain = async (
  parts: WatchDiskParts,
  whenProved: () => void,
  signal: AbortSignal,
): Promise<void> => {
  const { watcher, clock, doubt } = parts
  for (;;) {
    await prove(parts, signal)
    whenProved()
    const gap = watcher.gap()
    parts.onHealth(gap === null ? null : new SyncError('watcher.watch', 'unavailable', gap))
    const waitMs = gap === null ? probeMs : unwatchedScanMs
    await firstToEnd(signal, [(signal) => clock.wait(waitMs, signal), (signal) => doubt.next(signal)])
    if (gap !== null) return
  }
}

/** Throws `unavailable` when a change of our own is not told in time, `missing` when the linked folder is not there. */
const prove = async ({ watcher, clock }: WatchDiskParts, signal: AbortSignal): Promise<void> => {
  const patience = async (signal: AbortSignal): Promise<boolean> => {
    // Twice half of it: a program that was busy for long hears its clock before what it was told meanwhile.
    await clock.wait(probeMsMax / 2, signal)
    await clock.wait(probeMsMax / 2, signal)
    return false
  }
  const isProved =
    watcher.isInPlace() && (await firstToEnd(signal, [(signal) => watcher.probe(signal).then(() => true), patience]))
  if (isProved) return
  throw new SyncError(
    'watcher.probe',
    'unavailable',
    'the watcher of this folder no longer tells of changes: it is opened again, and everything is looked at',
  )
}
