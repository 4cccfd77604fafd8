/**
 * Files that come to a disk are settled and get their names slice by slice: a flush for each would cost more than its
 * bytes, and one for all would leave everything undone for long.
 */
import { MiB } from '@anysync/protocol/limits.ts'

const filesUsual = 2000
const bytesMax = 256 * MiB

/** The files in their order, cut where a slice has so many of them, by default 2,000, or 256 MiB. `sizeOf` is in bytes. */
export function* slicesOf<File>(
  files: readonly File[],
  sizeOf: (file: File) => number,
  filesMax: number = filesUsual,
): Generator<File[]> {
  let slice: File[] = []
  let bytes = 0
  for (const file of files) {
    slice.push(file)
    bytes += sizeOf(file)
    if (slice.length < filesMax && bytes < bytesMax) continue
    yield slice
    slice = []
    bytes = 0
  }
  if (slice.length > 0) yield slice
}
