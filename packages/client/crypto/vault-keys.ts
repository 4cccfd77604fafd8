/**
 * A vault's keys, derived once and ready to use. Content, index and log keys change with the epoch; the chunk-id and
 * gear keys come from epoch 0 for ever, so that a new epoch still finds what an old one stored.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'
import type { Chance, Cipher, Mac } from '../ports.ts'
import { deriveKey, type Purpose } from './purposes.ts'
import { sealKey, type SealKey } from './xaes.ts'

export type VaultKeys = {
  vaultId: VaultId
  /** The newest: what is written now is sealed under it. */
  epoch: number
  /** Keys of an epoch. Throw `corrupt` for an epoch that this device was given no key for. */
  content(epoch: number): SealKey
  index(epoch: number): SealKey
  log(epoch: number): SealKey
  /** Names chunks. */
  chunkId: Mac
  /** Shapes the gear table. 32 bytes. */
  gearKey: Uint8Array
}

/** The keys of a vault from its vault key of each epoch, epoch 0 among them; without that it throws `corrupt`. */
export const openVaultKeys = (
  cipher: Cipher,
  chance: Chance,
  vaultId: VaultId,
  vaultKeyByEpoch: ReadonlyMap<number, Uint8Array>,
): VaultKeys => {
  const vaultKey = (epoch: number): Uint8Array => {
    const key = vaultKeyByEpoch.get(epoch)
    if (key) return key
    const message = `this device has no key for epoch ${epoch} of vault ${vaultId}; sign in again to get it`
    throw new SyncError('vault.keys', 'corrupt', message)
  }
  const sealKeyByEpoch = (purpose: Purpose): ((epoch: number) => SealKey) => {
    const ready = new Map<number, SealKey>()
    return (epoch) => {
      const known = ready.get(epoch)
      if (known) return known
      const key = sealKey(cipher, chance, deriveKey(cipher, vaultKey(epoch), purpose))
      ready.set(epoch, key)
      return key
    }
  }
  return {
    vaultId,
    epoch: Math.max(...vaultKeyByEpoch.keys(), 0),
    content: sealKeyByEpoch('content'),
    index: sealKeyByEpoch('index'),
    log: sealKeyByEpoch('log'),
    chunkId: cipher.mac(deriveKey(cipher, vaultKey(0), 'chunk-id')),
    gearKey: deriveKey(cipher, vaultKey(0), 'gear'),
  }
}
