import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { NodeKind, NodeSchema, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { emptyContent, sameContent } from '../content/content.ts'
import { utf8 } from '../crypto/bytes.ts'
import { seededChance } from '../memory/chance.ts'
import { diffTrees, isFolderTime } from './diff.ts'
import { walk } from './find.ts'
import { commitPutBack } from './commit-put-back.ts'
import { planPutBack } from './put-back.ts'
import { fileOf, folderOf, nodeIdOf } from './vault.suite.ts'
import type { SnapshotInfo, TreeEdit, Vault } from './vault-types.ts'
import { createVaultWorld, push } from './world.suite.ts'

/** A vault whose whole tree is told at once, as paths: 'docs/' is folder 1, 'a=one' a file with that text. */
const createTeller = async () => {
  const world = await createVaultWorld()
  const { vault } = world.open(0)
  const chance = seededChance(3)
  let parents = new Map<NodeId, NodeId>()
  /** Each node as [number, parent's number or null, name, text or null for a folder]. */
  const tell = async (...nodes: [number, number | null, string, string | null][]): Promise<SnapshotInfo> => {
    world.clock.advance(60_000)
    const edits: TreeEdit[] = []
    const next = new Map<NodeId, NodeId>()
    for (const [number, parent, name, text] of nodes) {
      const id = nodeIdOf(number)
      const node = text === null ? folderOf(number, name) : fileOf(number, name, await vault.writeFile(utf8(text)))
      const to = { parent: parent === null ? rootNodeId : nodeIdOf(parent), node }
      edits.push({ id, from: parents.get(id) ?? null, to })
      next.set(id, to.parent)
    }
    for (const [id, from] of parents) if (!next.has(id)) edits.push({ id, from, to: null })
    parents = next
    return push(vault, edits, (folder) => next.get(folder) ?? null)
  }
  return { vault, tell, newId: () => nodeIdFromBytes(chance.bytes(16)) }
}

const told = async (vault: Vault, a: SnapshotInfo, b: SnapshotInfo): Promise<string[]> =>
  (await diffTrees(vault, a.root, b.root)).differences
    .filter((difference) => !isFolderTime(difference))
    .map((difference) => {
      const { change, before, after } = difference
      const edited = change === 'moved' && difference.isEdited ? ' edited' : ''
      return `${change}${edited} ${after === null ? before.path : before && before.path !== after.path ? `${before.path} > ${after.path}` : after.path}`
    })

test('a diff tells what was added, removed, edited and moved, with all that is in folders that came and went', async () => {
  const { vault, tell } = await createTeller()
  const a = await tell(
    [1, null, 'docs', null],
    [10, 1, 'a', 'one'],
    [11, 1, 'b', 'two'],
    [2, 1, 'old', null],
    [12, 2, 'c', 'x'],
  )
  const b = await tell(
    [1, null, 'docs', null],
    [10, 1, 'a', 'ONE'],
    [3, null, 'new', null],
    [11, 3, 'b', 'two'],
    [13, 3, 'd', 'y'],
  )
  assert.deepEqual(await told(vault, a, b), [
    'edited docs/a',
    'removed docs/old',
    'removed docs/old/c',
    'added new',
    'moved docs/b > new/b',
    'added new/d',
  ])
  assert.deepEqual(await told(vault, b, b), [])
  assert.deepEqual((await told(vault, b, a)).length, 6)
})

test('folders that change places, and move into each other, are told as moves, and what is in them is not', async () => {
  const { vault, tell } = await createTeller()
  const a = await tell([1, null, 'x', null], [2, 1, 'y', null], [10, 1, 'f', '1'], [11, 2, 'g', '2'])
  const b = await tell([2, null, 'y', null], [1, 2, 'x', null], [10, 1, 'f', '1'], [11, 2, 'g', '2'])
  assert.deepEqual(await told(vault, a, b), ['moved x/y > y', 'moved x > y/x'])
  const c = await tell([3, null, 'z', null], [2, 3, 'y', null], [1, 2, 'x', null], [10, 1, 'f', '!'], [11, 1, 'g', '2'])
  assert.deepEqual(await told(vault, a, c), [
    'added z',
    'moved x/y > z/y',
    'moved x > z/y/x',
    'edited x/f > z/y/x/f',
    'moved x/y/g > z/y/x/g',
  ])
})

const pathsOf = async (vault: Vault, root: Content): Promise<string[]> => {
  const paths: string[] = []
  for await (const { path, node } of walk(vault, { root }, '')) {
    if (path !== '') paths.push(node.kind === NodeKind.FOLDER ? `${path}/` : `${path} ${String(node.content?.size)}`)
  }
  return paths
}

test('a file that was deleted comes back with its id, also when its folder is gone', async () => {
  const { vault, tell, newId } = await createTeller()
  const a = await tell([1, null, 'docs', null], [10, 1, 'a', 'one'], [11, 1, 'b', 'two'])
  await tell([9, null, 'other', 'x'])
  const { steps, snapshot } = await commitPutBack(vault, a, 'docs/a', { isExact: false, newId })
  assert.deepEqual(
    steps.map(({ path, what }) => `${what} ${path}`),
    ['restored docs', 'restored docs/a'],
  )
  assert.deepEqual(await pathsOf(vault, snapshot!.root), ['docs/', 'docs/a 3', 'other 1'])
  assert.equal(snapshot!.statistics.files, 1n)
  assert.deepEqual(await told(vault, a, snapshot!), ['removed docs/b', 'added other'])
  const again = await commitPutBack(vault, a, 'docs/a', { isExact: false, newId })
  assert.equal(again.snapshot, null)
})

test('putting a folder back keeps what is new in it, or with `exact` does not', async () => {
  const { vault, tell, newId } = await createTeller()
  const a = await tell([1, null, 'docs', null], [10, 1, 'a', 'one'])
  const b = await tell([1, null, 'docs', null], [10, 1, 'a', 'edited'], [11, 1, 'new', 'two'])
  const kept = await commitPutBack(vault, a, 'docs', { isExact: false, newId })
  assert.deepEqual(await pathsOf(vault, kept.snapshot!.root), ['docs/', 'docs/a 3', 'docs/new 3'])
  const exact = await commitPutBack(vault, a, 'docs', { isExact: true, newId })
  assert.ok(sameContent(exact.snapshot!.root, a.root))
  // And back: what an in-place restore did can be undone.
  const undone = await commitPutBack(vault, b, '', { isExact: true, newId })
  assert.ok(sameContent(undone.snapshot!.root, b.root))
})

test('what was replaced at its path is edited back, and what is elsewhere by now stays there', async () => {
  const { vault, tell, newId } = await createTeller()
  const a = await tell([10, null, 'report', 'one'], [1, null, 'docs', null], [2, 1, 'sub', null], [11, 2, 'f', 'x'])
  await tell(
    [20, null, 'report', 'three'],
    [10, null, 'report.bak', 'one'],
    [3, null, 'attic', null],
    [2, 3, 'sub', null],
    [11, 2, 'f', 'x'],
  )
  const file = await commitPutBack(vault, a, 'report', { isExact: false, newId })
  assert.deepEqual(await pathsOf(vault, file.snapshot!.root), [
    'attic/',
    'attic/sub/',
    'attic/sub/f 1',
    'report 3',
    'report.bak 3',
  ])
  const folder = await commitPutBack(vault, a, 'docs', { isExact: false, newId })
  assert.deepEqual((await pathsOf(vault, folder.snapshot!.root)).slice(3, 6), ['docs/', 'docs/sub/', 'docs/sub/f 1'])
  const ids = new Set<string>()
  for await (const { node } of walk(vault, folder.snapshot!, '')) {
    assert.ok(!ids.has(nodeIdFromBytes(node.id)), 'a node is in one place')
    ids.add(nodeIdFromBytes(node.id))
  }
})

test('a file that stands where a folder was gives way, and the reverse', async () => {
  const { vault, tell, newId } = await createTeller()
  const a = await tell([1, null, 'x', null], [10, 1, 'f', '1'])
  const b = await tell([2, null, 'x', 'file now'])
  const back = await commitPutBack(vault, a, 'x', { isExact: false, newId })
  assert.ok(sameContent(back.snapshot!.root, a.root))
  const forth = await commitPutBack(vault, b, 'x', { isExact: false, newId })
  assert.ok(sameContent(forth.snapshot!.root, b.root))
})

/** Numbers below a limit, the same for each seed. */
const createDice = (seed: number) => {
  const chance = seededChance(seed)
  const below = (limit: number): number => (chance.bytes(1)[0] ?? 0) % limit
  return {
    below,
    shuffle: (numbers: number[]): number[] =>
      numbers
        .map((number) => [below(256), number] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, number]) => number),
  }
}
type Dice = ReturnType<typeof createDice>

/** A random tree over few numbers and names, so that nodes move, swap and replace each other. */
const randomTree = (dice: Dice): [number, number | null, string, string | null][] => {
  const nodes: [number, number | null, string, string | null][] = []
  const folders: (number | null)[] = [null]
  const taken = new Set<string>()
  for (const number of dice.shuffle([1, 2, 3, 4, 10, 11, 12, 13])) {
    if (dice.below(4) === 0) continue
    const parent = folders[dice.below(folders.length)] ?? null
    const name = 'abc'[dice.below(3)] ?? 'a'
    if (taken.has(`${parent} ${name}`)) continue
    taken.add(`${parent} ${name}`)
    nodes.push([number, parent, name, number < 10 ? null : `${dice.below(3)}`])
    if (number < 10) folders.push(number)
  }
  return nodes
}

test('of random trees: a diff is complete, a vault comes back exactly, and a node is never in two places', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const dice = createDice(seed)
    const { vault, tell, newId } = await createTeller()
    const trees = [randomTree(dice), randomTree(dice)]
    const [a, b] = [await tell(...trees[0]!), await tell(...trees[1]!)]
    const { differences } = await diffTrees(vault, a.root, b.root)
    const count = (root: Content) => pathsOf(vault, root).then((paths) => paths.length)
    const added = differences.filter(({ change }) => change === 'added').length
    const removed = differences.filter(({ change }) => change === 'removed').length
    assert.equal((await count(a.root)) + added - removed, await count(b.root), `seed ${seed}`)

    const before = await pathsOf(vault, a.root)
    const some = before[dice.below(before.length)]?.replace(/ \d+$|\/$/, '') ?? ''
    const partly = await planPutBack(vault, { newest: b.root, wanted: a.root }, some, {
      isExact: dice.below(2) === 0,
      newId,
    })
    const { root } = await vault.editTree(b.root, partly.edits, partly.parentOf)
    // Below whatever became of the folders above it.
    const after = await pathsOf(vault, root)
    const folder = some.slice(0, Math.max(0, some.lastIndexOf('/') + 1))
    const isBelow = (line: string) =>
      some === '' || line.replace(/ \d+$|\/$/, '') === some || line.startsWith(`${some}/`)
    for (const line of before.filter(isBelow)) {
      const tail = line.slice(folder.length)
      const isThere = after.some((other) => other === tail || other.endsWith(`/${tail}`))
      assert.ok(isThere, `seed ${seed}: ${line} did not come back in ${after.join()}`)
    }
    const ids: NodeId[] = []
    for await (const { node } of walk(vault, { root }, '')) ids.push(nodeIdFromBytes(node.id))
    assert.equal(new Set(ids).size, ids.length, `seed ${seed}`)

    const { snapshot } = await commitPutBack(vault, a, '', { isExact: true, newId })
    assert.ok(sameContent(snapshot?.root ?? b.root, a.root), `seed ${seed}`)
  }
})

test('modes and times come back too', async () => {
  const { vault, tell, newId } = await createTeller()
  const a = await tell([10, null, 'a', 'one'])
  const touched: Node = create(NodeSchema, { ...fileOf(10, 'a', await vault.writeFile(utf8('one'))), mode: 0o600 })
  const b = await push(vault, [{ id: nodeIdOf(10), from: rootNodeId, to: { parent: rootNodeId, node: touched } }])
  assert.deepEqual(await told(vault, a, b), ['touched a'])
  const { snapshot } = await commitPutBack(vault, a, 'a', { isExact: false, newId })
  assert.ok(sameContent(snapshot!.root, a.root))
  assert.ok(!sameContent(snapshot!.root, emptyContent()))
})
