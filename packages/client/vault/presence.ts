/**
 * Whether all that a tree needs is in packs that are in use.
 */
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import type { Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { State } from '../ports.ts'
import { createMarks, type MarkParts, type Marks } from './mark.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import { pendingIds } from './stored-packs.ts'

export type PresenceParts = Omit<MarkParts, 'onChunk'> & { state: State; keys: VaultKeys }

/** Checks one root after the other: null when it is whole, else why not. What several have in common is looked at once. */
export const checkPresence = (parts: PresenceParts): ((root: Content) => Promise<string | null>) => {
  const { state, keys } = parts
  const pending = pendingIds(state, keys.vaultId)
  const create = (): Marks =>
    createMarks({
      ...parts,
      onChunk(id) {
        const place = state.findChunk(keys.vaultId, id)
        if (place !== null && !pending.has(place.pack)) return
        throw new SyncError('vault.presence', 'corrupt', `no pack of the vault holds chunk ${id}`)
      },
    })
  let marks = create()
  return async (root) => {
    try {
      await marks.mark(root)
      return null
    } catch (error) {
      if (!isTrouble(error, 'corrupt')) throw error
      // What was marked below a tree that is not whole says nothing.
      marks = create()
      return error.message
    }
  }
}

/** Whether all that the snapshots need is in packs that are in use. */
export const areWhole = async (parts: PresenceParts, snapshots: readonly { root: Content }[]): Promise<boolean> => {
  const check = checkPresence(parts)
  for (const { root } of snapshots) if ((await check(root)) !== null) return false
  return true
}
