/**
 * Keeps who stores a pack and who sweeps it apart: a sweep that deleted the file which an upload has just put there would
 * leave a row without bytes. One process serves a home, so its memory is enough.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import type { PackId, VaultId } from '@anysync/protocol/ids.ts'

export type PackLocks = {
  /** For a store; several at once are fine. `unavailable` while the pack is swept. */
  share(vaultId: VaultId, pack: PackId): Disposable
  /** For a sweep. Null while somebody stores the pack. */
  alone(vaultId: VaultId, pack: PackId): Disposable | null
}

const swept = -1

export const createPackLocks = (): PackLocks => {
  const sharers = new Map<string, number>()
  return {
    share(vaultId, pack) {
      const key = `${vaultId}/${pack}`
      const count = sharers.get(key) ?? 0
      if (count === swept) {
        throw new SyncError('object.put', 'unavailable', `pack ${pack} is just being deleted: send it again`)
      }
      sharers.set(key, count + 1)
      return {
        [Symbol.dispose]() {
          const left = (sharers.get(key) ?? 1) - 1
          if (left === 0) sharers.delete(key)
          else sharers.set(key, left)
        },
      }
    },
    alone(vaultId, pack) {
      const key = `${vaultId}/${pack}`
      if (sharers.has(key)) return null
      sharers.set(key, swept)
      return { [Symbol.dispose]: () => void sharers.delete(key) }
    },
  }
}
