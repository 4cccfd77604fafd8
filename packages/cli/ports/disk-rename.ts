/**
 * How the Disk of Node looks at a path, and renames without ever replacing what it did not expect there.
 */
import { linkSync, lstatSync, lutimesSync, renameSync, unlinkSync, type BigIntStats } from 'node:fs'
import { isSameStat } from '@anysync/client/disk-stat.ts'
import type { DiskStat } from '@anysync/client/ports.ts'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { attempt, errnoCode, errorCode, troubleOf } from './disk-errors.ts'
import { toDiskStat } from './disk-read.ts'
import type { Libc } from './libc.ts'

export const lstatOrNull = (full: string): BigIntStats | null => {
  try {
    return lstatSync(full, { bigint: true })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

export const look = (full: string): DiskStat | null => {
  const stat = attempt('disk.lstat', () => lstatOrNull(full))
  return stat === null ? null : toDiskStat(stat)
}

export const mustLook = (operation: string, full: string): DiskStat => {
  const stat = look(full)
  if (stat === null) throw new SyncError(operation, 'conflict', 'what was put there is gone again')
  return stat
}

export const expectThere = (operation: string, full: string, expected: DiskStat): void => {
  const stat = look(full)
  const isExpected = stat !== null && isSameStat(stat, expected)
  demand(isExpected, operation, 'conflict', 'what is there changed since it was looked at')
}

export const replace = (operation: string, from: string, to: string, expected: DiskStat): void => {
  const isReplaceable = expected.kind === 'file' || expected.kind === 'symlink'
  demand(isReplaceable, operation, 'conflict', 'only a file or a symbolic link can be replaced')
  expectThere(operation, to, expected)
  renameSync(from, to)
}

/** One name spelled in two ways, on a system that takes them for the same: the one rename whose goal exists. */
export const isSameName = (from: string, to: string): boolean => {
  if (from === to || from.normalize().toLowerCase() !== to.normalize().toLowerCase()) return false
  const [a, b] = [lstatOrNull(from), lstatOrNull(to)]
  if (a === null || b === null || a.ino !== b.ino || a.dev !== b.dev) return false
  return a.isDirectory() || a.nlink === 1n // More would be two hard links of one file.
}

/** File systems and systems that cannot do it in one step answer so. */
const cannot = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EMLINK', 'EXDEV'])

/** A rename that never replaces: by the system in one step, else by a hard link, else by looking first. */
export const renameNoReplace = (operation: string, libc: Libc, from: string, to: string, stat: DiskStat): void => {
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

export const setMtimeBy = (libc: Libc, full: string, mtimeNs: bigint): void => {
  if (libc.setMtime === null) {
    // Seconds in a double: the best there is, to about 240 ns.
    lutimesSync(full, lstatSync(full).atimeMs / 1000, Number(mtimeNs) / 1e9)
    return
  }
  const errno = libc.setMtime(full, mtimeNs)
  if (errno !== 0) throw troubleOf('disk.setMtime', errnoCode(errno))
}
