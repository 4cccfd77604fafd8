/**
 * The Disk of Node. Looking and acting are synchronous and follow each other at once, so that nothing of ours comes
 * between them and others have microseconds; only bytes are read and written asynchronously.
 */
import { chmodSync, lstatSync, mkdirSync, renameSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { createWindows } from '@anysync/client/content/windows.ts'
import { folderOf } from '@anysync/client/path.ts'
import { foldNameBy, type Folding } from '@anysync/client/fold-name.ts'
import type { Disk } from '@anysync/client/ports.ts'
import { assert, demand, SyncError } from '@anysync/protocol/errors.ts'
import { attempt, attemptAsync, crossedMessage, errorCode } from './disk-errors.ts'
import { diskPaths } from './disk-paths.ts'
import { listFolder, openNodeFile, readNodeLink } from './disk-read.ts'
import {
  expectThere,
  isSameName,
  look,
  lstatOrNull,
  mustLook,
  renameNoReplace,
  replace,
  setMtimeBy,
} from './disk-rename.ts'
import { readMarker, removeMarker, writeMarker } from './disk-marker.ts'
import { settleFolders } from './disk-settle.ts'
import { replaceByCopy } from './hard-links.ts'
import { loadLibc, type Libc } from './libc.ts'
import { foldingOf } from './name-folding.ts'
import { readFiles } from './read-files.ts'
import { refuseName } from './refuse-name.ts'
import { createNodeTemp, type TempOptions } from './temp-file.ts'
import { TempPlaces } from './temp-places.ts'
import { allocateShared } from './thread-memory.ts'
import type { Threads } from './threads.ts'
import { placeFiles, writeTemps, type DiskBatch } from './write-files.ts'

/** `libc` is given by tests alone; without threads all is done where it is asked for. */
export type NodeDiskOptions = { libc?: Libc; threads?: Threads }

/** The folder at an absolute path, which need not be there yet. */
export const openNodeDisk = async (root: string, { libc, threads }: NodeDiskOptions = {}): Promise<Disk> =>
  createNodeDisk(root, libc ?? (await loadLibc()), threads ?? null)

const createNodeDisk = (root: string, libc: Libc, threads: Threads | null): Disk => {
  const paths = diskPaths(root, libc)
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
      throw new SyncError(operation, 'conflict', crossedMessage)
    }
  }

  const batch: DiskBatch = {
    paths,
    libc,
    threads,
    temps,
    tempOptions,
    windows: createWindows(allocateShared),
    touch,
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
    readFiles: (files, memory) => readFiles(threads, libc, paths.root, files, memory),
    readLink: (path) => attemptAsync('disk.readLink', () => readNodeLink(paths.fenced('disk.readLink', path))),

    createTemp: (folder) =>
      attemptAsync('disk.createTemp', async () => createNodeTemp(temps.newPath(folder), tempOptions)),

    writeTemps: (files) => writeTemps(batch, files),

    place: async (temp, path, expected) => {
      const [placed] = await placeFiles(batch, [{ temp, path, expected }])
      assert(placed !== undefined, 'an answer comes for each file')
      if ('trouble' in placed) throw placed.trouble
      return placed.stat
    },
    placeFiles: (files) => placeFiles(batch, files),

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
    sweepTemp: () => {
      // Once a turn: what the one before made is made.
      batch.windows.forget()
      return attemptAsync('disk.sweepTemp', () => temps.sweep())
    },
    refuseName: (name) => refuseName(name),
    foldName: (name) => foldNameBy((folding ??= foldingOf(paths.inPrivate('tmp'))), name),
  }
}
