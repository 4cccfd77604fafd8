/**
 * Reads many small files whole by calls that follow each other at once: a file of a few kilobytes costs 20 µs so, and
 * ten times that when each call waits for its turn. May run in a thread of its own, so its answer is plain data.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs'
import { isSameStat } from '@anysync/client/disk-stat.ts'
import type { DiskStat, FileRead } from '@anysync/client/ports.ts'
import { fileChanged } from '@anysync/client/read-each.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { attempt } from './disk-errors.ts'
import { diskPaths } from './disk-paths.ts'
import { refuseOther, toDiskStat } from './disk-read.ts'
import { allocateShared } from './thread-memory.ts'
import type { Threads } from './threads.ts'

const operation = 'disk.readFiles'

/** As `Disk.readFiles`, in a thread when that is worth it. */
export const readFiles = async (
  threads: Threads | null,
  root: string,
  files: { path: string; bytesMax: number }[],
): Promise<FileRead[]> => {
  const { memory, reads } = threads?.areWorth(bytesOf(files))
    ? await threads.run('readFiles', [root, files])
    : readTogether(root, files)
  return reads.map((read) =>
    'trouble' in read
      ? { trouble: new SyncError(read.trouble.operation, read.trouble.kind, read.trouble.message) }
      : { stat: read.stat, bytes: memory.subarray(read.offset, read.offset + read.length) },
  )
}

/** A SyncError as data: a thread cannot send the error itself. */
type PlainTrouble = Pick<SyncError, 'operation' | 'kind' | 'message'>

/** Where the bytes of each lie, or what kept them from being read. */
export type ReadTogether = {
  memory: Uint8Array
  reads: ({ stat: DiskStat; offset: number; length: number } | { trouble: PlainTrouble })[]
}

/** The files below a folder, read into one piece of memory that threads share. */
export const readTogether = (root: string, files: { path: string; bytesMax: number }[]): ReadTogether => {
  const fence = diskPaths(root).fenceForMany(operation)
  const memory = allocateShared(bytesOf(files))
  let offset = 0
  const reads = files.map(({ path, bytesMax }) => {
    try {
      const { stat, length } = attempt(operation, () => readOne(fence(path), memory, offset, bytesMax))
      const read = { stat, offset, length }
      offset += length
      return read
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      const { operation, kind, message } = error
      return { trouble: { operation, kind, message } }
    }
  })
  return { memory, reads }
}

const bytesOf = (files: { bytesMax: number }[]): number => files.reduce((sum, { bytesMax }) => sum + bytesMax, 0)

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const readOne = (
  full: string,
  memory: Uint8Array,
  offset: number,
  bytesMax: number,
): { stat: DiskStat; length: number } => {
  // Opening a device can do things, so look first; that it is this file that opened shows afterwards.
  const seen = lstatSync(full, { bigint: true })
  refuseOther(seen)
  const before = toDiskStat(seen)
  if (before.size > bytesMax) throw fileChanged()
  const descriptor = openSync(full, flags)
  try {
    let length = 0
    while (length < before.size) {
      const read = readSync(descriptor, memory, offset + length, before.size - length, null)
      if (read === 0) break
      length += read
    }
    const after = toDiskStat(fstatSync(descriptor, { bigint: true }))
    // The name is looked at again: an editor may have put another file under it meanwhile.
    const named = toDiskStat(lstatSync(full, { bigint: true }))
    if (length !== before.size || !isSameStat(before, after) || !isSameStat(after, named)) throw fileChanged()
    return { stat: after, length }
  } finally {
    closeSync(descriptor)
  }
}
