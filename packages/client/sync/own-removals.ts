/**
 * Deletions that this device has sent, and that the base does not know of yet because the process died or the reply was
 * lost. They must not be taken for another's: what turns up on the disk after all, for it was only moved, would be deleted
 * there. So before a commit that removes something the state notes what it will make of the vault, and the next round
 * takes over from it what it removed.
 */
import type { Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { contentBytes } from '../content/content.ts'
import type { State } from '../ports.ts'
import type { Vault } from '../vault/vault-types.ts'
import { facts } from './facts.ts'
import { forgetContents, headChanges } from './head-changes.ts'

type OwnRemovalsParts = { state: State; linkId: string; vault: Vault }

/** Before a commit that removes nodes: what it shall make of the vault, as the snapshot after this one. */
export const noteRemovals = (state: State, linkId: string, sequence: number, root: Content): void =>
  state.putFact(linkId, facts.removing, `${sequence} ${contentBytes(root).toHex()}`)

/** When the base holds what was removed. */
export const forgetRemovals = (state: State, linkId: string): void => state.putFact(linkId, facts.removing, null)

/** After a refresh: when the log has the noted commit, the base forgets what that removed, as it would have at once. */
export const takeOverRemovals = async ({ state, linkId, vault }: OwnRemovalsParts): Promise<void> => {
  const [sequence, root] = state.fact(linkId, facts.removing)?.split(' ') ?? []
  // A commit that has not arrived may still be on its way, until another one takes its place.
  if (sequence === undefined || (vault.newest()?.sequence ?? 0) <= Number(sequence)) return
  const snapshots = vault.snapshots()
  // Records that are no snapshots may lie between.
  const index = snapshots.findIndex((snapshot) => snapshot.sequence > Number(sequence))
  const own = snapshots[index]
  if (own !== undefined && contentBytes(own.root).toHex() === root)
    await forgetRemoved({ state, linkId, vault }, own.root, snapshots[index - 1]?.root ?? null)
  forgetRemovals(state, linkId)
}

/** The base forgets what was removed between two trees that followed each other. */
const forgetRemoved = async (
  { state, linkId, vault }: OwnRemovalsParts,
  root: Content,
  rootBefore: Content | null,
): Promise<void> => {
  const parts = { state, linkId, tree: (content: Content) => vault.tree(content) }
  const head = await headChanges(parts, root)
  // What was gone before the commit is another's deletion, which could not be carried out here yet.
  const before = await headChanges(parts, rootBefore)
  state.transact(() => {
    // Children before parents: what is above a node that lives must be known.
    for (const [id, { remote }] of [...head.changes].toReversed()) {
      const isRemoved = remote === null && before.changes.get(id)?.remote !== null
      if (isRemoved && state.children(linkId, id).length === 0) state.removeNode(linkId, id)
    }
    forgetContents(state, linkId, head)
  })
}
