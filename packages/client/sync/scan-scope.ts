/**
 * From the paths that a watcher told of to the folders that a scan must list: only what still is the folder that the
 * base knows can be listed by itself. Where something on the way is new, was moved or is another, the folder above it
 * is listed, and finds out.
 */
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { joinPath } from '../path.ts'
import type { BaseNode, Disk, State } from '../ports.ts'
import { lookAt } from './look-at.ts'
import type { Scope } from './scope.ts'

export type FolderToList = {
  id: NodeId
  path: string
  /** The base has no row of it, and so none below it. */
  isNew: boolean
  /** Another file system lies there than the base knows. */
  isElsewhere: boolean
  /** Everything below it is to be listed as well. */
  isWhole: boolean
  /** The folder in which it was found; null for the root. */
  above: FolderToList | null
}

export type ScopeParts = { disk: Disk; state: State; linkId: string }

/** The folders to begin with, those above before those below. `wholes` are looked at with all that is below them. */
export const foldersToList = async (
  parts: ScopeParts,
  scope: Scope,
  wholes: ReadonlySet<string> = new Set(),
): Promise<FolderToList[]> => {
  const root: FolderToList = {
    id: rootNodeId,
    path: '',
    isNew: false,
    isElsewhere: false,
    isWhole: scope === 'all',
    above: null,
  }
  if (scope === 'all') return [root]
  const found = new Map<string, FolderToList>()
  for (const path of wholes.union(scope)) {
    const folder = await nearestKnown(parts, path, root)
    const isWhole = folder.isWhole || (folder.path === path && wholes.has(path))
    const before = found.get(folder.path)
    found.set(folder.path, before?.isWhole === true ? before : { ...folder, isWhole })
  }
  return [...found.values()].sort((a, b) => depthOf(a.path) - depthOf(b.path))
}

/** Paths of the folders of which all below is to be listed as well, or of the others. */
export const pathsOf = (folders: readonly FolderToList[], isWhole: boolean): Set<string> =>
  new Set(folders.filter((folder) => folder.isWhole === isWhole).map(({ path }) => path))

const depthOf = (path: string): number => (path === '' ? 0 : path.split('/').length)

/** The folder itself, or the lowest one above it that is where and what the base says. */
const nearestKnown = async (parts: ScopeParts, path: string, root: FolderToList): Promise<FolderToList> => {
  let folder = root
  for (const name of path === '' ? [] : path.split('/')) {
    const below = joinPath(folder.path, name)
    const rows = parts.state.childrenNamed(parts.linkId, folder.id, name).filter(isFolderHere)
    const stat = rows.length === 0 ? null : await lookAt(parts.disk, below)
    // Its name alone does not tell whether it is the same: all that is in the folder above is looked at.
    if (stat === 'closed') return { ...folder, isWhole: true }
    // Two may have one name: one that was set aside and its successor.
    const base = stat?.kind === 'folder' ? rows.find(({ disk }) => disk?.inode === stat.inode) : undefined
    if (base === undefined) return folder
    folder = { id: base.id, path: below, isNew: false, isElsewhere: false, isWhole: false, above: folder }
  }
  return folder
}

const isFolderHere = (node: BaseNode): boolean => node.kind === 'folder' && node.disk !== null
