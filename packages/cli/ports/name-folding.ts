/**
 * Finds out which names a disk takes for one, by making a file and looking for it under other spellings. Neither the
 * system nor the kind of file system tells: folders of one disk may differ.
 */
import { closeSync, lstatSync, openSync, unlinkSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Folding } from '@anysync/client/fold-name.ts'

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

/** What is usual on a system, where no file can be made. */
export const usualFolding = (platform: NodeJS.Platform = process.platform): Folding => ({
  isCaseFolded: platform === 'darwin' || platform === 'win32',
  isFormFolded: platform === 'darwin',
})

const isAnythingAt = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined
