/**
 * Proves a sample of each linked vault once a day, for as long as the daemon runs, one after the other. What keeps it from
 * asking the server is tried again later; what the server answers wrongly is in the certificate. Knows no vault itself.
 */
import type { Chance, Clock } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'
import { proofLookMs, proofRetryMs } from '@anysync/protocol/limits.ts'
import { isProofDue } from './proof-due.ts'

export type ProverParts = {
  clock: Clock
  chance: Chance
  /** Of the folders that are linked now. */
  vaultIds(): Iterable<VaultId>
  /** The most that one proof reads; null while none is wanted. */
  bytesMax(): number | null
  /** The time of the last certificate; null when there is none. */
  lastNs(vaultId: VaultId): bigint | null
  /** Notes its certificate, by which it is not due any more. Ends early, without one, when aborted. */
  prove(vaultId: VaultId, bytesMax: number, signal: AbortSignal): Promise<void>
  onTrouble(vaultId: VaultId, error: SyncError): void
}

/** Until aborted; then it resolves when no proof runs any more. Rejects with what is a bug. */
export const runProver = async (parts: ProverParts, signal: AbortSignal): Promise<void> => {
  const { clock, chance } = parts
  const jitter = (chance.bytes(1)[0] ?? 0) / 255
  const startedNs = clock.nowNs()
  const retryAtMs = new Map<VaultId, number>()
  try {
    for (;;) {
      await clock.wait(proofLookMs, signal)
      const bytesMax = parts.bytesMax()
      if (bytesMax === null) continue
      for (const vaultId of new Set(parts.vaultIds())) {
        const isDue = isProofDue({ nowNs: clock.nowNs(), startedNs, lastNs: parts.lastNs(vaultId), jitter })
        if (!isDue || clock.monotonicMs() < (retryAtMs.get(vaultId) ?? 0)) continue
        try {
          await parts.prove(vaultId, bytesMax, signal)
          retryAtMs.delete(vaultId)
        } catch (error) {
          if (!(error instanceof SyncError)) throw error
          retryAtMs.set(vaultId, clock.monotonicMs() + proofRetryMs)
          parts.onTrouble(vaultId, error)
        }
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
