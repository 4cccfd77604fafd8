/**
 * Into which folders a scan goes next: all of them below what is new, was moved or became another; else those that the
 * scope names.
 */
import { assert } from '@anysync/protocol/errors.ts'
import type { NodeId } from '@anysync/protocol/ids.ts'
import { joinPath } from '../path.ts'
import type { BaseNode, DiskEntry, DiskStat } from '../ports.ts'
import type { Found } from './identify-node.ts'
import type { FolderToList } from './scan-scope.ts'
import type { Scope } from './scope.ts'

/** `below`: folders that were found in the one that is looked at, to be looked at next. */
export type Descent = { parts: { scope: Scope }; below: FolderToList[] }

/** Everything is looked at below what is new, was moved or became another; else only what the scope names. */
export const lookInside = (
  { parts, below }: Descent,
  above: FolderToList,
  node: BaseNode | null,
  id: NodeId,
  { path, folder, name, stat }: Found,
): void => {
  const isSame =
    node !== null &&
    node.parent === folder &&
    node.name === name &&
    node.disk !== null &&
    node.disk.inode === stat.inode
  if (parts.scope !== 'all' && isSame && !above.isWhole) return
  below.push({
    id,
    path,
    isNew: node === null,
    isElsewhere: isElsewhere(node, stat),
    isWhole: above.isWhole || !isSame,
    above,
  })
}

/**
 * Whether another file system lies under a folder's name: a disk was taken out, or mounted there. Systems number their
 * file systems anew at every start, but then the folder's inode stays. [Note: absence is not deletion]
 */
const isElsewhere = (base: BaseNode | null, stat: DiskStat): boolean => {
  const disk = base?.disk ?? null
  return disk !== null && disk.device !== stat.device && disk.inode !== stat.inode
}

/** Goes on with what lies in a folder in which all is as the base has it. */
export const passOver = ({ parts, below }: Descent, above: FolderToList, entries: DiskEntry[], ids: NodeId[]): void => {
  if (parts.scope !== 'all' && !above.isWhole) return
  const names = entries.filter(({ stat }) => stat?.kind === 'folder').map(({ name }) => name)
  for (const [i, name] of names.entries()) {
    const id = ids[i]
    assert(id !== undefined, 'a listing has a row for each of its folders')
    const path = joinPath(above.path, name)
    below.push({ id, path, isNew: false, isElsewhere: false, isWhole: above.isWhole, above })
  }
}

/** Whether a folder lies below this node, as far as the scan saw: what moves during a scan may seem to lie in itself. */
export const isOnTheWay = (folder: FolderToList, node: BaseNode): boolean => {
  for (let at: FolderToList | null = folder; at !== null; at = at.above) if (at.id === node.id) return true
  return false
}
