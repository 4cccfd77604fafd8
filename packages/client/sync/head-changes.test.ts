/** What is opened of the head's tree, and what is left for another round. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { NodeKind, NodeSchema, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import {
  chunkIdFromBytes,
  idToBytes,
  nodeIdFromBytes,
  rootNodeId,
  vaultIdFromBytes,
  type NodeId,
} from '@anysync/protocol/ids.ts'
import { contentBytes, emptyContent, makeContent } from '../content/content.ts'
import { createMemoryState } from '../memory/state.ts'
import type { BaseNode } from '../ports.ts'
import { headChanges } from './head-changes.ts'
import { baseNodeOf, nodeStateOf } from './node.ts'

/** A folder is what is in it by name, a file is null. A name that ends with '!' is of a folder that nobody may write in. */
type Tree = { [name: string]: Tree | null }

const link = { id: 'link', vaultId: vaultIdFromBytes(new Uint8Array(16)), root: '/r', mode: 'sync' as const }

/** The head of this tree, and a base. Ids follow from names, so a node that moves keeps its own. */
const worldOf = (tree: Tree) => {
  const state = createMemoryState()
  state.putLink(link)
  const trees: Node[][] = []
  const opened: string[] = []
  const namesByTree: string[] = []
  const contentOf = (folder: Tree, name: string): Content => {
    const nodes = Object.entries(folder).map(([name, below]) =>
      create(NodeSchema, {
        id: idToBytes(idOf(name)),
        name,
        kind: below === null ? NodeKind.FILE : NodeKind.FOLDER,
        mode: name.endsWith('!') ? 0o555 : 0o755,
        mtimeNs: 1n,
        content: below === null ? emptyContent() : contentOf(below, name),
      }),
    )
    namesByTree.push(name)
    return makeContent(trees.push(nodes), 0, [chunkIdFromBytes(new Uint8Array(32))])
  }
  const root = contentOf(tree, '')
  const read = (content: Content): Promise<Node[]> => {
    const number = Number(content.size) - 1
    opened.push(namesByTree[number] ?? '?')
    return Promise.resolve(trees[number] ?? assert.fail('no such tree'))
  }
  const look = async (changesMax?: number) => {
    const { changes, rest } = await headChanges({ state, linkId: link.id, tree: read }, root, changesMax)
    const folders = new Set<NodeId>([rootNodeId])
    for (const [id, { remote }] of changes) {
      assert.ok(remote === null || folders.has(remote.parent) || state.node(link.id, remote.parent) !== null)
      folders.add(id)
    }
    return { opened: opened.splice(0).slice(1), changes, rest: [...rest].map(nameOf) }
  }
  return { state, look, put: (row: BaseNode) => state.putNode(link.id, row) }
}

const idOf = (name: string): NodeId => {
  const bytes = new Uint8Array(16)
  new TextEncoder().encodeInto(name, bytes)
  return nodeIdFromBytes(bytes)
}
const nameOf = (id: NodeId): string => new TextDecoder().decode(idToBytes(id)).replaceAll('\0', '')

/** A row of the base, of something that is on this disk. */
const rowOf = (name: string, parent: NodeId, kind: 'file' | 'folder'): BaseNode => {
  const isFolder = kind === 'folder'
  const node = create(NodeSchema, {
    id: idToBytes(idOf(name)),
    name,
    kind: isFolder ? NodeKind.FOLDER : NodeKind.FILE,
    mode: 0o755,
    mtimeNs: 1n,
    content: emptyContent(),
  })
  const disk = { kind, size: 0, mode: 0o755, mtimeNs: 1n, ctimeNs: 1n, device: 1n, inode: 1n }
  const row = baseNodeOf(nodeStateOf(node, parent), disk, null)
  return isFolder ? { ...row, content: null } : { ...row, content: contentBytes(emptyContent()) }
}

const deep: Tree = { a: { b: { c: null }, d: { e: null } }, f: { g: { h: null } }, i: null }

test('all of the head is opened when no number of changes is named', async () => {
  const { look } = worldOf(deep)
  const { opened, changes, rest } = await look()
  assert.deepEqual(opened, ['a', 'b', 'd', 'f', 'g'])
  assert.deepEqual([changes.size, rest], [9, []])
})

test('new folders are opened depth first until so many changes are found, and the rest is named', async () => {
  for (const { changesMax, opened, rest } of [
    { changesMax: 1, opened: [], rest: ['f', 'a'] },
    { changesMax: 3, opened: [], rest: ['f', 'a'] },
    { changesMax: 4, opened: ['a'], rest: ['f', 'd', 'b'] },
    { changesMax: 6, opened: ['a', 'b'], rest: ['f', 'd'] },
    { changesMax: 8, opened: ['a', 'b', 'd', 'f'], rest: ['g'] },
    { changesMax: 9, opened: ['a', 'b', 'd', 'f', 'g'], rest: [] },
  ]) {
    const seen = await worldOf(deep).look(changesMax)
    assert.deepEqual([seen.opened, seen.rest], [opened, rest], `${changesMax} changes`)
  }
})

test('what the base has already is gone through again, and a next look comes further', async () => {
  const { look, put } = worldOf(deep)
  put(rowOf('a', rootNodeId, 'folder'))
  put(rowOf('i', rootNodeId, 'file'))
  put(rowOf('b', idOf('a'), 'folder'))
  const { opened, rest } = await look(4)
  assert.deepEqual([opened, rest], [['a', 'b', 'd'], ['f']])
})

test('when something of the base is missing every folder is opened, for it may be in any', async () => {
  const { look, put } = worldOf(deep)
  put(rowOf('a', rootNodeId, 'folder'))
  put(rowOf('h', rootNodeId, 'file'))
  const { rest, changes } = await look(1)
  assert.deepEqual(rest, [])
  assert.equal(changes.get(idOf('h'))?.remote?.parent, idOf('g'))
  put(rowOf('gone', rootNodeId, 'file'))
  assert.equal((await look(1)).changes.get(idOf('gone'))?.remote, null)
})

test('a folder that its owner may not write in is opened with the one above it, and so is all below it', async () => {
  const { look } = worldOf({ a: { 'b!': { c: { d: null } }, e: { f: null } } })
  const { opened, rest } = await look(2)
  assert.deepEqual([opened, rest], [['a', 'b!', 'c'], ['e']])
})
