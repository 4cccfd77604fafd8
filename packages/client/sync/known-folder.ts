/**
 * Folders in which nothing happened: what a look at one gives as a text, which the state remembers when all of it was as the
 * base has it. The same text again needs no row to be read and no file to be compared. Pure.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import { isSameStat } from '../disk-stat.ts'
import type { BaseNode, DiskEntry } from '../ports.ts'
import { asideId } from './identify-node.ts'
import type { Rules } from './rules.ts'

/**
 * All that a scan's findings in a folder rest on besides the rows of the base: rules, path, and of each entry what
 * `isSameStat` compares. A name holds no slash. Null where something may be found that no row tells of.
 */
export const listingOf = (
  { fingerprint }: Pick<Rules, 'fingerprint'>,
  path: string,
  entries: DiskEntry[],
): string | null => {
  let text = `${fingerprint}\n${path}\n`
  for (const { name, stat } of entries) {
    if (stat === null || stat.kind === 'other' || asideId(name) !== null) return null
    text += `${name}/${stat.kind}/${stat.inode}/${stat.mode}/`
    if (stat.kind !== 'folder') text += `${stat.size}/${stat.mtimeNs}/${stat.ctimeNs}/`
  }
  return text
}

/** The folders among the entries, in their order, when each entry is the one row of its name and there is no other row. */
export const foldersIfKnown = (rows: readonly BaseNode[], entries: readonly DiskEntry[]): NodeId[] | null => {
  if (rows.length !== entries.length) return null
  const rowsByName = new Map(rows.map((row) => [row.name, row]))
  const folders: NodeId[] = []
  for (const { name, stat } of entries) {
    const row = rowsByName.get(name)
    if (stat === null || row === undefined || row.disk === null || row.kind !== stat.kind) return null
    if (!isSameStat(row.disk, stat)) return null
    if (row.kind === 'folder') folders.push(row.id)
  }
  // Two rows of one name would hide each other.
  return rowsByName.size === rows.length ? folders : null
}
