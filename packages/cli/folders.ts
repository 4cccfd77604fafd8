/**
 * Folders on this disk and the links they belong to: from a path as a person types it to a link and a path in it.
 */
import { realpathSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import type { Link, State } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { errorCode } from './ports/disk-errors.ts'
import { shown } from './output/words.ts'

/** Absolute, with every symlink on the way resolved as far as the path exists. */
export const realPath = (path: string): string => {
  const absolute = resolve(path)
  try {
    return realpathSync.native(absolute)
  } catch (error) {
    const code = errorCode(error)
    const parent = dirname(absolute)
    if (parent === absolute || (code !== 'ENOENT' && code !== 'ENOTDIR')) return absolute
    return join(realPath(parent), basename(absolute))
  }
}

/** Like `realPath`, but a symlink at the path itself stays what it is: it may be a node of a vault. */
export const realPlace = (path: string): string => {
  const absolute = resolve(path)
  const parent = dirname(absolute)
  return parent === absolute ? absolute : join(realPath(parent), basename(absolute))
}

/** Whether a path is a folder or lies in it. */
export const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)

/** A path in a linked folder: relative, with '/' between names, '' for the folder itself. */
export type LinkedPath = { link: Link; path: string }

/** The link that a path on this disk belongs to, or null. */
export const findLinked = (state: State, typed: string): LinkedPath | null => {
  for (const place of new Set([realPlace(typed), realPath(typed)])) {
    const link = state.links().find(({ root }) => isWithin(place, root))
    if (link !== undefined) return { link, path: relative(link.root, place).split(sep).join('/') }
  }
  return null
}

/** The link of a linked folder. `missing` when the folder is not linked. */
export const pickLink = (state: State, typed: string): Link => {
  const place = realPath(typed)
  // A root that is gone has no real path any more, so the path as typed counts as well.
  const link = state.links().find(({ root }) => root === place || root === resolve(typed))
  if (link !== undefined) return link
  const linked = state.links().map(({ root }) => shown(root))
  const known = linked.length === 0 ? 'no folder is linked' : `linked are ${linked.join(', ')}`
  throw new SyncError('link.pick', 'missing', `${shown(resolve(typed))} is not linked: ${known}`)
}

/** The links that a command is about: of one folder or anything in it, or all of them. `missing` when there is none. */
export const pickLinks = (state: State, typed: string | undefined): Link[] => {
  if (typed !== undefined) {
    const linked = findLinked(state, typed)
    return [linked === null ? pickLink(state, typed) : linked.link]
  }
  const links = state.links()
  if (links.length > 0) return links
  throw new SyncError('link.pick', 'missing', 'no folder is linked: link one with `anysync add FOLDER --vault NAME`')
}
