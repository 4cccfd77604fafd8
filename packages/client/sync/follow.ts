/**
 * Stays in step: takes a turn whenever the disk or the head may have changed, and every hour besides. Watching only
 * wakes the loop; every turn looks for itself, so a hint that is lost costs time and nothing else.
 */
import { SyncError, isTrouble } from '@anysync/protocol/errors.ts'
import { confirmationMs, fullScanMs, quietMs, quietMsMax, retryMsMax, retryMsMin } from '@anysync/protocol/limits.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'
import { Latch } from '../latch.ts'
import type { Chance, Clock, Remote, Watcher } from '../ports.ts'
import type { Engine } from './engine.ts'
import type { TurnReport } from './report.ts'

export type FollowParts = {
  engine: Engine
  watcher: Watcher
  remote: Remote
  vaultId: VaultId
  clock: Clock
  chance: Chance
  /** The sequence that this device knows of. */
  newestSequence: () => number
  onTurn: (report: TurnReport) => void
  /** A turn or a watch that failed; the loop goes on. */
  onTrouble: (error: SyncError) => void
  signal: AbortSignal
}

/** Runs until aborted. Throws only what is a bug. */
export const follow = async (parts: FollowParts): Promise<void> => {
  const { signal } = parts
  const bell = new Latch()
  const background = [
    untilAborted(signal, () => watchDisk(parts, bell)),
    untilAborted(signal, () => watchHead(parts, bell)),
    untilAborted(signal, () => watchConfirmation(parts, bell)),
  ]
  await untilAborted(signal, async () => {
    let failures = 0
    for (;;) {
      bell.clear()
      let pauseMs = fullScanMs
      try {
        const report = await parts.engine.turn()
        failures = 0
        parts.onTurn(report)
      } catch (error) {
        if (!(error instanceof SyncError)) throw error
        parts.onTrouble(error)
        pauseMs = retryDelayMs(failures, parts.chance)
        failures += 1
      }
      await rungWithin(bell, parts.clock, pauseMs, signal)
    }
  })
  await Promise.all(background)
}

/** How long to wait before trying again: doubled with each failure, and spread so that many devices do not come at once. */
export const retryDelayMs = (failures: number, chance: Chance): number => {
  const ceiling = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(failures, 16))
  const [spread = 0] = chance.bytes(1)
  return Math.round(ceiling / 2 + (ceiling / 2) * (spread / 255))
}

/** Runs work that ends only by the signal; anything else that ends it is thrown. */
const untilAborted = async (signal: AbortSignal, work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Waits until rung, or so many milliseconds. Rejects when aborted. */
const rungWithin = async (bell: Latch, clock: Clock, ms: number, signal: AbortSignal): Promise<void> => {
  const over = new AbortController()
  const both = AbortSignal.any([signal, over.signal])
  const ignored = (error: unknown): void => {
    if (!both.aborted) throw error
  }
  await Promise.race([bell.next(both).catch(ignored), clock.wait(ms, both).catch(ignored)])
  over.abort()
  signal.throwIfAborted()
}

/** Rings when the folder has been quiet for a moment after a change, or after some seconds of changes without end. */
const watchDisk = async ({ watcher, clock, signal, chance, onTrouble }: FollowParts, bell: Latch): Promise<void> => {
  for (let failures = 0; ;) {
    try {
      await watcher.nextChange(signal)
      failures = 0
    } catch (error) {
      if (!isTrouble(error, 'unavailable')) throw error
      onTrouble(error)
      // Without a watcher there are still turns; trying again must not be busy work.
      await clock.wait(retryDelayMs(failures, chance), signal)
      failures += 1
      continue
    }
    const startedMs = clock.monotonicMs()
    while (clock.monotonicMs() - startedMs < quietMsMax && (await changesWithin(watcher, clock, signal))) continue
    bell.set()
  }
}

const changesWithin = async (watcher: Watcher, clock: Clock, signal: AbortSignal): Promise<boolean> => {
  const over = new AbortController()
  const both = AbortSignal.any([signal, over.signal])
  const changed = watcher.nextChange(both).then(
    () => true,
    () => false,
  )
  const quiet = clock.wait(quietMs, both).then(
    () => false,
    () => false,
  )
  const hasChanged = await Promise.race([changed, quiet])
  over.abort()
  signal.throwIfAborted()
  return hasChanged
}

/** Rings when the server tells of a newer head, and after every reconnection, for what happened meanwhile is not known. */
const watchHead = async (parts: FollowParts, bell: Latch): Promise<void> => {
  const { remote, vaultId, clock, chance, signal } = parts
  for (let failures = 0; ;) {
    try {
      for await (const { vaultId: moved, head } of remote.watch(signal)) {
        failures = 0
        if (moved === vaultId && (head?.sequence ?? 0) !== parts.newestSequence()) bell.set()
      }
      signal.throwIfAborted()
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      parts.onTrouble(error)
    }
    await clock.wait(retryDelayMs(failures, chance), signal)
    failures += 1
  }
}

/** Rings when a person has confirmed deletions that waited: another program notes it in the state. */
const watchConfirmation = async ({ engine, clock, signal }: FollowParts, bell: Latch): Promise<void> => {
  for (let wasConfirmed = engine.isConfirmed(); ;) {
    await clock.wait(confirmationMs, signal)
    const isConfirmed = engine.isConfirmed()
    if (isConfirmed && !wasConfirmed) bell.set()
    wasConfirmed = isConfirmed
  }
}
