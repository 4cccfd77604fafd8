/** A look at a path that may have changed since somebody told of it: what lies there, if it can be said. */
import { isTrouble } from '@anysync/protocol/errors.ts'
import type { Disk, DiskStat } from '../ports.ts'

/** Null also where a parent on the way is no folder any more; `closed` where we may not look. */
export const lookAt = async (disk: Disk, path: string): Promise<DiskStat | null | 'closed'> => {
  try {
    return await disk.lstat(path)
  } catch (error) {
    if (isTrouble(error, 'conflict')) return null
    if (isTrouble(error, 'unavailable')) return 'closed'
    throw error
  }
}
