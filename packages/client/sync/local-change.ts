/** What of a node on the disk differs from the base; the state that the planner compares. */
import type { NodeId } from '@anysync/protocol/ids.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { isSameStat } from '../disk-stat.ts'
import type { BaseNode, Disk } from '../ports.ts'
import { asideId, recoveredName, type Found } from './identify-node.ts'
import type { LocalChange, LocalNode } from './scan.ts'
import type { Trouble } from './report.ts'

/** Null for what is as the base has it. The target of a link is empty; `withTarget` reads it. */
export const changeOf = (id: NodeId, base: BaseNode | null, found: Found): LocalChange | null => {
  const { stat, path } = found
  if (stat.kind === 'other') return null
  const asideOf = asideId(found.name)
  const isAside = asideOf !== null && (base === null || base.id === asideOf)
  const place = placeOf(base, found, isAside ? asideOf : null)
  const isPlaceSame = base !== null && !isAside && base.parent === place.parent && base.name === place.name
  if (isPlaceSame && base.disk !== null && isSameStat(base.disk, stat)) return null
  const local: LocalNode = {
    id,
    parent: place.parent,
    name: place.name,
    kind: stat.kind,
    mode: stat.kind === 'symlink' ? 0 : stat.mode,
    mtimeNs: stat.mtimeNs,
    size: stat.kind === 'file' ? stat.size : 0,
    content: null,
    linkTarget: '',
    path,
    folder: found.folder,
    disk: stat,
    isAside,
  }
  return { base, local }
}

/** The change of a link, with its target. Null, with the trouble noted, when that cannot be read. */
export const withTarget = async (
  disk: Disk,
  { base, local }: LocalChange,
  told: { troubles: Trouble[] },
): Promise<LocalChange | null> => {
  const linkTarget = local === null ? null : await readLink(disk, local.path, told)
  return local === null || linkTarget === null ? null : { base, local: { ...local, linkTarget } }
}

/** Where a node belongs: what was set aside, to where it lay before, or under a name of its own. */
const placeOf = (base: BaseNode | null, found: Found, asideOf: NodeId | null): { parent: NodeId; name: string } => {
  if (asideOf === null) return { parent: found.folder, name: found.name }
  return base ?? { parent: found.folder, name: recoveredName(asideOf) }
}

const readLink = async (disk: Disk, path: string, told: { troubles: Trouble[] }): Promise<string | null> => {
  try {
    return await disk.readLink(path)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    told.troubles.push({ path, kind: 'unreadable', message: error.message })
    return null
  }
}
