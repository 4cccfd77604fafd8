/**
 * When two looks at a path saw the same thing. Shared by every Disk, which refuses to touch what changed, and by
 * the scan, which reads only what did.
 */
import type { DiskStat } from './ports.ts'

/** Whether nothing seems to have been written between two looks. A rename, or other rights, change neither size nor time. */
export const isUnwritten = (a: Pick<DiskStat, 'size' | 'mtimeNs'>, b: Pick<DiskStat, 'size' | 'mtimeNs'>): boolean =>
  a.size === b.size && a.mtimeNs === b.mtimeNs

/**
 * A file or symlink is the same while nothing about it moved, the change time included: no program can set that one
 * back. A folder's size and times move with what it holds, so for a folder only identity and mode count. Devices do not
 * count: systems number them anew at every start.
 */
export const isSameStat = (a: DiskStat, b: DiskStat): boolean =>
  a.kind === b.kind &&
  a.inode === b.inode &&
  a.mode === b.mode &&
  (a.kind === 'folder' || (isUnwritten(a, b) && a.ctimeNs === b.ctimeNs))
