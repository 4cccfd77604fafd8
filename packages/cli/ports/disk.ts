/**
 * The Disk of Node. Looking and acting are synchronous and follow each other at once, so that nothing of ours comes
 * between them and others have microseconds; only bytes are read and written asynchronously.
 */
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs'
import { dirname } from 'node:path'
import { folderOf } from '@anysync/client/path.ts'
import { foldNameBy, type Folding } from '@anysync/client/fold-name.ts'
import { isSameStat } from '@anysync/client/disk-stat.ts'
import type { Disk, DiskStat } from '@anysync/client/ports.ts'
import { assert, demand, SyncError } from '@anysync/protocol/errors.ts'
import { attempt, attemptAsync, errnoCode, errorCode, troubleOf } from './disk-errors.ts'
import { diskPaths } from './disk-paths.ts'
import { listFolder, openNodeFile, readNodeLink, toDiskStat } from './disk-read.ts'
import { readMarker, removeMarker, writeMarker } from './disk-marker.ts'
import { settleFolders } from './disk-settle.ts'
import { replaceByCopy } from './hard-links.ts'
import { loadLibc, type Libc } from './libc.ts'
import { foldingOf } from './name-folding.ts'
import { readFiles } from './read-files.ts'
import { refuseName } from './refuse-name.ts'
import { createNodeTemp, NodeTempFile, type TempOptions } from './temp-file.ts'
import { TempPlaces } from './temp-places.ts'
import type { Threads } from './threads.ts'

/** `libc` is given by tests alone; without threads all is done where it is asked for. */
export type NodeDiskOptions = { libc?: Libc; threads?: Threads }

/** The folder at an absolute path, which need not be there yet. */
export const openNodeDisk = async (root: string, { libc, threads }: NodeDiskOptions = {}): Promise<Disk> =>
  createNodeDisk(root, libc ?? (await loadLibc()), threads ?? null)

const createNodeDisk = (root: string, libc: Libc, threads: Threads | null): Disk => {
  const paths = diskPaths(root)
  /** Folders whose names changed since the last settle. */
  const touched = new Set<string>()
  const touch = (...full: string[]) => {
    for (const path of full) touched.add(dirname(path))
  }
  const setMtime = (path: string, mtimeNs: bigint) => setMtimeBy(libc, path, mtimeNs)

  const temps = new TempPlaces(paths, setMtime)
  const newTempPath = (path: string) => temps.newPath(folderOf(path))
  const tempOptions: TempOptions = { setMtime, isSyncedAtFinish: libc.syncFileSystem === null, whenFinished: touch }
  /** Gives what was made under a temporary name its own. */
  const fromTemp = <Result>(operation: string, path: string, rename: () => Result): Result => {
    try {
      return rename()
    } catch (error) {
      if (errorCode(error) !== 'EXDEV') throw error
      temps.crossed(path)
      throw new SyncError(
        operation,
        'conflict',
        'it lies on another file system than was seen: it is made there next time',
      )
    }
  }

  let folding: Folding | null = null
  return {
    lstat: async (path) => {
      try {
        return look(paths.fenced('disk.lstat', path))
      } catch (error) {
        // A folder above is gone; but when the root itself is, that is another fact.
        if (path === '' || !(error instanceof SyncError) || error.kind !== 'missing') throw error
        attempt('disk.lstat', () => lstatSync(paths.root))
        return null
      }
    },
    list: (path) => attemptAsync('disk.list', () => listFolder(paths.fencedFolder('disk.list', path))),
    openFile: (path) => attemptAsync('disk.openFile', () => openNodeFile(paths.fenced('disk.openFile', path))),
    readFiles: (files, memory) => readFiles(threads, paths.root, files, memory),
    readLink: (path) => attemptAsync('disk.readLink', () => readNodeLink(paths.fenced('disk.readLink', path))),

    createTemp: (folder) =>
      attemptAsync('disk.createTemp', async () => createNodeTemp(temps.newPath(folder), tempOptions)),

    place: async (temp, path, expected) => {
      assert(temp instanceof NodeTempFile, 'a temp file is placed on the disk that made it')
      const operation = 'disk.place'
      const made = toDiskStat(temp.finished())
      const full = paths.fenced(operation, path)
      attempt(operation, () => {
        fromTemp(operation, path, () => {
          if (expected === null) renameNoReplace(operation, libc, temp.path, full, made)
          else replace(operation, temp.path, full, expected)
        })
      })
      temp.markPlaced()
      touch(full)
      const placed = look(full)
      // Else somebody was faster than this look, and what is there is not what was placed.
      const isOurs = placed !== null && isSameStat({ ...placed, ctimeNs: made.ctimeNs }, made)
      demand(isOurs, operation, 'conflict', 'the file was changed at the moment it was placed')
      return placed
    },

    placeLink: async (target, path, expected, mtimeNs) => {
      const operation = 'disk.placeLink'
      const full = paths.fenced(operation, path)
      return attempt(operation, () => {
        touch(full)
        if (expected === null) {
          symlinkSync(target, full)
          setMtime(full, mtimeNs)
          return mustLook(operation, full)
        }
        const temp = newTempPath(path)
        symlinkSync(target, temp)
        try {
          setMtime(temp, mtimeNs)
          fromTemp(operation, path, () => replace(operation, temp, full, expected))
        } catch (error) {
          unlinkSync(temp)
          throw error
        }
        return mustLook(operation, full)
      })
    },

    makeFolder: async (path) => {
      const full = paths.fenced('disk.makeFolder', path)
      return attempt('disk.makeFolder', () => {
        mkdirSync(full, { mode: 0o700 })
        touch(full)
        return mustLook('disk.makeFolder', full)
      })
    },

    move: async (from, to, expected) => {
      const operation = 'disk.move'
      const fullFrom = paths.fenced(operation, from)
      const fullTo = paths.fenced(operation, to)
      return attempt(operation, () => {
        expectThere(operation, fullFrom, expected)
        if (isSameName(fullFrom, fullTo)) renameSync(fullFrom, fullTo)
        else renameNoReplace(operation, libc, fullFrom, fullTo, expected)
        touch(fullFrom, fullTo)
        return mustLook(operation, fullTo)
      })
    },

    remove: async (path, expected) => {
      const operation = 'disk.remove'
      const full = paths.fenced(operation, path)
      demand(path !== '', operation, 'invalid', 'the linked folder itself is never removed')
      attempt(operation, () => {
        expectThere(operation, full, expected)
        if (expected.kind === 'folder') rmdirSync(full)
        else unlinkSync(full)
        touch(full)
      })
    },

    setAttributes: async (path, expected, { mode, mtimeNs }) => {
      const operation = 'disk.setAttributes'
      const full = paths.fenced(operation, path)
      return attemptAsync(operation, async () => {
        expectThere(operation, full, expected)
        touch(full)
        if (expected.kind === 'file' && (lstatOrNull(full)?.nlink ?? 1n) > 1n) {
          const check = () => expectThere(operation, full, expected)
          const put = (temp: string) => fromTemp(operation, path, () => renameSync(temp, full))
          await replaceByCopy(full, newTempPath(path), mode, (path) => setMtime(path, mtimeNs), check, put)
        } else {
          if (expected.kind !== 'symlink' && expected.mode !== mode) chmodSync(full, mode)
          setMtime(full, mtimeNs)
        }
        return mustLook(operation, full)
      })
    },

    settle: () =>
      attemptAsync('disk.settle', async () => {
        if (touched.size === 0) return
        const folders = [...touched]
        touched.clear()
        try {
          await settleFolders(libc, paths.root, folders)
        } catch (error) {
          for (const folder of folders) touched.add(folder)
          throw error
        }
      }),

    readMarker: async () => readMarker(paths),
    writeMarker: async (text) => writeMarker(paths, text),
    removeMarker: () => removeMarker(paths),
    sweepTemp: () => attemptAsync('disk.sweepTemp', () => temps.sweep()),
    refuseName: (name) => refuseName(name),
    foldName: (name) => foldNameBy((folding ??= foldingOf(paths.inPrivate('tmp'))), name),
  }
}

const lstatOrNull = (full: string): BigIntStats | null => {
  try {
    return lstatSync(full, { bigint: true })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

const look = (full: string): DiskStat | null => {
  const stat = attempt('disk.lstat', () => lstatOrNull(full))
  return stat === null ? null : toDiskStat(stat)
}

const mustLook = (operation: string, full: string): DiskStat => {
  const stat = look(full)
  if (stat === null) throw new SyncError(operation, 'conflict', 'what was put there is gone again')
  return stat
}

const expectThere = (operation: string, full: string, expected: DiskStat): void => {
  const stat = look(full)
  const isExpected = stat !== null && isSameStat(stat, expected)
  demand(isExpected, operation, 'conflict', 'what is there changed since it was looked at')
}

const replace = (operation: string, from: string, to: string, expected: DiskStat): void => {
  const isReplaceable = expected.kind === 'file' || expected.kind === 'symlink'
  demand(isReplaceable, operation, 'conflict', 'only a file or a symbolic link can be replaced')
  expectThere(operation, to, expected)
  renameSync(from, to)
}

/** One name spelled in two ways, on a system that takes them for the same: the one rename whose goal exists. */
const isSameName = (from: string, to: string): boolean => {
  if (from === to || from.normalize().toLowerCase() !== to.normalize().toLowerCase()) return false
  const [a, b] = [lstatOrNull(from), lstatOrNull(to)]
  if (a === null || b === null || a.ino !== b.ino || a.dev !== b.dev) return false
  return a.isDirectory() || a.nlink === 1n // More would be two hard links of one file.
}

/** File systems and systems that cannot do it in one step answer so. */
const cannot = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EMLINK', 'EXDEV'])

/** A rename that never replaces: by the system in one step, else by a hard link, else by looking first. */
const renameNoReplace = (operation: string, libc: Libc, from: string, to: string, stat: DiskStat): void => {
  if (libc.renameNoReplace !== null) {
    const errno = libc.renameNoReplace(from, to)
    if (errno === 0) return
    const code = errnoCode(errno)
    if (!cannot.has(code)) throw troubleOf(operation, code)
  }
  // A hard link to a symlink would follow it on macOS.
  if (stat.kind === 'file') {
    try {
      linkSync(from, to)
      unlinkSync(from)
      return
    } catch (error) {
      if (!cannot.has(errorCode(error) ?? '')) throw error
    }
  }
  if (lstatOrNull(to) !== null) throw troubleOf(operation, 'EEXIST')
  renameSync(from, to)
}

const setMtimeBy = (libc: Libc, full: string, mtimeNs: bigint): void => {
  if (libc.setMtime === null) {
    // Seconds in a double: the best there is, to about 240 ns.
    lutimesSync(full, lstatSync(full).atimeMs / 1000, Number(mtimeNs) / 1e9)
    return
  }
  const errno = libc.setMtime(full, mtimeNs)
  if (errno !== 0) throw troubleOf('disk.setMtime', errnoCode(errno))
}
