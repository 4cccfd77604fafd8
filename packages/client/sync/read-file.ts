/**
 * Reads a file that its owner may be writing. What is handed on is what the file held from first byte to last without
 * a change in between; a file that keeps changing is given up for this turn.
 */
import type { Clock, Disk, DiskStat } from '../ports.ts'
import { isSameStat } from '../disk-stat.ts'
import { rememberedDisk } from './node.ts'

const readBytes = 1024 * 1024
const attemptsMax = 3

/** What is told of a file that was given up for this turn. */
export const busyMessage = 'it changes while it is read; it is synced when it rests'

/** What `use` made of the bytes, the stat that belongs to them, and what to remember of it. Null when the file changed at every attempt. */
export const readStable = async <Result>(
  { disk, clock }: { disk: Disk; clock: Clock },
  path: string,
  use: (source: AsyncIterable<Uint8Array>) => Promise<Result>,
): Promise<{ result: Result; stat: DiskStat; remembered: DiskStat } | null> => {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    await using file = await disk.openFile(path)
    const lookedNs = clock.nowNs()
    const before = await file.stat()
    let bytesRead = 0
    // One buffer for the whole file: whoever takes a portion is done with it before asking for the next.
    const buffer = new Uint8Array(Math.min(readBytes, before.size + 1))
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        const length = await file.read(buffer, bytesRead)
        if (length === 0) return
        bytesRead += length
        yield buffer.subarray(0, length)
        // A file that grows without end must not be followed without end.
        if (bytesRead > before.size) return
      }
    }
    const result = await use(source())
    const after = await file.stat()
    const named = await disk.lstat(path)
    // The name is checked too: an editor may have put another file under it meanwhile.
    if (bytesRead === before.size && isSameStat(before, after) && named !== null && isSameStat(after, named))
      return { result, stat: after, remembered: rememberedDisk(after, lookedNs) }
  }
  return null
}
