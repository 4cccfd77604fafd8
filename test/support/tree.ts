/**
 * A folder as it truly is, and how two folders differ. Reads everything itself: it shares no code with what it judges.
 */
import assert from 'node:assert/strict'
import { createHash, hash } from 'node:crypto'
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  type BigIntStats,
} from 'node:fs'
import { join } from 'node:path'

/** One line that says all about what is at a path. */
export type Tree = Map<string, string>

const wholeBytesMax = 8 * 1024 * 1024
const ownFolder = '.anysync'

/** Everything in a folder and below by its path, but for AnySync's own folder. Nothing of the folder itself. */
export const treeOf = (folder: string): Tree => {
  const tree: Tree = new Map()
  const walk = (prefix: string): void => {
    for (const name of readdirSync(join(folder, prefix)).sort()) {
      const path = prefix === '' ? name : `${prefix}/${name}`
      if (path === ownFolder) continue
      const full = join(folder, path)
      const stat = lstatSync(full, { bigint: true })
      tree.set(path, describe(full, stat))
      if (stat.isDirectory()) walk(path)
    }
  }
  walk('')
  return tree
}

const describe = (full: string, stat: BigIntStats): string => {
  const mtime = `mtime ${stat.mtimeNs}`
  const mode = `mode ${(stat.mode & 0o7777n).toString(8).padStart(4, '0')}`
  if (stat.isSymbolicLink()) return `symlink ${mtime} to ${JSON.stringify(readlinkSync(full))}`
  if (stat.isDirectory()) return `folder ${mode} ${mtime}`
  if (stat.isFile()) return `file ${mode} ${mtime} size ${stat.size} sha256 ${hashOf(full, Number(stat.size))}`
  return 'neither file nor folder nor symlink'
}

export const hashOf = (file: string, size = lstatSync(file).size): string => {
  if (size <= wholeBytesMax) return hash('sha256', readFileSync(file))
  const digest = createHash('sha256')
  const buffer = Buffer.allocUnsafe(wholeBytesMax)
  const descriptor = openSync(file, 'r')
  try {
    for (let length = 1; length > 0;) {
      length = readSync(descriptor, buffer)
      digest.update(buffer.subarray(0, length))
    }
  } finally {
    closeSync(descriptor)
  }
  return digest.digest('hex')
}

const shownDifferencesMax = 20

/** Every difference as a line for a person. */
export const differences = (actual: Tree, wanted: Tree): string[] => {
  const lines: string[] = []
  for (const [path, is] of wanted) {
    const found = actual.get(path)
    if (found === undefined) lines.push(`${JSON.stringify(path)} is not there; wanted ${is}`)
    else if (found !== is) lines.push(`${JSON.stringify(path)}\n    is     ${found}\n    wanted ${is}`)
  }
  for (const [path, is] of actual) {
    if (!wanted.has(path)) lines.push(`${JSON.stringify(path)} should not be there: ${is}`)
  }
  return lines
}

export const assertSameTree = (actual: Tree, wanted: Tree, what = 'the trees differ'): void => {
  const lines = differences(actual, wanted)
  const shown = lines.slice(0, shownDifferencesMax).map((line) => `  ${line}`)
  assert.equal(lines.length, 0, `${what}, in ${lines.length} places:\n${shown.join('\n')}`)
}
