/**
 * Reads many small files whole by calls that follow each other at once: a file of a few kilobytes costs 20 µs so, and
 * ten times that when each call waits for its turn. May run in a thread of its own, so its answer is plain data.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs'
import { isSameStat } from '@anysync/client/disk-stat.ts'
import type { DiskStat, FileRead, FileToRead } from '@anysync/client/ports.ts'
import { fileChanged } from '@anysync/client/read-each.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { attempt } from './disk-errors.ts'
import { diskPaths } from './disk-paths.ts'
import { refuseOther, toDiskStat } from './disk-read.ts'
import type { Libc } from './libc.ts'
import { fromPlain, toPlain, type PlainTrouble } from './plain-trouble.ts'
import { isShared } from './thread-memory.ts'
import type { Threads } from './threads.ts'

const operation = 'disk.readFiles'

/** As `Disk.readFiles`, in a thread when that is worth it and the memory is shared with it. */
export const readFiles = async (
  threads: Threads | null,
  libc: Libc,
  root: string,
  files: FileToRead[],
  memory: Uint8Array,
): Promise<FileRead[]> => {
  const bytes = files.reduce((sum, { bytesMax }) => sum + bytesMax, 0)
  const reads =
    threads?.areWorth(bytes) && isShared(memory)
      ? await threads.run('readFiles', [root, files, memory])
      : readTogether(libc, root, files, memory)
  return reads.map((read) =>
    'trouble' in read
      ? { trouble: fromPlain(read.trouble) }
      : { stat: read.stat, bytes: memory.subarray(read.offset, read.offset + read.length) },
  )
}

/** Where the bytes of a file lie in the memory, or what kept it from being read: a thread cannot send an error itself. */
export type ReadTogether = { stat: DiskStat; offset: number; length: number } | { trouble: PlainTrouble }

/** The files below a folder, read into memory one after the other. */
export const readTogether = (libc: Libc, root: string, files: FileToRead[], memory: Uint8Array): ReadTogether[] => {
  const fence = diskPaths(root, libc).fenceForMany(operation)
  let offset = 0
  return files.map(({ path, bytesMax }) => {
    try {
      const room = memory.subarray(offset, offset + bytesMax)
      const { stat, length } = attempt(operation, () => readOne(fence(path), room))
      const read = { stat, offset, length }
      offset += length
      return read
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      return { trouble: toPlain(error) }
    }
  })
}

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Only what was a file a moment ago is asked for, so it is opened at once: a pipe in its place holds nobody up. */
const readOne = (full: string, room: Uint8Array): { stat: DiskStat; length: number } => {
  const descriptor = openSync(full, flags)
  try {
    const opened = fstatSync(descriptor, { bigint: true })
    refuseOther(opened)
    const before = toDiskStat(opened)
    if (before.size > room.length) throw fileChanged()
    let length = 0
    while (length < before.size) {
      const read = readSync(descriptor, room, length, before.size - length, null)
      if (read === 0) break
      length += read
    }
    // By its name: an editor may have put another file there meanwhile.
    const after = toDiskStat(lstatSync(full, { bigint: true }))
    if (length !== before.size || !isSameStat(before, after)) throw fileChanged()
    return { stat: after, length }
  } finally {
    closeSync(descriptor)
  }
}
