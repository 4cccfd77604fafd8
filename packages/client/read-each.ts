/**
 * Reads files whole by the calls that every Disk has, one after another: for disks to which the number of calls is no
 * matter.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { isSameStat } from './disk-stat.ts'
import type { Disk, DiskStat, FileRead, FileToRead } from './ports.ts'

type Reading = Pick<Disk, 'openFile' | 'lstat'>

export const readEach = async (disk: Reading, files: FileToRead[], memory: Uint8Array): Promise<FileRead[]> => {
  const reads: FileRead[] = []
  let rest = memory
  for (const { path, bytesMax } of files) {
    try {
      const read = await readOne(disk, path, rest.subarray(0, bytesMax))
      rest = rest.subarray(read.bytes.length)
      reads.push(read)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      reads.push({ trouble: error })
    }
  }
  return reads
}

const readOne = async (
  disk: Reading,
  path: string,
  room: Uint8Array,
): Promise<{ stat: DiskStat; bytes: Uint8Array }> => {
  await using file = await disk.openFile(path)
  const before = await file.stat()
  if (before.size > room.length) throw fileChanged()
  const bytes = room.subarray(0, before.size)
  const length = await file.read(bytes, 0)
  // That it grew meanwhile shows in its size.
  const after = await file.stat()
  // The name is looked at too: an editor may have put another file under it meanwhile.
  const named = await disk.lstat(path)
  const isWhole = length === before.size && isSameStat(before, after) && named !== null && isSameStat(after, named)
  if (!isWhole) throw fileChanged()
  return { stat: after, bytes }
}

/** What is said of a file that is not what it was a moment ago. */
export const fileChanged = (): SyncError =>
  new SyncError('disk.readFiles', 'conflict', 'the file changed while it was read')
