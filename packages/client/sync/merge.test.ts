/** The policy for one node, as tables: every row of 4-sync's policy and every sighting of content. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNodeId, rootNodeId } from '@anysync/protocol/ids.ts'
import type { NodeState } from '../ports.ts'
import { choose, isUnchanged, mergeNode } from './merge.ts'

const id = parseNodeId('11'.repeat(16))
const folderA = parseNodeId('aa'.repeat(16))
const folderB = parseNodeId('bb'.repeat(16))

const file = (content: string | null, more: Partial<NodeState> = {}): NodeState => ({
  id,
  parent: rootNodeId,
  name: 'file',
  kind: 'file',
  mode: 0o644,
  mtimeNs: 1n,
  size: 1,
  content: content === null ? null : new TextEncoder().encode(content),
  linkTarget: '',
  ...more,
})

const folder = (more: Partial<NodeState> = {}): NodeState => ({
  ...file(null, more),
  kind: 'folder',
  mode: more.mode ?? 0o755,
})
const textOf = (state: NodeState | null): string | null =>
  state?.content ? new TextDecoder().decode(state.content) : null

test('every sighting of a content keeps every edit, and keeps both only for two different edits', () => {
  const contents = [null, 'x', 'y', 'z'] as const
  const states = contents.map((content) => (content === null ? null : file(content)))
  let sightings = 0
  for (const [b, base] of states.entries()) {
    for (const [l, local] of states.entries()) {
      for (const [r, remote] of states.entries()) {
        sightings += 1
        const merged = mergeNode({ base, local, remote })
        const isLocalEdit = local !== null && l !== b
        const isRemoteEdit = remote !== null && r !== b
        const why = `base ${contents[b]} local ${contents[l]} remote ${contents[r]}`
        assert.equal(merged.isKeptTwice, isLocalEdit && isRemoteEdit && l !== r, why)
        if (isRemoteEdit) assert.equal(textOf(merged.state), contents[r], why)
        else if (isLocalEdit) assert.equal(textOf(merged.state), contents[l], why)
        else if (l === b && r === b) assert.equal(textOf(merged.state), contents[b], why)
        else assert.equal(merged.state, null, why)
      }
    }
  }
  assert.equal(sightings, 64)
})

type Row = {
  why: string
  base: NodeState | null
  local: NodeState | null
  remote: NodeState | null
  merged: NodeState | null
  isKeptTwice?: boolean
}

const rows: Row[] = [
  {
    why: 'moved here, edited there: the edit arrives at the new place',
    base: file('x'),
    local: file('x', { parent: folderA, name: 'new' }),
    remote: file('y', { mtimeNs: 5n }),
    merged: file('y', { parent: folderA, name: 'new', mtimeNs: 5n }),
  },
  {
    why: 'edited here, moved there: the same the other way round',
    base: file('x'),
    local: file('y', { mtimeNs: 7n }),
    remote: file('x', { parent: folderB }),
    merged: file('y', { parent: folderB, mtimeNs: 7n }),
  },
  {
    why: 'moved to A here and to B there: the first in the log wins',
    base: file('x'),
    local: file('x', { parent: folderA }),
    remote: file('x', { parent: folderB }),
    merged: file('x', { parent: folderB }),
  },
  {
    why: 'deleted here, moved there: the move wins',
    base: file('x'),
    local: null,
    remote: file('x', { name: 'moved' }),
    merged: file('x', { name: 'moved' }),
  },
  {
    why: 'edited there, and edited with another mode here: the mode goes with the copy',
    base: file('x'),
    local: file('y', { mode: 0o600, mtimeNs: 3n }),
    remote: file('z', { mtimeNs: 4n }),
    merged: file('z', { mtimeNs: 4n }),
    isKeptTwice: true,
  },
  {
    why: 'mode changed here, content there: both',
    base: file('x'),
    local: file('x', { mode: 0o600 }),
    remote: file('y', { mtimeNs: 9n }),
    merged: file('y', { mode: 0o600, mtimeNs: 9n }),
  },
  {
    why: 'only the time changed here: it goes up',
    base: file('x'),
    local: file('x', { mtimeNs: 3n }),
    remote: file('x'),
    merged: file('x', { mtimeNs: 3n }),
  },
  {
    why: 'touched here but not read, unchanged there: what the disk holds goes up',
    base: file('x'),
    local: file(null, { mtimeNs: 3n }),
    remote: file('x'),
    merged: file(null, { mtimeNs: 3n }),
  },
  {
    why: 'touched here but not read, edited there: both are kept',
    base: file('x'),
    local: file(null, { mtimeNs: 3n }),
    remote: file('y'),
    merged: file('y'),
    isKeptTwice: true,
  },
  {
    why: 'the same new file on both sides settles with the time of the head',
    base: null,
    local: file('x', { mtimeNs: 3n }),
    remote: file('x', { mtimeNs: 4n }),
    merged: file('x', { mtimeNs: 4n }),
  },
  {
    why: "a folder's own time is no change, so a deletion there is followed",
    base: folder(),
    local: folder({ mtimeNs: 9n }),
    remote: null,
    merged: null,
  },
  {
    why: "a folder's time that only this disk has stays, whatever else changed",
    base: folder(),
    local: folder({ mode: 0o700, mtimeNs: 9n }),
    remote: folder(),
    merged: folder({ mode: 0o700, mtimeNs: 9n }),
  },
  {
    why: "a folder's mode is a change, so it outlives a deletion",
    base: folder(),
    local: folder({ mode: 0o700 }),
    remote: null,
    merged: folder({ mode: 0o700 }),
  },
]

for (const row of rows) {
  test(row.why, () => {
    const merged = mergeNode(row)
    assert.equal(merged.isKeptTwice, row.isKeptTwice ?? false)
    assert.deepEqual(merged.state, row.merged)
  })
}

const same = (a: number, b: number) => a === b

test('choose prefers the head when both sides say the same', () => {
  assert.equal(choose({ base: 1, local: 2, remote: 2 }, same), 'remote')
  assert.equal(choose({ base: 1, local: 2, remote: 1 }, same), 'local')
  assert.equal(choose({ base: 1, local: 1, remote: 2 }, same), 'remote')
  assert.equal(choose({ base: 1, local: 2, remote: 3 }, same), 'both')
})

test('unread content is never taken for unchanged', () => {
  assert.equal(isUnchanged(file(null), file(null)), false)
})
