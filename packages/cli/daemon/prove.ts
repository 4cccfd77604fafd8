/**
 * What the daemon's daily proof is of: the linked vaults of its session, each opened anew for it, so that no turn is
 * disturbed, and certified in the state.
 */
import type { Clock } from '@anysync/client/ports.ts'
import { proveSample } from '@anysync/client/vault/prove-sample.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'
import { counted } from '../output/words.ts'
import { keepingParts } from '../keeping.ts'
import { nodeChance } from '../ports/chance.ts'
import { failedOf, noteSampled, sampledOf } from '../sampled.ts'
import { findVault, openNamed, type Session } from '../session.ts'
import { runProver } from './prover.ts'
import type { Voice } from './voice.ts'

export type ProofParts = {
  session: Session
  voice: Pick<Voice, 'note' | 'alarm'>
  isPaused: () => boolean
  clock: Clock
}

export const proveDaily = ({ session, voice, isPaused, clock }: ProofParts, signal: AbortSignal): Promise<void> => {
  const { state } = session
  let bytesMaxSet: number | null = null
  return runProver(
    {
      clock,
      chance: nodeChance,
      vaultIds: () => state.links().map(({ vaultId }) => vaultId),
      bytesMax: () => {
        bytesMaxSet = bytesMaxOf(session, bytesMaxSet)
        return isPaused() ? null : bytesMaxSet
      },
      lastNs: (vaultId) => sampledOf(state, vaultId)?.timeNs ?? null,
      prove: async (vaultId, bytesMax, signal) => {
        const failed = await proveVault({ session, clock }, vaultId, bytesMax, signal)
        if (failed > 0)
          voice.alarm(
            `of vault ${vaultId} the server has lost or damaged ${counted(failed, 'pack')}: see \`anysync status\``,
          )
      },
      onTrouble(vaultId, { kind, message }) {
        // That the server is not reached is told by whoever follows the folder.
        if (kind !== 'unavailable') voice.note(`vault ${vaultId} was not proven: ${message}`)
      },
    },
    signal,
  )
}

/** As the settings are now. While they cannot be read every turn says so, and this stays as it was. */
const bytesMaxOf = (session: Session, before: number | null): number | null => {
  try {
    return session.settings().proofBytesMax
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    return before
  }
}

/** How many packs failed. */
const proveVault = async (
  { session, clock }: Pick<ProofParts, 'session' | 'clock'>,
  vaultId: VaultId,
  bytesMax: number,
  signal: AbortSignal,
): Promise<number> => {
  const { state } = session
  const vault = openNamed(session, await findVault(session, vaultId))
  const parts = { ...keepingParts({ session, vault }), bytesMax, failedBefore: failedOf(state, vaultId), signal }
  const report = await proveSample(parts)
  signal.throwIfAborted()
  noteSampled(state, vaultId, { ...report, timeNs: clock.nowNs() })
  return report.failed.length
}
