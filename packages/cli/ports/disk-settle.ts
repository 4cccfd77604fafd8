/**
 * Makes durable what happened in many folders at once. One flush of a file system costs about what two files cost;
 * 20,000 single ones take minutes on a slow card.
 */
import { closeSync, fsyncSync, openSync, statSync } from 'node:fs'
import { errorCode, isAbsence, troubleOf } from './disk-errors.ts'
import type { Libc } from './libc.ts'

export const settleFolders = async (libc: Libc, root: string, folders: readonly string[]): Promise<void> => {
  if (libc.syncFileSystem !== null) {
    for (const folder of onePerFileSystem([root, ...folders])) {
      const descriptor = openThere(folder)
      if (descriptor === null) continue
      try {
        if (!(await libc.syncFileSystem(descriptor))) throw troubleOf('disk.settle', 'EIO')
      } finally {
        closeSync(descriptor)
      }
    }
    return
  }
  // The files were flushed as they were finished; their names remain. Windows flushes names by itself.
  if (process.platform === 'win32') return
  for (const folder of folders) {
    const descriptor = openThere(folder)
    if (descriptor === null) continue
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }
}

/** Other disks may be mounted below the linked folder. */
const onePerFileSystem = (folders: readonly string[]): string[] => {
  const byDevice = new Map<number, string>()
  for (const folder of folders) {
    const device = ifReachable(() => statSync(folder).dev)
    if (device !== null && !byDevice.has(device)) byDevice.set(device, folder)
  }
  return [...byDevice.values()]
}

const openThere = (folder: string): number | null => ifReachable(() => openSync(folder, 'r'))

/** Null when the folder was moved, removed or closed to us since: its parent was touched as well. */
const ifReachable = <Result>(look: () => Result): Result | null => {
  try {
    return look()
  } catch (error) {
    if (isAbsence(error) || errorCode(error) === 'EACCES') return null
    throw error
  }
}
