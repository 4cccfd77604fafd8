/**
 * The certificate of the last sampled proof of a vault, as the daemon notes it and `anysync status` shows it.
 */
import * as v from 'valibot'
import type { State } from '@anysync/client/ports.ts'
import type { FailedPack, SampleReport } from '@anysync/client/vault/prove-sample.ts'
import { parsePackId, type VaultId } from '@anysync/protocol/ids.ts'
import { provenOf } from './proven.ts'
import { timeNsSchema } from './schemas.ts'

export type Sampled = SampleReport & { timeNs: bigint }

const fact = 'sampled'

const count = v.pipe(v.number(), v.minValue(0))

const schema = v.object({
  timeNs: timeNsSchema,
  sequence: count,
  packs: count,
  packsRead: count,
  bytesRead: count,
  failed: v.array(
    v.object({ pack: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/), v.transform(parsePackId)), message: v.string() }),
  ),
})

export const noteSampled = (state: State, vaultId: VaultId, sampled: Sampled): void =>
  state.putFact(vaultId, fact, JSON.stringify({ ...sampled, timeNs: sampled.timeNs.toString() }))

/** Null when there was none yet. */
export const sampledOf = (state: State, vaultId: VaultId): Sampled | null => {
  const text = state.fact(vaultId, fact)
  if (text === null) return null
  const parsed = v.safeParse(schema, JSON.parse(text))
  return parsed.success ? parsed.output : null
}

/**
 * What the last sampled proof found and nobody has mended since: a pack that was taken out of use is missed no more, and a
 * whole proof that came later has read the others.
 */
export const failedOf = (state: State, vaultId: VaultId): FailedPack[] => {
  const sampled = sampledOf(state, vaultId)
  if (sampled === null || sampled.failed.length === 0) return []
  const proven = provenOf(state, vaultId)
  if (proven !== null && proven.timeNs > sampled.timeNs) return []
  return sampled.failed.filter(({ pack }) => state.pack(vaultId, pack) !== null)
}
