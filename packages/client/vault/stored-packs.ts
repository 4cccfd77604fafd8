/**
 * Packs on the server and what this device believes of them.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import type { IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { packIdFromBytes, type PackId, type VaultId } from '@anysync/protocol/ids.ts'
import { indexedPack, type SealedPack } from '../content/pack.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { Remote, State } from '../ports.ts'

type StoredParts = { keys: Pick<VaultKeys, 'vaultId'>; state: State; remote: Remote }

/**
 * Stores a pack. Durable there before it is remembered here: what this device believes to be stored, is. It is pending
 * until a record brings it, whatever interrupts that.
 */
export const storePack = async ({ keys, state, remote }: StoredParts, pack: SealedPack): Promise<void> => {
  await remote.putPack(keys.vaultId, pack.id, pack.bytes)
  state.putPack(keys.vaultId, indexedPack(pack), true)
}

/** Packs that this device has stored and no record has brought yet: nobody else knows of them. */
export const pendingIds = (state: Pick<State, 'pendingPacks'>, vaultId: VaultId): Set<PackId> =>
  new Set(state.pendingPacks(vaultId).map(({ pack }) => packIdFromBytes(pack)))

/** Packs that records have brought and none has retired, as far as this device knows: without those on their way. */
export const packsInUse = (state: Pick<State, 'packIds' | 'pendingPacks'>, vaultId: VaultId): PackId[] => {
  const pending = pendingIds(state, vaultId)
  return state.packIds(vaultId).filter((id) => !pending.has(id))
}

/** Whether something is wrong with the pack that was asked for, and not with the way to the server. */
export const isPackTrouble = (error: unknown): error is SyncError =>
  error instanceof SyncError && (error.kind === 'corrupt' || error.kind === 'missing')

/** Of these packs those that the server has, in their order: it may have lost some that its log names. */
export const storedOnServer = async (
  { keys, remote }: Pick<StoredParts, 'keys' | 'remote'>,
  packs: IndexedPack[],
): Promise<IndexedPack[]> => {
  const ids = packs.map(({ pack }) => packIdFromBytes(pack))
  const existing = await remote.existingPacks(keys.vaultId, ids)
  return packs.filter((_, i) => ids[i] !== undefined && existing.has(ids[i]))
}

/**
 * The packs in use that the server deletes when the hold time has passed all the same: whoever appended a record told it
 * to retire other packs than the record says, which no client does.
 */
export const doomedPacks = async ({ keys, state, remote }: StoredParts): Promise<IndexedPack[]> => {
  const existing = await remote.existingPacks(keys.vaultId, state.packIds(keys.vaultId))
  return [...existing].flatMap(([id, how]) => {
    const pack = how === 'retired' ? state.pack(keys.vaultId, id) : null
    return pack === null ? [] : [pack]
  })
}
