/**
 * Whether two folders hold the same files with the same bytes.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { filesBelow } from '../test/support/server.ts'

const pieceBytes = 8 * 1024 * 1024

const namesIn = (root: string) =>
  filesBelow(root)
    .map((path) => path.slice(root.length))
    .filter((path) => !path.startsWith('/.anysync/'))
    .toSorted()

/** Throws with the first difference. What programs of ours keep in a folder for themselves does not count. */
export const demandSame = (wanted: string, got: string): void => {
  const names = namesIn(wanted)
  if (names.join('\n') !== namesIn(got).join('\n')) throw new Error(`the files of ${got} are not those of ${wanted}`)
  for (const name of names) if (!isSameFile(join(wanted, name), join(got, name))) throw new Error(`${name} differs`)
}

const isSameFile = (a: string, b: string): boolean => {
  const { size } = statSync(a)
  if (statSync(b).size !== size) return false
  if (size <= pieceBytes) return readFileSync(a).equals(readFileSync(b))
  const files = [openSync(a, 'r'), openSync(b, 'r')]
  try {
    const [one, two] = [Buffer.alloc(pieceBytes), Buffer.alloc(pieceBytes)]
    for (let at = 0; at < size; at += pieceBytes) {
      readSync(files[0] ?? 0, one, 0, pieceBytes, at)
      readSync(files[1] ?? 0, two, 0, pieceBytes, at)
      const length = Math.min(pieceBytes, size - at)
      if (!one.subarray(0, length).equals(two.subarray(0, length))) return false
    }
    return true
  } finally {
    for (const file of files) closeSync(file)
  }
}
