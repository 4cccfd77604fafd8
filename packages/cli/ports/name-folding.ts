/**
 * Finds out which names a disk takes for one, by making a file and looking for it under other spellings. Neither the
 * system nor the kind of file system tells: folders of one disk may differ.
 */
import { closeSync, lstatSync, openSync, unlinkSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Folding } from '@anysync/client/fold-name.ts'
import { errorCode } from './disk-errors.ts'

/** Of a disk, by a probe in a folder of ours there. Where none can be made, what is usual on this system. */
export const foldingOf = (folder: string): Folding => {
  try {
    return probeFolding(folder)
  } catch (error) {
    if (errorCode(error) === null) throw error
    return usualFolding()
  }
}

/** Probes in a folder that must be ours. `isThere` is given by tests alone. */
export const probeFolding = (folder: string, isThere: (path: string) => boolean = isAnythingAt): Folding => {
  const name = `probe-${randomUUID()}`
  const path = join(folder, `${name}-\u00e9`)
  closeSync(openSync(path, 'wx', 0o600))
  try {
    return {
      isCaseFolded: isThere(join(folder, `${name.toUpperCase()}-\u00e9`)),
      isFormFolded: isThere(join(folder, `${name}-e\u0301`)),
    }
  } finally {
    unlinkSync(path)
  }
}

/** What is usual on a system. */
export const usualFolding = (platform: NodeJS.Platform = process.platform): Folding => ({
  isCaseFolded: platform === 'darwin' || platform === 'win32',
  isFormFolded: platform === 'darwin',
})

const isAnythingAt = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined
