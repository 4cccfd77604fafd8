/** The modes of a link, as tables: what a node shall be, by where it is and who changed it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNodeId, rootNodeId } from '@anysync/protocol/ids.ts'
import { linkModes, type NodeState } from '../ports.ts'
import { mergeBackup, mergeMirror, mergeNewOnly, modePolicies, type MergeByMode } from './modes.ts'

const id = parseNodeId('11'.repeat(16))
const folder = parseNodeId('aa'.repeat(16))

const file = (content: string, more: Partial<NodeState> = {}): NodeState => ({
  id,
  parent: rootNodeId,
  name: 'file',
  kind: 'file',
  mode: 0o644,
  mtimeNs: 1n,
  size: 1,
  content: new TextEncoder().encode(content),
  linkTarget: '',
  ...more,
})

const folderAt = (mtimeNs: bigint): NodeState => ({ ...file('', { mtimeNs }), kind: 'folder', content: null })

const states = {
  none: null,
  x: file('x'),
  y: file('y'),
  z: file('z'),
  sameX: file('x'),
  sameY: file('y'),
  touched: file('x', { mtimeNs: 5n }),
  moved: file('x', { parent: folder }),
  movedToo: file('x', { name: 'other' }),
  movedAndEdited: file('y', { parent: folder }),
}
type Name = keyof typeof states

/** `L`: the disk's state · `R`: the head's · `-`: nothing · behind it, `held`: nothing travels · `both`: two nodes. */
type Answer = '-' | 'L' | 'R' | 'L held' | 'R both'
/** base, here, there · mirror, backup, new-only */
type Row = [Name, Name, Name, Answer, Answer, Answer]

const rows: Row[] = [
  // new here
  ['none', 'x', 'none', 'L', 'L', 'L'],
  // new there
  ['none', 'none', 'x', 'R', 'R', 'R'],
  // new on both sides
  ['none', 'x', 'sameX', 'R', 'L', 'R'],
  ['none', 'x', 'y', 'R both', 'R both', 'L held'],
  // changed there
  ['x', 'x', 'y', 'R', 'L held', 'L held'],
  ['x', 'x', 'touched', 'R', 'L held', 'L held'],
  ['x', 'x', 'moved', 'R', 'L', 'L held'],
  ['x', 'x', 'movedAndEdited', 'R', 'L', 'L held'],
  ['x', 'x', 'none', '-', 'L', 'L held'],
  // changed here
  ['x', 'y', 'x', 'L', 'L', 'L held'],
  ['x', 'moved', 'x', 'L', 'L', 'L held'],
  ['x', 'touched', 'x', 'L', 'L', 'L held'],
  ['x', 'none', 'x', '-', '-', 'R'],
  // changed on both sides
  ['x', 'y', 'z', 'R both', 'L', 'L held'],
  ['x', 'y', 'sameY', 'R', 'L', 'L held'],
  ['x', 'touched', 'y', 'R', 'L held', 'L held'],
  ['x', 'moved', 'y', 'R', 'L', 'L held'],
  ['x', 'moved', 'movedToo', 'R', 'L', 'L held'],
  ['x', 'y', 'moved', 'R both', 'L', 'L held'],
  ['x', 'y', 'none', 'L', 'L', 'L held'],
  ['x', 'none', 'y', 'R', '-', 'R'],
  ['x', 'none', 'moved', 'R', '-', 'R'],
  ['x', 'none', 'none', '-', '-', '-'],
]

const answer = (merge: MergeByMode, [base, here, there]: Row): string => {
  const [local, remote] = [states[here], states[there]]
  const { state, isHeld, isKeptTwice } = merge({ base: states[base], local, remote }, false)
  const side = state === null ? '-' : state === remote ? 'R' : 'L'
  return `${side}${isHeld ? ' held' : ''}${isKeptTwice ? ' both' : ''}`
}

test('each mode takes, sends or holds a change as its table says', () => {
  for (const row of rows) {
    const answers = [mergeMirror, mergeBackup, mergeNewOnly].map((merge) => answer(merge, row))
    assert.deepEqual(answers, row.slice(3), row.slice(0, 3).join(' '))
  }
})

test('what was only in the vault follows the vault in every mode', () => {
  for (const mode of linkModes)
    for (const remote of [states.x, states.y, states.moved, null]) {
      const { state, isHeld, isKeptTwice } = modePolicies[mode].merge({ base: states.x, local: states.x, remote }, true)
      assert.deepEqual([state, isHeld, isKeptTwice], [remote, false, false], mode)
    }
})

test("a folder's time is a change in no mode, and is taken from the head", () => {
  for (const mode of linkModes) {
    const { merge } = modePolicies[mode]
    const { state, isHeld } = merge({ base: folderAt(1n), local: folderAt(2n), remote: folderAt(3n) }, false)
    assert.deepEqual([state?.mtimeNs, isHeld], [3n, false], mode)
  }
})
