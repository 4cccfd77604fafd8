/**
 * Listens to the server, which tells of every head that moves, and takes the line up again when it is lost.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'
import type { Chance, Clock, Remote } from '../ports.ts'
import { retryDelayMs } from './retry-delay.ts'

export type WatchHeadParts = {
  remote: Pick<Remote, 'watch'>
  vaultId: VaultId
  clock: Clock
  chance: Chance
  /** The head's sequence, 0 for an empty vault: once after every connection, and whenever it moved. */
  onHead: (sequence: number) => void
  /** The server answers. `isAgain`: after it was lost, so that what happened meanwhile is not known. */
  onReached: (isAgain: boolean) => void
  onLost: (error: SyncError) => void
}

/** Runs until aborted, and then rejects with the signal's reason. */
export const watchHead = async (parts: WatchHeadParts, signal: AbortSignal): Promise<never> => {
  let wasLost = false
  for (let failures = 0; ;) {
    let isReached = false
    try {
      for await (const { vaultId, head } of parts.remote.watch(signal)) {
        failures = 0
        if (!isReached) parts.onReached(wasLost)
        isReached = true
        if (vaultId === parts.vaultId) parts.onHead(head?.sequence ?? 0)
      }
      signal.throwIfAborted()
      parts.onLost(new SyncError('vault.watch', 'unavailable', 'the server ended the line: it is taken up again'))
    } catch (error) {
      if (signal.aborted || !(error instanceof SyncError)) throw error
      parts.onLost(error)
    }
    wasLost = true
    await parts.clock.wait(retryDelayMs(failures, parts.chance), signal)
    failures += 1
  }
}
