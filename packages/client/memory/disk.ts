/**
 * The Disk in memory: behaves like the real one, inode by inode, and fails when told to. It passes the same suite.
 */
import { assert, demand, SyncError } from '@anysync/protocol/errors.ts'
import { isSameStat } from '../disk-stat.ts'
import type { Clock, Disk, DiskStat } from '../ports.ts'
import { readEach } from '../read-each.ts'
import { placeEach, writeEach } from '../write-each.ts'
import { MemoryTempFile, openInode, type DiskFault } from './disk-files.ts'
import { createFileSystem, demandAccess, mayRead, maySearch, mayWrite } from './disk-inodes.ts'
import type { FileSystem, Inode, Place } from './disk-inodes.ts'
import { demandPath, privateName, refuseAnyName } from './disk-names.ts'
import { createUndoList } from './disk-undo.ts'
import { createDiskUser, type DiskUser } from './disk-user.ts'

export type MemoryDiskOptions = {
  clock: Clock
  fault?: DiskFault
  /** Names that differ only in case or Unicode form are one. */
  foldsNames?: boolean
  /** Names this disk cannot store, beyond those that none can. */
  refuseName?: (name: string) => string | null
  /** What lies on it to begin with: a copy of all that is on another disk. */
  from?: MemoryDisk
}

export type MemoryDisk = Disk & {
  /** The person at this disk. */
  user: DiskUser
  /** What lies on it, for tests that look at much and often. */
  fileSystem: FileSystem
  /**
   * A power cut: of the changes since the last settle, newest first, each for which `isLost` (always, unless told)
   * answers true is undone, as far as nothing later stands in its way. So a file is there whole, or as it was before, or
   * not at all. What a person did stays. Temp files stay behind as litter.
   */
  crash(isLost?: () => boolean): void
  /** How many temp files lie in the private folder. */
  countTemps(): number
}

export const createMemoryDisk = (options: MemoryDiskOptions): MemoryDisk => {
  const { clock, foldsNames = false, from } = options
  const fileSystem = createFileSystem({ clock, foldsNames, from: from?.fileSystem })
  const undoList = createUndoList()
  const temps = new Set<MemoryTempFile>()
  const refuseName = (name: string) => refuseAnyName(name) ?? options.refuseName?.(name) ?? null

  /** One operation: the fault first, then all of it at once. */
  const run = async <Result>(operation: string, path: string, work: (operation: string) => Result): Promise<Result> => {
    await options.fault?.({ operation, path })
    demandPath(operation, path)
    return work(operation)
  }

  const getThere = (operation: string, path: string): Inode => {
    if (path === '') return fileSystem.folder(operation, '')
    const inode = fileSystem.get(fileSystem.place(operation, path))
    if (inode === null) throw new SyncError(operation, 'missing', 'there is nothing at that path any more (ENOENT)')
    return inode
  }

  const placeToChange = (operation: string, path: string): Place => {
    const place = fileSystem.place(operation, path)
    const refusal = refuseName(place.name)
    demand(refusal === null, operation, 'invalid', 'this disk cannot store a file of that name')
    demandAccess(operation, place.folder, mayWrite)
    return place
  }

  /** Puts an inode where `expected` says, replacing that, and remembers how to take it back. */
  const appear = (operation: string, path: string, inode: Inode, expected: DiskStat | null): DiskStat => {
    const place = placeToChange(operation, path)
    const before = fileSystem.get(place)
    if (expected === null) {
      demand(before === null, operation, 'conflict', 'something else is there already (EEXIST)')
    } else {
      const isReplaceable = expected.kind === 'file' || expected.kind === 'symlink'
      demand(isReplaceable, operation, 'conflict', 'only a file or a symbolic link can be replaced')
      demandSame(operation, fileSystem, before, expected)
    }
    fileSystem.put(place, inode)
    inode.ctimeNs = fileSystem.tick()
    undoList.add(inode, () => {
      if (fileSystem.get(place) !== inode) return
      if (before === null) fileSystem.take(place)
      else fileSystem.put(place, before)
    })
    return fileSystem.stat(inode)
  }

  const disk: MemoryDisk = {
    user: createDiskUser(fileSystem),
    fileSystem,
    crash: (isLost = () => true) => undoList.undo(isLost),
    countTemps: () => temps.size,
    refuseName,
    foldName: (name) => fileSystem.fold(name),

    lstat: (path) =>
      run('disk.lstat', path, (operation) => {
        if (path === '') return fileSystem.stat(fileSystem.folder(operation, ''))
        try {
          const inode = fileSystem.get(fileSystem.place(operation, path))
          return inode === null ? null : fileSystem.stat(inode)
        } catch (error) {
          const isAbsence = error instanceof SyncError && error.kind === 'missing'
          if (isAbsence && fileSystem.root !== null) return null
          throw error
        }
      }),

    list: (path) =>
      run('disk.list', path, (operation) => {
        const folder = fileSystem.folder(operation, path)
        demandAccess(operation, folder, folder.children.size === 0 ? mayRead : mayRead | maySearch)
        return [...folder.children.values()]
          .filter(({ name }) => name !== privateName)
          .map(({ name, inode, isNameLost }) =>
            isNameLost ? { name, stat: null, reason: 'name-not-utf8' } : { name, stat: fileSystem.stat(inode) },
          )
      }),

    openFile: (path) =>
      run('disk.openFile', path, (operation) => {
        const inode = getThere(operation, path)
        demand(inode.kind === 'file', operation, 'conflict', 'a file was expected and something else is there')
        demandAccess(operation, inode, mayRead)
        return openInode(fileSystem, inode, path, options.fault)
      }),

    readFiles: (files, memory) => readEach(disk, files, memory),
    writeTemps: (files) => writeEach(disk, files),
    placeFiles: (files) => placeEach(disk, files),

    readLink: (path) =>
      run('disk.readLink', path, (operation) => {
        const inode = getThere(operation, path)
        demand(inode.kind === 'symlink', operation, 'conflict', 'something else is there already (EEXIST)')
        return inode.target
      }),

    createTemp: () =>
      run('disk.createTemp', '', (operation) => {
        getThere(operation, privateName)
        const temp = new MemoryTempFile(fileSystem, temps, options.fault)
        temps.add(temp)
        return temp
      }),

    place: (temp, path, expected) =>
      run('disk.place', path, (operation) => {
        assert(temp instanceof MemoryTempFile, 'a temp file is placed on the disk that made it')
        const stat = appear(operation, path, temp.finished(), expected)
        temp.markPlaced()
        return stat
      }),

    placeLink: (target, path, expected, mtimeNs) =>
      run('disk.placeLink', path, (operation) => {
        const inode = fileSystem.make('symlink', 0o777)
        inode.target = target
        inode.mtimeNs = mtimeNs
        return appear(operation, path, inode, expected)
      }),

    makeFolder: (path) =>
      run('disk.makeFolder', path, (operation) => {
        const place = placeToChange(operation, path)
        demand(fileSystem.get(place) === null, operation, 'conflict', 'something else is there already (EEXIST)')
        const inode = fileSystem.make('folder', 0o700)
        fileSystem.put(place, inode)
        undoList.add(inode, () => {
          if (fileSystem.get(place) === inode && inode.children.size === 0) fileSystem.take(place)
        })
        return fileSystem.stat(inode)
      }),

    move: (from, to, expected) =>
      run('disk.move', from, (operation) => {
        demandPath(operation, to)
        const source = placeToChange(operation, from)
        const goal = placeToChange(operation, to)
        const inode = fileSystem.get(source)
        demandSame(operation, fileSystem, inode, expected)
        const there = fileSystem.get(goal)
        const isRespelled = there === inode && from !== to
        demand(there === null || isRespelled, operation, 'conflict', 'something else is there already (EEXIST)')
        demand(!contains(inode, goal.folder), operation, 'invalid', 'a folder cannot be moved into itself (EINVAL)')
        const isRehomed = inode.kind === 'folder' && source.folder !== goal.folder
        if (isRehomed) demandAccess(operation, inode, mayWrite) // Its '..' changes.
        const { ctimeNs } = inode
        fileSystem.take(source)
        fileSystem.put(goal, inode)
        inode.ctimeNs = fileSystem.tick()
        undoList.add(inode, () => {
          if (fileSystem.get(goal) !== inode || (fileSystem.get(source) ?? inode) !== inode) return
          // Where it came from was removed since, or was moved into it.
          const isReachable = fileSystem.root !== null && contains(fileSystem.root, source.folder)
          if (!isReachable || contains(inode, source.folder)) return
          fileSystem.take(goal)
          fileSystem.put(source, inode)
          inode.ctimeNs = ctimeNs
        })
        return fileSystem.stat(inode)
      }),

    remove: (path, expected) =>
      run('disk.remove', path, (operation) => {
        demand(path !== '', operation, 'invalid', 'the linked folder itself is never removed')
        const place = fileSystem.place(operation, path)
        demandAccess(operation, place.folder, mayWrite)
        const inode = fileSystem.get(place)
        demandSame(operation, fileSystem, inode, expected)
        demand(inode.children.size === 0, operation, 'conflict', 'the folder is not empty (ENOTEMPTY)')
        fileSystem.take(place)
        undoList.add(inode, () => {
          if (fileSystem.get(place) === null) fileSystem.put(place, inode)
        })
      }),

    setAttributes: (path, expected, { mode, mtimeNs }) =>
      run('disk.setAttributes', path, (operation) => {
        const there = path === '' ? fileSystem.root : fileSystem.get(fileSystem.place(operation, path))
        demandSame(operation, fileSystem, there, expected)
        if (there.kind === 'file' && there.links > 1) {
          const copy = fileSystem.make('file', mode)
          copy.bytes = there.bytes
          copy.mtimeNs = mtimeNs
          return appear(operation, path, copy, expected)
        }
        const inode = there
        const before = fileSystem.stat(inode)
        if (inode.kind !== 'symlink') inode.mode = mode
        inode.mtimeNs = mtimeNs
        inode.ctimeNs = fileSystem.tick()
        const after = inode.ctimeNs
        undoList.add(inode, () => {
          if (inode.ctimeNs !== after) return
          inode.mode = before.mode
          inode.mtimeNs = before.mtimeNs
          inode.ctimeNs = before.ctimeNs
        })
        return fileSystem.stat(inode)
      }),

    settle: () => run('disk.settle', '', () => undoList.forget()),

    readMarker: () =>
      run('disk.readMarker', '', (operation) => {
        const marker = fileSystem.folder(operation, '').children.get(privateName)?.inode.children.get('marker')
        return marker === undefined ? null : new TextDecoder().decode(marker.inode.bytes)
      }),

    writeMarker: (text) =>
      run('disk.writeMarker', '', (operation) => {
        const root = fileSystem.folder(operation, '')
        demandAccess(operation, root, mayWrite)
        const folder = root.children.get(privateName)?.inode ?? fileSystem.make('folder', 0o700)
        const marker = fileSystem.make('file', 0o600)
        marker.bytes = new TextEncoder().encode(text)
        fileSystem.put({ folder, name: 'marker' }, marker)
        if (!root.children.has(privateName)) fileSystem.put({ folder: root, name: privateName }, folder)
      }),

    removeMarker: () =>
      run('disk.removeMarker', '', (operation) => {
        const root = fileSystem.folder(operation, '')
        if (root.children.has(privateName)) fileSystem.take({ folder: root, name: privateName })
        temps.clear()
      }),

    sweepTemp: () => run('disk.sweepTemp', '', () => temps.clear()),
  }
  return disk
}

function demandSame(
  operation: string,
  fileSystem: FileSystem,
  inode: Inode | null,
  expected: DiskStat,
): asserts inode is Inode {
  const isExpected = inode !== null && isSameStat(fileSystem.stat(inode), expected)
  demand(isExpected, operation, 'conflict', 'what is there changed since it was looked at')
}

const contains = (inode: Inode, folder: Inode): boolean =>
  inode === folder || inode.children.values().some((child) => contains(child.inode, folder))
