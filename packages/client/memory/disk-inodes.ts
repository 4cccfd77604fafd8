/**
 * A file system in memory, inode by inode: what a Unix kernel keeps, with its permission checks for an ordinary person
 * who owns everything. Knows nothing of what AnySync does on it.
 */
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { foldNameBy } from '../fold-name.ts'
import type { Clock, DiskKind, DiskStat } from '../ports.ts'

export type Inode = {
  number: bigint
  kind: DiskKind
  mode: number
  mtimeNs: bigint
  ctimeNs: bigint
  bytes: Uint8Array
  target: string
  /** By folded name. */
  children: Map<string, Child>
  /** How many names it has: more than one for hard links. */
  links: number
  /** How often a person changed it: what a person saved is never taken back by a crash. */
  edits: number
}

export type Child = { name: string; inode: Inode; isNameLost: boolean }

/** A name in a folder, whether or not anything has it. */
export type Place = { folder: Inode; name: string }

export type FileSystem = {
  root: Inode | null
  device: bigint
  /** Equal for names that are one here. */
  fold(name: string): string
  /** The time, later with every call, unless the clock was set back: what a kernel with fine timestamps gives. */
  tick(): bigint
  make(kind: DiskKind, mode: number): Inode
  /** The folder and name of a path. `missing` or `conflict` when a parent is not a folder. */
  place(operation: string, path: string): Place
  folder(operation: string, path: string): Inode
  get(place: Place): Inode | null
  put(place: Place, inode: Inode): void
  take(place: Place): void
  /** The number of an inode without a name goes to the next that is made, as on most real disks; what is in it as well. */
  free(inode: Inode): void
  stat(inode: Inode): DiskStat
}

export type FileSystemOptions = {
  clock: Clock
  /** As on Windows and macOS: names that differ only in case or Unicode form are one. */
  foldsNames: boolean
  /** What lies on it to begin with: a copy of all that is on another. */
  from?: FileSystem | undefined
}

/** Permission bits of the owner. */
export const mayRead = 0o400
export const mayWrite = 0o200
export const maySearch = 0o100

export const demandAccess = (operation: string, inode: Inode, bits: number): void =>
  demand((inode.mode & bits) === bits, operation, 'unavailable', 'permission denied (EACCES)')

/** A clock that is so far behind the newest time stamp was set back. */
const setBackNsMin = 1_000_000_000n

export const createFileSystem = ({ clock, foldsNames, from }: FileSystemOptions): FileSystem => {
  let lastNs = 0n
  let lastNumber = 1n
  const fold = (name: string) => foldNameBy({ isCaseFolded: foldsNames, isFormFolded: foldsNames }, name)
  const numbersFree: bigint[] = []

  const fileSystem: FileSystem = {
    root: null,
    device: 1n,
    fold,

    tick: () => {
      const now = clock.nowNs()
      lastNs = now > lastNs || now < lastNs - setBackNsMin ? now : lastNs + 1n
      return lastNs
    },

    make: (kind, mode) => {
      const time = fileSystem.tick()
      return {
        number: numbersFree.pop() ?? (lastNumber += 1n),
        kind,
        mode,
        mtimeNs: time,
        ctimeNs: time,
        bytes: new Uint8Array(),
        target: '',
        children: new Map(),
        links: 0,
        edits: 0,
      }
    },

    folder: (operation, path) => {
      const { root } = fileSystem
      if (root === null) throw new SyncError(operation, 'missing', 'there is nothing at that path any more (ENOENT)')
      let folder = root
      for (const name of path === '' ? [] : path.split('/')) {
        demandAccess(operation, folder, maySearch)
        const child = folder.children.get(fold(name))
        if (child === undefined) {
          throw new SyncError(operation, 'missing', 'there is nothing at that path any more (ENOENT)')
        }
        const isFolder = child.inode.kind === 'folder'
        demand(isFolder, operation, 'conflict', 'a folder was expected and something else is there (ENOTDIR)')
        folder = child.inode
      }
      return folder
    },

    place: (operation, path) => {
      const slash = path.lastIndexOf('/')
      const folder = fileSystem.folder(operation, slash === -1 ? '' : path.slice(0, slash))
      demandAccess(operation, folder, maySearch)
      return { folder, name: path.slice(slash + 1) }
    },

    get: ({ folder, name }) => folder.children.get(fold(name))?.inode ?? null,

    put: ({ folder, name }, inode) => {
      // A rename onto a name keeps how that name was spelled only when it is the same file; so the old goes first.
      fileSystem.take({ folder, name })
      folder.children.set(fold(name), { name, inode, isNameLost: false })
      inode.links += 1
      stamp(folder, fileSystem.tick())
    },

    take: ({ folder, name }) => {
      const child = folder.children.get(fold(name))
      if (child !== undefined) child.inode.links -= 1
      folder.children.delete(fold(name))
      stamp(folder, fileSystem.tick())
    },

    free: (inode) => {
      if (inode.links > 0) return
      numbersFree.push(inode.number)
      for (const child of inode.children.values()) {
        child.inode.links -= 1
        fileSystem.free(child.inode)
      }
    },

    stat: (inode) => ({
      kind: inode.kind,
      size: inode.kind === 'file' ? inode.bytes.length : 0,
      mode: inode.mode,
      mtimeNs: inode.mtimeNs,
      ctimeNs: inode.ctimeNs,
      device: fileSystem.device,
      inode: inode.number,
    }),
  }

  if (from === undefined || from.root === null) fileSystem.root = fileSystem.make('folder', 0o755)
  else {
    const copies = new Map<Inode, Inode>()
    fileSystem.root = copyInode(from.root, copies)
    for (const { number, ctimeNs } of copies.values()) {
      if (number > lastNumber) lastNumber = number
      if (ctimeNs > lastNs) lastNs = ctimeNs
    }
  }
  return fileSystem
}

/** With all below it. Bytes are shared: they are never changed, only replaced. */
const copyInode = (inode: Inode, copies: Map<Inode, Inode>): Inode => {
  const known = copies.get(inode)
  if (known !== undefined) return known
  const copy: Inode = { ...inode, children: new Map() }
  copies.set(inode, copy)
  for (const [key, child] of inode.children) copy.children.set(key, { ...child, inode: copyInode(child.inode, copies) })
  return copy
}

const stamp = (folder: Inode, time: bigint): void => {
  folder.mtimeNs = time
  folder.ctimeNs = time
}
