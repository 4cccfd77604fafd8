/**
 * Looks at what a restore would find on a disk: what is not there yet, what is there already with the same bytes, and
 * what stands in the way. Writes nothing.
 */
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { NodeKind, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { treeDepthMax } from '@anysync/protocol/limits.ts'
import { emptyContent, sameContent } from '../content/content.ts'
import { joinPath, nameOf } from '../path.ts'
import type { Clock, Disk, DiskStat } from '../ports.ts'
import type { Vault } from '../vault/vault-types.ts'
import { readStable } from './read-file.ts'

/** A node and where it shall lie, relative to the root of the disk. */
export type Placement = { path: string; node: Node }

/** What stayed behind, and why. */
export type Leftover = { path: string; message: string }

export type Survey = {
  /** What is to be made, folders before what they hold. */
  missing: Placement[]
  /** Files, folders and symlinks that are there already. */
  same: Placement[]
  leftovers: Leftover[]
}

export type SurveyParts = { vault: Pick<Vault, 'tree' | 'identify'>; disk: Disk; clock: Clock }

export const taken = 'something else is there already, and nothing is overwritten'

/** Every node at and below the placements. Files that are there are read to be compared. */
export const survey = async (parts: SurveyParts, placements: readonly Placement[]): Promise<Survey> => {
  const { vault, disk } = parts
  const found: Survey = { missing: [], same: [], leftovers: [] }
  const visit = async (placement: Placement, isParentThere: boolean): Promise<void> => {
    const { path, node } = placement
    const leave = (message: string): void => void found.leftovers.push({ path, message })
    const refusal = disk.refuseName(nameOf(path))
    if (refusal !== null) return leave(`this system cannot store it: ${refusal}`)
    const depth = path.split('/').length
    demand(depth <= treeDepthMax, 'restore.collect', 'corrupt', `the folders are more than ${treeDepthMax} levels deep`)
    let stat: DiskStat | null
    try {
      stat = isParentThere ? await disk.lstat(path) : null
      if (stat !== null && !(await isSame(parts, placement, stat))) return leave(taken)
    } catch (error) {
      if (!isOfDisk(error)) throw error
      return leave(error.message)
    }
    found[stat === null ? 'missing' : 'same'].push(placement)
    if (node.kind !== NodeKind.FOLDER) return
    for (const child of await vault.tree(node.content ?? emptyContent())) {
      await visit({ path: joinPath(path, child.name), node: child }, stat !== null)
    }
  }
  for (const placement of placements) await visit(placement, true)
  return found
}

/** What one place on the disk refuses; a disk that is full refuses everything. */
export const isOfDisk = (error: unknown): error is SyncError =>
  error instanceof SyncError && error.operation.startsWith('disk.') && error.kind !== 'full'

/** Whether what is there is of the node's kind and has its bytes or target. Of folders only that they are folders. */
const isSame = async (
  { vault, disk, clock }: SurveyParts,
  { path, node }: Placement,
  stat: DiskStat,
): Promise<boolean> => {
  if (node.kind === NodeKind.FOLDER) return stat.kind === 'folder'
  if (node.kind === NodeKind.SYMLINK) return stat.kind === 'symlink' && (await disk.readLink(path)) === node.linkTarget
  const content = node.content ?? emptyContent()
  if (stat.kind !== 'file' || BigInt(stat.size) !== content.size) return false
  const read = await readStable({ disk, clock }, path, (source) => vault.identify(source))
  return read !== null && sameContent(read.result, content)
}

/** The files of these that do not have their bytes on the disk, read from there anew. */
export const findDamaged = async (
  parts: SurveyParts,
  placements: readonly Placement[],
  tell: (bytes: number) => void,
): Promise<Leftover[]> => {
  const damaged: Leftover[] = []
  for (const placement of placements) {
    const stat = await parts.disk.lstat(placement.path)
    if (stat === null || !(await isSame(parts, placement, stat)))
      damaged.push({ path: placement.path, message: 'what is on the disk now is not what was restored' })
    tell(Number(placement.node.content?.size ?? 0n))
  }
  return damaged
}
