/**
 * What a person does to a memory disk behind AnySync's back. Everything here is durable at once: what a person saved
 * survives every crash of the disk, so a test may count on it.
 */
import { assert, demand } from '@anysync/protocol/errors.ts'
import type { FileSystem, Inode, Place } from './disk-inodes.ts'

export type DiskUser = {
  /** Writes in place, or makes the file and the folders above it. A symlink is replaced; a folder is `conflict`. */
  writeFile(path: string, content: string | Uint8Array, mode?: number): void
  /** Saves as editors do: a new file takes the name. */
  saveFile(path: string, content: string | Uint8Array, mode?: number): void
  /** Writes bytes of the same number within the same tick of the clock: no stat shows it. */
  rewriteUnseen(path: string, content: string): void
  /** Makes the folder and those above it. */
  mkdir(path: string): void
  /** Gives a file another name beside its own. */
  link(from: string, to: string): void
  /** Replaces a file or symlink at `to`. */
  rename(from: string, to: string): void
  /** With everything in it. */
  rm(path: string): void
  symlink(target: string, path: string): void
  chmod(path: string, mode: number): void
  setMtime(path: string, mtimeNs: bigint): void
  /** A socket, a device or the like. */
  makeOther(path: string): void
  /** A name that is not UTF-8, shown with U+FFFD. */
  makeLostName(folder: string): void
  /** The disk is taken out: the root is not there. */
  unplug(): void
  /** It is back. */
  plug(): void
  /** An empty folder lies where the root was, as when a disk is not mounted. */
  hideUnderEmptyFolder(): void
}

export const createDiskUser = (fileSystem: FileSystem): DiskUser => {
  const operation = 'user'
  let hidden: Inode | null = null

  const mkdir = (path: string): void => {
    let done = ''
    for (const name of path === '' ? [] : path.split('/')) {
      done = done === '' ? name : `${done}/${name}`
      const place = fileSystem.place(operation, done)
      if (fileSystem.get(place) === null) putNew(place, fileSystem.make('folder', 0o755))
    }
  }

  const putNew = (place: Place, inode: Inode): Inode => {
    const before = fileSystem.get(place)
    fileSystem.put(place, inode)
    if (before !== null) fileSystem.free(before)
    inode.edits += 1
    return inode
  }

  const placeAt = (path: string): Place => {
    const slash = path.lastIndexOf('/')
    if (slash !== -1) mkdir(path.slice(0, slash))
    return fileSystem.place(operation, path)
  }

  const placeForFile = (path: string): Place => {
    const place = placeAt(path)
    demand(fileSystem.get(place)?.kind !== 'folder', operation, 'conflict', 'a folder is there (EISDIR)')
    return place
  }

  const inodeAt = (path: string): Inode => {
    const inode = path === '' ? fileSystem.folder(operation, '') : fileSystem.get(fileSystem.place(operation, path))
    assert(inode !== null, `the test expects something at ${path}`)
    return inode
  }

  const change = (inode: Inode, work: (time: bigint) => void): void => {
    inode.ctimeNs = fileSystem.tick()
    inode.edits += 1
    work(inode.ctimeNs)
  }

  const fill = (inode: Inode, content: string | Uint8Array, mode: number | undefined): void =>
    change(inode, (time) => {
      inode.bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content.slice()
      inode.mtimeNs = time
      if (mode !== undefined) inode.mode = mode
    })

  return {
    mkdir,
    writeFile: (path, content, mode) => {
      const place = placeForFile(path)
      const there = fileSystem.get(place)
      fill(there?.kind === 'file' ? there : putNew(place, fileSystem.make('file', 0o644)), content, mode)
    },
    saveFile: (path, content, mode) => fill(putNew(placeForFile(path), fileSystem.make('file', 0o644)), content, mode),
    rewriteUnseen: (path, content) => {
      const inode = inodeAt(path)
      const bytes = new TextEncoder().encode(content)
      assert(bytes.length === inode.bytes.length, 'another size would be seen')
      inode.bytes = bytes
      inode.edits += 1
    },
    link: (from, to) => {
      const inode = inodeAt(from)
      putNew(placeAt(to), inode)
      change(inode, () => undefined)
    },
    rename: (from, to) => {
      const inode = inodeAt(from)
      const goal = placeAt(to)
      fileSystem.take(fileSystem.place(operation, from))
      putNew(goal, inode)
      change(inode, () => undefined)
    },
    rm: (path) => {
      const inode = inodeAt(path)
      fileSystem.take(fileSystem.place(operation, path))
      fileSystem.free(inode)
    },
    symlink: (target, path) => {
      putNew(placeAt(path), fileSystem.make('symlink', 0o777)).target = target
    },
    chmod: (path, mode) => {
      const inode = inodeAt(path)
      change(inode, () => (inode.mode = mode))
    },
    setMtime: (path, mtimeNs) => {
      const inode = inodeAt(path)
      change(inode, () => (inode.mtimeNs = mtimeNs))
    },
    makeOther: (path) => void putNew(placeAt(path), fileSystem.make('other', 0o644)),
    makeLostName: (path) => {
      mkdir(path)
      const inode = fileSystem.make('file', 0o644)
      fileSystem.folder(operation, path).children.set('\0lost', { name: 'caf\uFFFD', inode, isNameLost: true })
    },
    unplug: () => {
      hidden = fileSystem.root
      fileSystem.root = null
    },
    plug: () => {
      assert(hidden !== null, 'the test plugs in what it took out')
      fileSystem.root = hidden
    },
    hideUnderEmptyFolder: () => {
      hidden = fileSystem.root
      fileSystem.root = fileSystem.make('folder', 0o755)
    },
  }
}
