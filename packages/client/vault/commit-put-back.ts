/**
 * Puts something back and commits it as a new snapshot, anew when another device was faster.
 */
import { demand } from '@anysync/protocol/errors.ts'
import { NodeKind, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { sameContent } from '../content/content.ts'
import { anew } from './anew.ts'
import { diffTrees } from './diff.ts'
import { planPutBack, type PutBackOptions, type PutBackStep } from './put-back.ts'
import type { Commit, SnapshotInfo, Vault } from './vault-types.ts'

export type PutBackReport = {
  steps: PutBackStep[]
  /** Null when everything is so already. */
  snapshot: SnapshotInfo | null
}

/**
 * Makes the path what it was in that snapshot, which must be one of the vault's. `conflict` when others keep changing
 * the vault; `missing` when the snapshot was forgotten meanwhile.
 */
export const commitPutBack = async (
  vault: Vault,
  then: SnapshotInfo,
  path: string,
  options: PutBackOptions,
): Promise<PutBackReport> => {
  await vault.refresh()
  return anew(vault, async () => {
    const newest = vault.newest()
    // Only what a kept snapshot needs is certain to be stored.
    const isKept = vault.snapshots().some(({ hash }) => hash === then.hash)
    demand(newest !== null && isKept, 'vault.restore', 'missing', `snapshot ${then.sequence} is not kept any more`)
    const { edits, parentOf, steps } = await planPutBack(
      vault,
      { newest: newest.root, wanted: then.root },
      path,
      options,
    )
    if (edits.length === 0) return { steps, snapshot: null }
    const { root, touched } = await vault.editTree(newest.root, edits, parentOf)
    if (sameContent(root, newest.root)) return { steps: [], snapshot: null }
    const statistics = await countAfter(vault, newest, root)
    return { steps, snapshot: await vault.commit({ expected: newest, root, touched, isPartial: false, statistics }) }
  })
}

/** The totals of the vault after what differs between the newest snapshot and the new root. */
const countAfter = async (vault: Vault, newest: SnapshotInfo, root: Content): Promise<Commit['statistics']> => {
  const { files, folders, symlinks, bytes } = newest.statistics
  const totals = { files, folders, symlinks, bytes, nodesChanged: 0n, nodesRemoved: 0n }
  const count = (node: Node, sign: bigint): void => {
    if (node.kind === NodeKind.FOLDER) totals.folders += sign
    else if (node.kind === NodeKind.SYMLINK) totals.symlinks += sign
    else {
      totals.files += sign
      totals.bytes += sign * (node.content?.size ?? 0n)
    }
  }
  for (const { before, after } of (await diffTrees(vault, newest.root, root)).differences) {
    if (before !== null) count(before.node, -1n)
    if (after !== null) count(after.node, 1n)
    if (after === null) totals.nodesRemoved += 1n
    else totals.nodesChanged += 1n
  }
  for (const key of ['files', 'folders', 'symlinks', 'bytes'] as const) if (totals[key] < 0n) totals[key] = 0n
  return totals
}
