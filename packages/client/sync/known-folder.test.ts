/** When a folder counts as known, and what makes its listing another. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeIdFromBytes, rootNodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode, DiskEntry, DiskStat } from '../ports.ts'
import { asideName } from './identify-node.ts'
import { foldersIfKnown, listingOf } from './known-folder.ts'

const idOf = (number: number) => nodeIdFromBytes(new Uint8Array(16).fill(number))
const rules = { fingerprint: 'rules' }

const stat: DiskStat = { kind: 'file', size: 5, mode: 0o644, mtimeNs: 10n, ctimeNs: 11n, device: 1n, inode: 7n }
const folderStat: DiskStat = { ...stat, kind: 'folder', size: 0, mode: 0o755, inode: 8n }
const entries: DiskEntry[] = [
  { name: 'f', stat: folderStat },
  { name: 'a', stat },
]
const rowOf = (number: number, name: string, disk: DiskStat | null, kind: BaseNode['kind'] = 'file'): BaseNode => ({
  id: idOf(number),
  parent: rootNodeId,
  name,
  kind,
  mode: 0,
  mtimeNs: 0n,
  size: 0,
  content: null,
  linkTarget: '',
  disk,
  absence: null,
})
const rows = [rowOf(1, 'a', stat), rowOf(2, 'f', folderStat, 'folder')]

test('a folder that is as its rows say is known, with its folders', () => {
  assert.deepEqual(foldersIfKnown(rows, entries), [idOf(2)])
  assert.deepEqual(foldersIfKnown([], []), [])
  const written = { ...folderStat, mtimeNs: 99n, ctimeNs: 99n, size: 9 }
  assert.deepEqual(foldersIfKnown(rows, [{ name: 'f', stat: written }, entries[1]!]), [idOf(2)])
})

for (const { what, rows: others = rows, entries: found = entries } of [
  { what: 'a row more', rows: [...rows, rowOf(3, 'b', stat)] },
  { what: 'an entry more', entries: [...entries, { name: 'b', stat }] },
  { what: 'a row of another name', rows: [rowOf(1, 'b', stat), rows[1]!] },
  { what: 'a row that is not on the disk', rows: [rowOf(1, 'a', null), rows[1]!] },
  { what: 'a row of another kind', rows: [rowOf(1, 'a', stat, 'symlink'), rows[1]!] },
  { what: 'two rows of one name', rows: [rows[0]!, rowOf(3, 'a', stat)], entries: [entries[1]!, entries[1]!] },
  { what: 'another inode of a folder', entries: [{ name: 'f', stat: { ...folderStat, inode: 9n } }, entries[1]!] },
  ...(['size', 'mode', 'mtimeNs', 'ctimeNs', 'inode'] as const).map((field) => ({
    what: `another ${field} of a file`,
    entries: [entries[0]!, { name: 'a', stat: { ...stat, [field]: typeof stat[field] === 'bigint' ? 99n : 99 } }],
  })),
] as { what: string; rows?: BaseNode[]; entries?: DiskEntry[] }[]) {
  test(`a folder is not known by ${what}`, () => assert.equal(foldersIfKnown(others, found), null))
}

test('whatever would change what is found makes another listing', () => {
  const changed = (index: number, change: Partial<DiskStat>, name?: string): DiskEntry[] =>
    entries.map((entry, i) =>
      i === index && entry.stat !== null ? { name: name ?? entry.name, stat: { ...entry.stat, ...change } } : entry,
    )
  const listings = [
    listingOf(rules, 'p', entries),
    listingOf({ fingerprint: 'others' }, 'p', entries),
    listingOf(rules, 'q', entries),
    listingOf(rules, 'p', entries.slice(1)),
    listingOf(rules, 'p', changed(0, { mode: 0o700 })),
    listingOf(rules, 'p', changed(0, { inode: 9n })),
    listingOf(rules, 'p', changed(0, { kind: 'file' })),
    listingOf(rules, 'p', changed(1, {}, 'b')),
    ...[
      { size: 6 },
      { mode: 0o600 },
      { mtimeNs: 12n },
      { ctimeNs: 12n },
      { inode: 9n },
      { kind: 'symlink' as const },
    ].map((change) => listingOf(rules, 'p', changed(1, change))),
  ]
  assert.equal(new Set(listings).size, listings.length)
  assert.ok(!listings.includes(null))
  // What a folder holds is told by its own listing, and devices are numbered anew at every start.
  const same = [changed(0, { size: 3, mtimeNs: 1n, ctimeNs: 1n }), changed(1, { device: 2n })]
  for (const entries of same) assert.equal(listingOf(rules, 'p', entries), listings[0])
})

test('what no row tells of has no listing', () => {
  assert.equal(listingOf(rules, '', [{ name: 'a', stat: null, reason: 'name-not-utf8' }]), null)
  assert.equal(listingOf(rules, '', [{ name: 'a', stat: { ...stat, kind: 'other' } }]), null)
  assert.equal(listingOf(rules, '', [{ name: asideName(idOf(1)), stat }]), null)
})
