/**
 * When the daemon proves a sample of a vault again. Pure.
 */
import { nsOf } from '@anysync/client/ns.ts'
import { proofJitterMs, proofMs, proofStartMs } from '@anysync/protocol/limits.ts'

export type ProofSight = {
  nowNs: bigint
  /** When this daemon started. */
  startedNs: bigint
  /** Of the last certificate; null when there is none. */
  lastNs: bigint | null
  /** 0 to 1, of this daemon: so that the devices of a household, and all households of a server, do not come at once. */
  jitter: number
}

/** Once a day, and not before the first work after a start is done. A last proof in the future is of a clock that was wrong. */
export const isProofDue = ({ nowNs, startedNs, lastNs, jitter }: ProofSight): boolean => {
  const isStarted = nowNs >= startedNs + nsOf(jitter * proofStartMs) || nowNs < startedNs
  if (lastNs === null || lastNs > nowNs) return isStarted
  return isStarted && nowNs >= lastNs + nsOf(proofMs + jitter * proofJitterMs)
}
