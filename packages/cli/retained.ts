/**
 * When the rules of what is kept were last applied to a vault by this device: for `anysync status`, and for the next time.
 */
import type { State } from '@anysync/client/ports.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'

/** `nextNs`: when it is due again. */
export type Retained = { timeNs: bigint; nextNs: bigint; forgotten: number }

const fact = 'retained'

export const noteRetained = (state: State, vaultId: VaultId, { timeNs, nextNs, forgotten }: Retained): void =>
  state.putFact(vaultId, fact, `${timeNs} ${nextNs} ${forgotten}`)

/** When this device last applied rules to a vault; null when it never did. */
export const retainedOf = (state: State, vaultId: VaultId): Retained | null => {
  const [time, next, forgotten] = state.fact(vaultId, fact)?.split(' ') ?? []
  if (time === undefined || next === undefined) return null
  return { timeNs: BigInt(time), nextNs: BigInt(next), forgotten: Number(forgotten) }
}
