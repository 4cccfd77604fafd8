/**
 * A file with several names (hard links) is several files to a vault: what arrives for one name must not show under
 * another. Bytes always arrive as a new file; this is for what is set in place.
 */
import { constants } from 'node:fs'
import { chmod, copyFile, open, rm } from 'node:fs/promises'

/**
 * Puts a copy with other attributes in place of a file, by rename, so that its other names keep the old ones.
 * `check` throws when the file is not as it was any more; `put` gives the copy the name.
 */
export const replaceByCopy = async (
  full: string,
  temp: string,
  mode: number,
  setMtime: (path: string) => void,
  check: () => void,
  put: (temp: string) => void,
): Promise<void> => {
  try {
    await copyFile(full, temp, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    await using file = await open(temp, 'r')
    await chmod(temp, mode)
    setMtime(temp)
    await file.sync()
    check()
    put(temp)
  } catch (error) {
    await rm(temp, { force: true })
    throw error
  }
}
