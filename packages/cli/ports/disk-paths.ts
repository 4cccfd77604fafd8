/**
 * From a path in the linked folder to one of the system, and the fence that keeps every call inside: no parent may be
 * a symlink, or a link made by anyone would lead writes out of the folder. Nothing is remembered between calls.
 */
import { lstatSync, realpathSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { folderOf, nameOf } from '@anysync/client/path.ts'
import { attempt } from './disk-errors.ts'
import { noLibc, type Libc } from './libc.ts'
import { privateName } from './refuse-name.ts'

export type DiskPaths = {
  /** The absolute root, as given. */
  root: string
  /** A path of AnySync's own, below the private folder. */
  inPrivate: (...names: string[]) => string
  /**
   * The absolute path; `missing`, or `conflict` when a parent is a link. The path itself is not looked at, nor
   * whether its last parent is a folder: the call that follows says so.
   */
  fenced: (operation: string, path: string) => string
  /** `fenced` for many paths that are used at once, one after the other: each folder is looked at once. */
  fenceForMany: (operation: string) => (path: string) => string
  /** The absolute path of one that was fenced before. */
  fullOf: (path: string) => string
  /** The same for a folder that will be read: the folder itself is checked as well. */
  fencedFolder: (operation: string, path: string) => string
}

/** `libc`, where it was loaded, makes the fence several times cheaper. */
export const diskPaths = (givenRoot: string, libc: Libc = noLibc): DiskPaths => {
  const root = resolve(givenRoot)

  const fence = (operation: string, names: readonly string[]): string => {
    const full = below(root, ...names)
    if (libc.isFolderWithoutLinks?.(full) === true) return full
    // The root itself may lie below a link, and that is the person's affair.
    const real = attempt(operation, () => realpathSync.native(full))
    const realRoot = attempt(operation, () => realpathSync.native(root))
    // One look settles it, but for systems that fold case or Unicode forms: there the names decide one by one.
    if (real !== below(realRoot, ...names)) checkEach(operation, root, names)
    return full
  }

  const fenced = (operation: string, path: string): string => {
    const names = namesOf(operation, path)
    fence(operation, names.slice(0, -1))
    return below(root, ...names)
  }

  const fenceForMany = (operation: string): ((path: string) => string) => {
    const fullByFolder = new Map<string, string>()
    return (path) => {
      if (path === '') return fence(operation, [])
      const [folder, name] = [folderOf(path), nameOf(path)]
      const known = fullByFolder.get(folder)
      // What stands before the last name was looked at with the first path that began so.
      const isSeen = known !== undefined && folder !== '' && name !== ''
      const names = namesOf(operation, isSeen ? name : path)
      const full = known ?? fence(operation, names.slice(0, -1))
      fullByFolder.set(folder, full)
      return below(full, ...names.slice(-1))
    }
  }

  const fencedFolder = (operation: string, path: string): string => fence(operation, namesOf(operation, path))

  return {
    root,
    inPrivate: (...names) => join(root, privateName, ...names),
    fenced,
    fenceForMany,
    fullOf: (path) => (path === '' ? root : below(root, sep === '/' ? path : path.replaceAll('/', sep))),
    fencedFolder,
  }
}

/**
 * A path of names that are in order. `join` of node:path looks at every letter of the folder anew, and leaves a few kilobytes
 * of garbage behind, which counts where there are many files.
 */
export const below = (folder: string, ...names: string[]): string =>
  names.length === 0 ? folder : (folder.endsWith(sep) ? folder : folder + sep) + names.join(sep)

/** Paths come from trees that others wrote: a name that could leave the folder stops here, whoever let it pass. */
const namesOf = (operation: string, path: string): string[] => {
  if (path === '') return []
  const names = path.split('/')
  demand(!names.some(isHostile), operation, 'invalid', 'the path holds a name that no folder can have')
  demand(!names.includes(privateName), operation, 'invalid', "the path leads into AnySync's own folder")
  return names
}

const isHostile = (name: string): boolean =>
  name === '' ||
  name === '.' ||
  name === '..' ||
  name.includes('\0') ||
  !name.isWellFormed() ||
  (sep === '\\' && /[\\:]/.test(name))

const checkEach = (operation: string, root: string, names: readonly string[]): void => {
  let folder = root
  for (const name of names) {
    folder = join(folder, name)
    const stat = attempt(operation, () => lstatSync(folder))
    if (stat.isDirectory()) continue
    throw new SyncError(
      operation,
      'conflict',
      'a folder was expected and something else is there, and links are never followed',
    )
  }
}
