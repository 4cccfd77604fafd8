/**
 * What an error of the file system means, in the words of `kinds`. Names no path: the caller knows which it asked for,
 * and what passes through logs must not tell names. For the same reason Node's error is not kept as the cause.
 */
import { getSystemErrorMap, getSystemErrorName } from 'node:util'
import { SyncError, type Kind } from '@anysync/protocol/errors.ts'

const troubles: Record<string, readonly [Kind, string]> = {
  ENOENT: ['missing', 'there is nothing at that path any more'],
  EEXIST: ['conflict', 'something else is there already'],
  ENOTEMPTY: ['conflict', 'the folder is not empty'],
  ENOTDIR: ['conflict', 'a folder was expected and something else is there'],
  EISDIR: ['conflict', 'a folder is there and something else was expected'],
  ENXIO: ['conflict', 'it is not a file'],
  EINVAL: ['invalid', 'the system cannot do this to that path'],
  ELOOP: ['conflict', 'a symbolic link is there, and links are never followed'],
  ENOSPC: ['full', 'the disk is full: free some space'],
  EDQUOT: ['full', 'the disk quota is used up: free some space or raise the quota'],
  EFBIG: ['full', 'the file is larger than this file system can hold'],
  EACCES: ['unavailable', 'permission denied'],
  EPERM: ['unavailable', 'the system does not permit it'],
  EBUSY: ['unavailable', 'another program is using it'],
  EROFS: ['unavailable', 'the disk is read-only'],
  EIO: ['unavailable', 'the disk reports an input or output error'],
  EXDEV: ['unavailable', 'it lies on another file system than its linked folder'],
  ENAMETOOLONG: ['unavailable', 'the path is too long for this system'],
  EMFILE: ['unavailable', 'too many files are open'],
  ENFILE: ['unavailable', 'too many files are open on this system'],
}

/** The SyncError for ENOENT and its like. */
export const troubleOf = (operation: string, code: string): SyncError => {
  const [kind, sentence] = troubles[code] ?? (['unavailable', 'the system refused it'] as const)
  return new SyncError(operation, kind, `${sentence} (${code})`)
}

/** ENOENT and its like for an errno of the C library. */
export const errnoCode = (errno: number): string =>
  getSystemErrorMap().has(-errno) ? getSystemErrorName(-errno) : `errno ${errno}`

/** ENOENT and its like for an error of node:fs, null for any other error. */
export const errorCode = (error: unknown): string | null =>
  error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string' ? error.code : null

/** Whether an error says that there is nothing at a path. */
export const isAbsence = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')

const toTrouble = (operation: string, error: unknown): unknown => {
  const code = errorCode(error)
  return code === null ? error : troubleOf(operation, code)
}

/** Runs a call of node:fs and translates its trouble. */
export const attempt = <Result>(operation: string, work: () => Result): Result => {
  try {
    return work()
  } catch (error) {
    throw toTrouble(operation, error)
  }
}

/** The same for a promise. */
export const attemptAsync = async <Result>(operation: string, work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work()
  } catch (error) {
    throw toTrouble(operation, error)
  }
}

/** What is said when a rename turned out to lead to another file system. */
export const crossedMessage = 'it lies on another file system than was seen: it is made there next time'
