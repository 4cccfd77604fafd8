import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode, DiskStat, NodeState } from '../ports.ts'
import { adopt } from './adopt.ts'
import type { HeadChange } from './head-changes.ts'
import { baseNodeOf } from './node.ts'
import type { LocalChange, LocalNode } from './scan.ts'

const [known, made] = [nodeIdFromBytes(new Uint8Array(16).fill(1)), nodeIdFromBytes(new Uint8Array(16).fill(2))]

const stateOf = (id: NodeId, name: string, kind: NodeState['kind'] = 'file'): NodeState => ({
  id,
  parent: rootNodeId,
  name,
  kind,
  mode: 0o644,
  mtimeNs: 1n,
  size: 0,
  content: null,
  linkTarget: '',
})

const stat: DiskStat = { kind: 'file', size: 0, mode: 0o644, mtimeNs: 1n, ctimeNs: 1n, device: 1n, inode: 1n }
const baseOf = (name: string): BaseNode => baseNodeOf(stateOf(known, name), stat, null)
const localOf = (state: NodeState): LocalNode => ({
  ...state,
  path: state.name,
  folder: rootNodeId,
  disk: { ...stat, kind: state.kind },
  isAside: false,
})

/** What the new node at 'b' becomes, when the head has moved a known file from 'a' to 'b'. */
const adopted = (others: [NodeId, LocalChange][], kind: NodeState['kind'] = 'file') => {
  const head = new Map<NodeId, HeadChange>([[known, { base: baseOf('a'), remote: stateOf(known, 'b') }]])
  return adopt(new Map([[made, { base: null, local: localOf(stateOf(made, 'b', kind)) }], ...others]), head, () => [])
}

test('a new file is the one that the head moved there, when that is gone from where it was', () => {
  const result = adopted([[known, { base: baseOf('a'), local: null }]])
  assert.deepEqual([...result.keys()], [known])
  assert.deepEqual([result.get(known)?.base, result.get(known)?.local?.id], [baseOf('a'), known])
})

test('a new file is another one while the one that the head moved there is still elsewhere', () => {
  assert.deepEqual([...adopted([]).keys()], [made])
})

test('a new link is not the file that the head moved there', () => {
  const result = adopted([[known, { base: baseOf('a'), local: null }]], 'symlink')
  assert.deepEqual(new Set(result.keys()), new Set([made, known]))
})

/** The ids under which a file is found that the head has removed and made anew, when it was last written at such a time. */
const foundAnew = (mtimeNs: bigint): NodeId[] => {
  const head = new Map<NodeId, HeadChange>([
    [known, { base: baseOf('a'), remote: null }],
    [made, { base: null, remote: stateOf(made, 'a') }],
  ])
  const local = localOf({ ...stateOf(known, 'a'), mtimeNs })
  const result = adopt(new Map([[known, { base: baseOf('a'), local }]]), head, () => [])
  return [...result].flatMap(([id, change]) => (change.local === null ? [] : [id]))
}

test('a file that was written here is the one that the head made anew at its place, and one that only looks touched is not', () => {
  assert.deepEqual(foundAnew(2n), [made])
  assert.deepEqual(foundAnew(1n), [known])
})
