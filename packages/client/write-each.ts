/**
 * Makes and places files by the calls that every Disk has, one after another: for disks to which the number of calls is
 * no matter.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import type { Disk, FilePlacement, FileToWrite, Placed, TempFile } from './ports.ts'

export const writeEach = async (disk: Pick<Disk, 'createTemp'>, files: FileToWrite[]): Promise<TempFile[]> => {
  const temps: TempFile[] = []
  try {
    for (const { folder, bytes, ...attributes } of files) {
      const temp = await disk.createTemp(folder)
      temps.push(temp)
      await temp.write(bytes)
      await temp.finish(attributes)
    }
    return temps
  } catch (error) {
    for (const temp of temps) await temp[Symbol.asyncDispose]()
    throw error
  }
}

export const placeEach = async (disk: Pick<Disk, 'place'>, files: FilePlacement[]): Promise<Placed[]> => {
  const placed: Placed[] = []
  for (const { temp, path, expected } of files) {
    try {
      placed.push({ stat: await disk.place(temp, path, expected) })
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      placed.push({ trouble: error })
    }
  }
  return placed
}
