/**
 * The reading half of the Disk of Node: stats, folders, files and links, never followed and never blocking on a pipe.
 */
import { constants, lstatSync, readdirSync, type BigIntStats } from 'node:fs'
import { open, readlink, type FileHandle } from 'node:fs/promises'
import type { DiskEntry, DiskKind, DiskStat, FileReader } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { attemptAsync, errorCode, troubleOf } from './disk-errors.ts'
import { below } from './disk-paths.ts'
import { privateName } from './refuse-name.ts'

export const toDiskStat = (stat: BigIntStats): DiskStat => {
  const mode = Number(stat.mode)
  const kind = kindsByType.get(mode & constants.S_IFMT) ?? 'other'
  return {
    kind,
    size: kind === 'file' ? Number(stat.size) : 0,
    mode: mode & 0o7777,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    device: stat.dev,
    inode: stat.ino,
  }
}

/** The questions that a stat answers reckon with bigints each time. */
const kindsByType = new Map<number, DiskKind>([
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'folder'],
  [constants.S_IFLNK, 'symlink'],
])

/** Looking at an entry takes 4 µs when done at once and ten times that by the thread pool; so many are one stride. */
const strideEntries = 1024

export const listFolder = async (full: string): Promise<DiskEntry[]> => {
  const entries: DiskEntry[] = []
  for (const name of readNames(full)) {
    if (entries.length % strideEntries === strideEntries - 1) await new Promise(setImmediate)
    if (name.isLost) {
      entries.push({ name: name.text, stat: null, reason: 'name-not-utf8' })
      continue
    }
    if (name.text === privateName) continue
    try {
      entries.push({ name: name.text, stat: toDiskStat(lstatSync(below(full, name.text), { bigint: true })) })
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error // Gone since the folder was read.
    }
  }
  return entries
}

type Name = { text: string; isLost: boolean }

/** Node shows bytes that are not UTF-8 as U+FFFD, which a name may also truly hold: then the bytes decide. */
const readNames = (full: string): Name[] => {
  const names = readdirSync(full)
  if (!names.some((name) => name.includes('\uFFFD') || !name.isWellFormed())) {
    return names.map((text) => ({ text, isLost: false }))
  }
  return readdirSync(full, { encoding: 'buffer' }).map((bytes) => {
    const text = bytes.toString()
    return { text, isLost: !bytes.equals(Buffer.from(text)) || !text.isWellFormed() }
  })
}

export const openNodeFile = async (full: string): Promise<FileReader> => {
  // Opening a device can do things, so look first; then make sure that it was a file that opened.
  refuseOther(lstatSync(full, { bigint: true }))
  const handle = await open(full, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    refuseOther(await handle.stat({ bigint: true }))
  } catch (error) {
    await handle.close()
    throw error
  }
  return nodeReader(handle)
}

/** Throws `conflict` unless it is a regular file. */
export const refuseOther = (stat: BigIntStats): void => {
  if (stat.isFile()) return
  throw new SyncError('disk.openFile', 'conflict', 'a file was expected and something else is there')
}

const nodeReader = (handle: FileHandle): FileReader => ({
  stat: () => attemptAsync('disk.stat', async () => toDiskStat(await handle.stat({ bigint: true }))),
  read: (buffer, position) =>
    attemptAsync('disk.read', async () => {
      let read = 0
      while (read < buffer.length) {
        const { bytesRead } = await handle.read(buffer, read, buffer.length - read, position + read)
        if (bytesRead === 0) break
        read += bytesRead
      }
      return read
    }),
  [Symbol.asyncDispose]: () => handle.close(),
})

export const readNodeLink = async (full: string): Promise<string> => {
  if (!lstatSync(full).isSymbolicLink()) throw troubleOf('disk.readLink', 'EEXIST')
  const bytes = await readlink(full, { encoding: 'buffer' })
  const target = bytes.toString()
  if (bytes.equals(Buffer.from(target))) return target
  throw new SyncError(
    'disk.readLink',
    'unavailable',
    "the symbolic link's target is not valid UTF-8: make it anew to have it synced",
  )
}
