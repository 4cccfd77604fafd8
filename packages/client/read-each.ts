/**
 * Reads files whole by the calls that every Disk has, one after another: for disks to which the number of calls is no
 * matter.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { isSameStat } from './disk-stat.ts'
import type { Disk, FileRead } from './ports.ts'

export const readEach = async (
  disk: Pick<Disk, 'openFile' | 'lstat'>,
  files: { path: string; bytesMax: number }[],
): Promise<FileRead[]> => {
  const reads: FileRead[] = []
  for (const { path, bytesMax } of files) {
    try {
      reads.push(await readOne(disk, path, bytesMax))
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      reads.push({ trouble: error })
    }
  }
  return reads
}

const readOne = async (disk: Pick<Disk, 'openFile' | 'lstat'>, path: string, bytesMax: number): Promise<FileRead> => {
  await using file = await disk.openFile(path)
  const before = await file.stat()
  if (before.size > bytesMax) return { trouble: fileChanged() }
  // One byte more, to see a file that grows.
  const buffer = new Uint8Array(before.size + 1)
  const length = await file.read(buffer, 0)
  const after = await file.stat()
  // The name is looked at too: an editor may have put another file under it meanwhile.
  const named = await disk.lstat(path)
  const isWhole = length === before.size && isSameStat(before, after) && named !== null && isSameStat(after, named)
  return isWhole ? { stat: after, bytes: buffer.subarray(0, length) } : { trouble: fileChanged() }
}

/** What is said of a file that is not what it was a moment ago. */
export const fileChanged = (): SyncError =>
  new SyncError('disk.readFiles', 'conflict', 'the file changed while it was read')
