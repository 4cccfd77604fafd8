/**
 * When a vault was last proven to be whole on this device, and how much of its data was read for that: `anysync verify`
 * notes it, and `anysync status` shows it.
 */
import type { State } from '@anysync/client/ports.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'

/** `share`: of the packs, how many were read whole, 0 to 1. */
export type Proven = { timeNs: bigint; share: number }

const fact = 'proven'

export const noteProven = (state: State, vaultId: VaultId, { timeNs, share }: Proven): void =>
  state.putFact(vaultId, fact, `${timeNs} ${share}`)

/** Null when it never was. */
export const provenOf = (state: State, vaultId: VaultId): Proven | null => {
  const [time, share] = state.fact(vaultId, fact)?.split(' ') ?? []
  return time === undefined ? null : { timeNs: BigInt(time), share: Number(share) }
}
