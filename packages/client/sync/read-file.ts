/**
 * Reads a file that its owner may be writing. What is handed on is what the file held from first byte to last without
 * a change in between; a file that keeps changing is given up for this turn.
 */
import type { ByteSource } from '../content/identify.ts'
import type { Clock, Disk, DiskStat } from '../ports.ts'
import { isSameStat } from '../disk-stat.ts'
import { rememberedDisk } from './node.ts'

const attemptsMax = 3

/** What is told of a file that was given up for this turn. */
export const busyMessage = 'it changes while it is read; it is synced when it rests'

/** What `use` made of the bytes, the stat that belongs to them, and what to remember of it. Null when the file changed at every attempt. */
export const readStable = async <Result>(
  { disk, clock }: { disk: Disk; clock: Clock },
  path: string,
  use: (source: ByteSource) => Promise<Result>,
): Promise<{ result: Result; stat: DiskStat; remembered: DiskStat } | null> => {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    await using file = await disk.openFile(path)
    const lookedNs = clock.nowNs()
    const before = await file.stat()
    let bytesRead = 0
    const read: ByteSource['read'] = async (memory) => {
      // A file that grows without end must not be followed without end.
      if (bytesRead > before.size) return 0
      const length = await file.read(memory, bytesRead)
      bytesRead += length
      return length
    }
    const result = await use({ size: before.size, read })
    const after = await file.stat()
    const named = await disk.lstat(path)
    // The name is checked too: an editor may have put another file under it meanwhile.
    if (bytesRead === before.size && isSameStat(before, after) && named !== null && isSameStat(after, named))
      return { result, stat: after, remembered: rememberedDisk(after, lookedNs) }
  }
  return null
}
