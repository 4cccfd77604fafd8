/**
 * Which files are read or written together: neighbours that are small, as many as make a call worth while.
 */
import { filesTogetherBytesMax, filesTogetherMax, segmentAloneBytes } from '@anysync/protocol/limits.ts'

/** Groups of small ones in their order; each large one alone, before the small ones around it. */
export function* groupSmall<Thing>(things: Iterable<Thing>, bytesOf: (thing: Thing) => number): Generator<Thing[]> {
  let group: Thing[] = []
  let bytes = 0
  for (const thing of things) {
    const size = bytesOf(thing)
    if (size > segmentAloneBytes) {
      yield [thing]
      continue
    }
    group.push(thing)
    bytes += size
    if (group.length < filesTogetherMax && bytes < filesTogetherBytesMax) continue
    yield group
    group = []
    bytes = 0
  }
  if (group.length > 0) yield group
}
