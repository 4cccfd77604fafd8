import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import * as fc from 'fast-check'
import {
  ContentSchema,
  NodeKind,
  NodeSchema,
  type Content,
  type Node,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { contentBytes, emptyContent } from '../content/content.ts'
import { editTree } from './edit.ts'
import { parseTree } from './tree.ts'
import type { TreeEdit } from './vault-types.ts'
import { cipher, contentOf, fileOf, folderOf, nodeIdOf, trouble } from './vault.suite.ts'

const keyOf = (content: Content) => contentBytes(content).toHex()

/** Trees kept by their hash, and a count of what was read. */
const createShelf = () => {
  const trees = new Map<string, Uint8Array>()
  const reads: string[] = []
  return {
    reads,
    tree(content: Content): Promise<Node[]> {
      reads.push(keyOf(content))
      const bytes = content.size === 0n ? new Uint8Array() : trees.get(keyOf(content))
      assert.ok(bytes, 'a tree that was written')
      return Promise.resolve(parseTree(bytes))
    },
    writeTree(bytes: Uint8Array): Promise<Content> {
      if (bytes.length === 0) return Promise.resolve(emptyContent())
      const content = create(ContentSchema, { size: BigInt(bytes.length), chunks: [cipher.sha256(bytes)] })
      trees.set(keyOf(content), bytes)
      return Promise.resolve(content)
    },
  }
}
type Shelf = ReturnType<typeof createShelf>

/** Where each node is and what it is; folders without their content. */
type Flat = Map<NodeId, { parent: NodeId; node: Node }>

const idOf = (node: Node): NodeId => nodeIdFromBytes(node.id)
const bare = (node: Node): Node => (node.kind === NodeKind.FOLDER ? { ...node, content: emptyContent() } : node)

const flatten = async (shelf: Shelf, root: Content): Promise<Flat> => {
  const flat: Flat = new Map()
  const visit = async (parent: NodeId, content: Content): Promise<void> => {
    for (const node of await shelf.tree(content)) {
      assert.ok(!flat.has(idOf(node)), 'a node is in the tree once')
      flat.set(idOf(node), { parent, node: bare(node) })
      if (node.kind === NodeKind.FOLDER) await visit(idOf(node), node.content!)
    }
  }
  await visit(rootNodeId, root)
  return flat
}

const sorted = (flat: Flat) => [...flat].toSorted(([a], [b]) => (a < b ? -1 : 1))
const parentIn = (flat: Flat) => (folder: NodeId) => flat.get(folder)?.parent ?? null

/** The edits that lead from one tree to another. Removals below a removed folder may go unsaid. */
const editsBetween = (before: Flat, after: Flat, isBrief: boolean): TreeEdit[] => {
  const edits: TreeEdit[] = []
  for (const [id, { parent }] of before) {
    if (after.has(id) || (isBrief && parent !== rootNodeId && !after.has(parent))) continue
    edits.push({ id, from: parent, to: null })
  }
  for (const [id, now] of after) {
    const then = before.get(id)
    const isSame = then?.parent === now.parent && JSON.stringify(keyed(then.node)) === JSON.stringify(keyed(now.node))
    if (!isSame) edits.push({ id, from: then?.parent ?? null, to: { parent: now.parent, node: now.node } })
  }
  return edits
}
const keyed = ({ name, kind, mode, content }: Node) => [name, kind, mode, content ? contentBytes(content).toHex() : '']

const build = async (shelf: Shelf, flat: Flat): Promise<Content> =>
  (await editTree(shelf, null, editsBetween(new Map(), flat, false), parentIn(flat))).root

const put = (flat: Flat, parent: number | null, ...nodes: Node[]): void => {
  for (const node of nodes) flat.set(idOf(node), { parent: parent === null ? rootNodeId : nodeIdOf(parent), node })
}

/** home(1){docs(2){a(11) b(12) deep(3){c(13)}} pictures(4){d(14)}} top(15) */
const house = (): Flat => {
  const flat: Flat = new Map()
  put(flat, null, folderOf(1, 'home'), fileOf(15, 'top'))
  put(flat, 1, folderOf(2, 'docs'), folderOf(4, 'pictures'))
  put(flat, 2, fileOf(11, 'a'), fileOf(12, 'b'), folderOf(3, 'deep'))
  put(flat, 3, fileOf(13, 'c'))
  put(flat, 4, fileOf(14, 'd'))
  return flat
}

/** Changes the house, and checks that the tree became exactly what was wanted. */
const check = async (change: (flat: Flat) => void, isBrief = true) => {
  const shelf = createShelf()
  const before = house()
  const root = await build(shelf, before)
  const after = new Map(before)
  change(after)
  shelf.reads.length = 0
  const edited = await editTree(shelf, root, editsBetween(before, after, isBrief), parentIn(after))
  const { reads } = shelf
  const count = reads.length
  assert.deepEqual(sorted(await flatten(shelf, edited.root)), sorted(after))
  assert.deepEqual(edited.folders.get(rootNodeId), edited.root)
  return { ...edited, shelf, reads: count }
}

test('a tree is built from nothing, empty folders included', async () => {
  const shelf = createShelf()
  const flat = house()
  put(flat, 3, folderOf(5, 'empty'))
  const root = await build(shelf, flat)
  assert.deepEqual(sorted(await flatten(shelf, root)), sorted(flat))
})

test('no edits give the same root, and an empty vault an empty one', async () => {
  const shelf = createShelf()
  const root = await build(shelf, house())
  assert.deepEqual((await editTree(shelf, root, [], () => null)).root, root)
  assert.deepEqual((await editTree(shelf, null, [], () => null)).root, emptyContent())
})

test('an edited file rewrites the folders above it and reads no other', async () => {
  const { folders, reads } = await check((flat) => put(flat, 3, fileOf(13, 'c', contentOf(9, 9))))
  assert.deepEqual(new Set(folders.keys()), new Set([rootNodeId, nodeIdOf(1), nodeIdOf(2), nodeIdOf(3)]))
  assert.equal(reads, 4)
})

test('files are added, renamed, exchanged, moved and removed', async () => {
  await check((flat) => put(flat, 4, fileOf(20, 'new')))
  await check((flat) => put(flat, 2, fileOf(11, 'renamed')))
  await check((flat) => put(flat, 2, fileOf(11, 'b'), fileOf(12, 'a')))
  await check((flat) => put(flat, 4, fileOf(11, 'a')))
  await check((flat) => flat.delete(nodeIdOf(13)))
})

test('a moved folder keeps its content and is not rewritten; a changed one is, at its new place', async () => {
  const moved = await check((flat) => put(flat, null, folderOf(2, 'docs')))
  assert.ok(!moved.folders.has(nodeIdOf(2)))
  await check((flat) => {
    put(flat, 4, folderOf(3, 'deeper'))
    put(flat, 3, fileOf(21, 'new'))
    flat.delete(nodeIdOf(13))
  })
})

test('a folder is moved into a new folder, and its old parent into it', async () => {
  await check((flat) => {
    put(flat, null, folderOf(6, 'new'))
    put(flat, 6, folderOf(2, 'docs'))
  })
  await check((flat) => {
    put(flat, null, folderOf(3, 'deep'))
    put(flat, 3, folderOf(2, 'docs'))
    put(flat, 2, folderOf(1, 'home'))
  })
})

test('a removed folder takes along what is below it, but for what is moved away', async () => {
  for (const isBrief of [true, false]) {
    await check((flat) => {
      for (const id of [1, 2, 3, 4, 11, 12, 13, 14]) flat.delete(nodeIdOf(id))
    }, isBrief)
    await check((flat) => {
      for (const id of [1, 2, 3, 4, 11, 12, 14]) flat.delete(nodeIdOf(id))
      put(flat, null, fileOf(13, 'saved'))
    }, isBrief)
    await check((flat) => {
      for (const id of [1, 2, 4, 11, 12, 14]) flat.delete(nodeIdOf(id))
      put(flat, null, folderOf(3, 'saved'))
    }, isBrief)
  }
})

test('removing a folder with all that is below it does not read what is below it', async () => {
  const { reads } = await check((flat) => {
    for (const id of [1, 2, 3, 4, 11, 12, 13, 14]) flat.delete(nodeIdOf(id))
  }, false)
  assert.equal(reads, 1)
})

test('a file becomes a folder and a folder a file, under one id', async () => {
  await check((flat) => {
    put(flat, null, folderOf(15, 'top'))
    put(flat, 15, fileOf(22, 'inside'))
  })
  await check((flat) => {
    put(flat, 1, fileOf(4, 'pictures'))
    flat.delete(nodeIdOf(14))
  })
})

test('a folder keeps the content it has at the head, whatever content its edit names', async () => {
  const shelf = createShelf()
  const flat = house()
  const root = await build(shelf, flat)
  const node = { ...folderOf(4, 'pictures', contentOf(77, 7)), mode: 0o700 }
  const edits: TreeEdit[] = [{ id: nodeIdOf(4), from: nodeIdOf(1), to: { parent: nodeIdOf(1), node } }]
  const edited = await editTree(shelf, root, edits, parentIn(flat))
  put(flat, 1, create(NodeSchema, { ...folderOf(4, 'pictures'), mode: 0o700 }))
  assert.deepEqual(sorted(await flatten(shelf, edited.root)), sorted(flat))
})

const refuse = async (edits: TreeEdit[], kind: 'conflict' | 'corrupt'): Promise<void> => {
  const shelf = createShelf()
  const root = await build(shelf, house())
  const flat = house()
  for (const { id, to } of edits) if (to) flat.set(id, to)
  await assert.rejects(editTree(shelf, root, edits, parentIn(flat)), trouble(kind))
}
const to = (parent: number, node: Node) => ({ parent: nodeIdOf(parent), node })

test('two nodes of one name, one id, or one node edited twice are a conflict', async () => {
  const add = { id: nodeIdOf(30), from: null, to: to(2, fileOf(30, 'a')) }
  await refuse([add], 'conflict')
  await refuse([{ id: nodeIdOf(11), from: null, to: to(2, fileOf(11, 'again')) }], 'conflict')
  await refuse(
    [
      { ...add, to: to(2, fileOf(30, 'x')) },
      { ...add, to: to(4, fileOf(30, 'x')) },
    ],
    'conflict',
  )
})

test('a folder below itself is a conflict, and so is a node put into a folder that is removed', async () => {
  await refuse([{ id: nodeIdOf(1), from: rootNodeId, to: to(3, folderOf(1, 'home')) }], 'conflict')
  await refuse([{ id: nodeIdOf(1), from: rootNodeId, to: to(1, folderOf(1, 'home')) }], 'conflict')
  const removal = { id: nodeIdOf(3), from: nodeIdOf(2), to: null }
  await refuse([removal, { id: nodeIdOf(30), from: null, to: to(3, fileOf(30, 'x')) }], 'conflict')
  const above = { id: nodeIdOf(1), from: rootNodeId, to: null }
  await refuse([above, { id: nodeIdOf(30), from: null, to: to(3, fileOf(30, 'x')) }], 'conflict')
})

test('an edit that names what is not there is corrupt', async () => {
  await refuse([{ id: nodeIdOf(99), from: nodeIdOf(2), to: null }], 'corrupt')
  await refuse([{ id: nodeIdOf(11), from: nodeIdOf(4), to: null }], 'corrupt')
  await refuse([{ id: nodeIdOf(11), from: nodeIdOf(98), to: to(4, fileOf(11, 'a')) }], 'corrupt')
  await refuse([{ id: nodeIdOf(30), from: null, to: to(97, fileOf(30, 'x')) }], 'corrupt')
  await refuse([{ id: nodeIdOf(30), from: null, to: to(15, fileOf(30, 'x')) }], 'corrupt')
})

const isBelow = (flat: Flat, id: NodeId, top: NodeId): boolean => {
  for (let at: NodeId | null = id; at !== null; at = flat.get(at)?.parent ?? null) if (at === top) return true
  return false
}

const play = (flat: Flat, list: { what: string; target: number; parent: number; number: number }[], start: number) => {
  for (const [i, { what, target, parent, number }] of list.entries()) {
    const ids = [...flat.keys()]
    const folders = [rootNodeId, ...ids.filter((id) => flat.get(id)!.node.kind === NodeKind.FOLDER)]
    const folder = folders[parent % folders.length]!
    const fresh = start + i
    if (what === 'file') flat.set(nodeIdOf(fresh), { parent: folder, node: fileOf(fresh, `n${fresh}`) })
    if (what === 'folder') flat.set(nodeIdOf(fresh), { parent: folder, node: folderOf(fresh, `n${fresh}`) })
    const id = ids[target % Math.max(1, ids.length)]
    const found = id === undefined ? undefined : flat.get(id)
    if (id === undefined || found === undefined) continue
    if (what === 'remove') for (const gone of ids.filter((other) => isBelow(flat, other, id))) flat.delete(gone)
    if (what === 'move' && !isBelow(flat, folder, id)) flat.set(id, { ...found, parent: folder })
    if (what === 'rename') flat.set(id, { ...found, node: { ...found.node, name: `n${fresh}` } })
    if (what === 'touch') flat.set(id, { ...found, node: { ...found.node, mode: number } })
  }
}

test('any edits lead to the tree that they describe', async () => {
  const step = fc.record({
    what: fc.constantFrom('file', 'folder', 'remove', 'move', 'rename', 'touch'),
    target: fc.nat(),
    parent: fc.nat(),
    number: fc.integer({ min: 1, max: 40 }),
  })
  const steps = fc.array(step, { maxLength: 25 })
  await fc.assert(
    fc.asyncProperty(steps, steps, fc.boolean(), async (first, second, isBrief) => {
      const shelf = createShelf()
      const before: Flat = new Map()
      play(before, first, 100)
      const root = await build(shelf, before)
      assert.deepEqual(sorted(await flatten(shelf, root)), sorted(before))
      const after = new Map(before)
      play(after, second, 200)
      const edited = await editTree(shelf, root, editsBetween(before, after, isBrief), parentIn(after))
      assert.deepEqual(sorted(await flatten(shelf, edited.root)), sorted(after))
    }),
    { numRuns: 150 },
  )
})
