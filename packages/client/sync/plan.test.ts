/** What a plan makes of whole trees: living children, cycles, names. Each test is a story of one folder. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNodeId, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode, LinkMode, NodeState } from '../ports.ts'
import { adopt } from './adopt.ts'
import type { HeadChange } from './head-changes.ts'
import { isSameContent, isSamePlace, isUnchanged } from './merge.ts'
import { modePolicies } from './modes.ts'
import { plan, type Plan, type Step } from './plan.ts'
import type { LocalChange } from './scan.ts'

const idOf = (letter: string): NodeId => parseNodeId(letter.charCodeAt(0).toString(16).padStart(2, '0').repeat(16))

/** `A: '/name'` is a folder when the name ends with '/', else a file; 'A/name' lies in folder A; '=text' is its content. */
type World = Record<string, string>

const stateOf = (letter: string, text: string): NodeState => {
  const [place = '', content = 'x'] = text.split('=')
  const isFolder = place.endsWith('/')
  const [parent = '', name = ''] = (isFolder ? place.slice(0, -1) : place).split('/')
  return {
    id: idOf(letter),
    parent: parent === '' ? rootNodeId : idOf(parent),
    name,
    kind: isFolder ? 'folder' : 'file',
    mode: isFolder ? 0o755 : 0o644,
    mtimeNs: 1n,
    size: isFolder ? 0 : content.length,
    content: isFolder ? null : new TextEncoder().encode(content),
    linkTarget: '',
  }
}

const statesOf = (world: World): Map<NodeId, NodeState> =>
  new Map(Object.entries(world).map(([letter, text]) => [idOf(letter), stateOf(letter, text)]))

const diskOf = (state: NodeState) => ({
  kind: state.kind,
  size: state.size,
  mode: state.mode,
  mtimeNs: 1n,
  ctimeNs: 1n,
  device: 1n,
  inode: 1n,
})

/** `absent`: letters of base nodes that are not on this disk. */
const planOf = (base: World, local: World, remote: World, absent = '', mode: LinkMode = 'sync'): Plan => {
  const bases = new Map<NodeId, BaseNode>(
    [...statesOf(base)].map(([id, state]) => [
      id,
      { ...state, disk: absent.split('').some((letter) => idOf(letter) === id) ? null : diskOf(state), absence: null },
    ]),
  )
  const differing = (states: Map<NodeId, NodeState>): NodeId[] =>
    [...new Set([...states.keys(), ...bases.keys()])].filter((id) => {
      const [before, after] = [bases.get(id), states.get(id)]
      return before === undefined || after === undefined || !isUnchanged(before, after)
    })
  const locals = statesOf(local)
  const remotes = statesOf(remote)
  const localChanges = new Map<NodeId, LocalChange>()
  for (const id of differing(locals)) {
    if ((bases.get(id)?.disk ?? undefined) === undefined && bases.has(id)) continue
    const state = locals.get(id)
    const here = state && {
      ...state,
      path: `somewhere/${state.name}`,
      folder: state.parent,
      disk: diskOf(state),
      isAside: false,
    }
    localChanges.set(id, { base: bases.get(id) ?? null, local: here ?? null })
  }
  const remoteChanges = new Map<NodeId, HeadChange>()
  for (const id of differing(remotes))
    remoteChanges.set(id, { base: bases.get(id) ?? null, remote: remotes.get(id) ?? null })
  let made = 0
  return plan({
    local: adopt(localChanges, remoteChanges, (folder) => [...bases.values()].filter((node) => node.parent === folder)),
    remote: remoteChanges,
    base: (id) => bases.get(id) ?? null,
    baseChildren: (folder) => [...bases.values()].filter((node) => node.parent === folder),
    pathOf: (node) => node.name,
    root: rootNodeId,
    newId: () => idOf(String.fromCharCode('0'.charCodeAt(0) + made++)),
    conflictName: (name, isTaken) => (isTaken(`${name}!`) ? `${name}2!` : `${name}!`),
    policy: { mode: modePolicies[mode], isSamePlace, isSameContent, isUnchanged },
  })
}

const stepOf = ({ steps }: Plan, letter: string): Step => {
  const step = steps.find(({ id }) => id === idOf(letter))
  assert.ok(step, `a step for ${letter}`)
  return step
}

const letter = (node: NodeId): string =>
  node === rootNodeId ? '' : String.fromCharCode(Number.parseInt(node.slice(0, 2), 16))

/** The vault as the plan leaves it, in the notation of World, with letters of ids. */
const outcome = ({ steps }: Plan): string[] =>
  steps
    .filter(({ merged }) => merged !== null)
    .map(({ id, merged }) => {
      return `${letter(id)}: ${letter(merged?.parent ?? rootNodeId)}/${merged?.name}`
    })
    .sort()

test('a folder deleted here survives with what is new in it there', () => {
  const result = planOf({ F: '/f/', A: 'F/a' }, {}, { F: '/f/', A: 'F/a', B: 'F/b' })
  assert.deepEqual(outcome(result), ['B: F/b', 'F: /f'])
  assert.equal(stepOf(result, 'F').toDisk, 'create')
  assert.equal(stepOf(result, 'F').toLog, 'none')
  assert.equal(stepOf(result, 'A').toLog, 'remove')
  assert.equal(stepOf(result, 'B').toDisk, 'create')
})

test('a folder deleted there survives with what was edited in it here', () => {
  const result = planOf({ F: '/f/', G: 'F/g/', A: 'G/a' }, { F: '/f/', G: 'F/g/', A: 'G/a=edited' }, {})
  assert.deepEqual(outcome(result), ['A: G/a', 'F: /f', 'G: F/g'])
  for (const letter of ['F', 'G', 'A']) assert.equal(stepOf(result, letter).toLog, 'put', letter)
})

test('a folder deleted here survives while it holds what is only in the vault', () => {
  const result = planOf({ F: '/f/', A: 'F/a' }, {}, { F: '/f/', A: 'F/a' }, 'A')
  assert.deepEqual(outcome(result), ['F: /f'])
  assert.equal(stepOf(result, 'F').toDisk, 'create')
  assert.equal(stepOf(result, 'F').toLog, 'none')
})

test('a folder deleted on both sides is gone with all below it', () => {
  const result = planOf({ F: '/f/', A: 'F/a' }, {}, {})
  assert.deepEqual(outcome(result), [])
  for (const letter of ['F', 'A'])
    assert.deepEqual([stepOf(result, letter).toDisk, stepOf(result, letter).toLog], ['none', 'none'])
})

test('a folder moved into another here and the other way round there follows the head', () => {
  const result = planOf({ A: '/a/', B: '/b/' }, { A: 'B/a/', B: '/b/' }, { A: '/a/', B: 'A/b/' })
  assert.deepEqual(outcome(result), ['A: /a', 'B: A/b'])
})

test('a cycle through a folder that is new here is broken too', () => {
  const result = planOf({ A: '/a/', B: '/b/' }, { N: 'B/n/', A: 'N/a/', B: '/b/' }, { A: '/a/', B: 'A/b/' })
  assert.deepEqual(outcome(result), ['A: /a', 'B: A/b', 'N: B/n'])
})

test('a folder that goes back to where the head has it finds that folder, though it was deleted here', () => {
  const base = { P: '/p/', A: 'P/a/', B: '/b/' }
  const result = planOf(base, { A: 'B/a/', B: '/b/' }, { P: '/p/', A: 'P/a/', B: 'A/b/' })
  assert.deepEqual(outcome(result), ['A: P/a', 'B: A/b', 'P: /p'])
})

test('two new files with one name: equal content settles, another is kept beside', () => {
  const same = planOf({}, { L: '/f=x' }, { R: '/f=x' })
  assert.deepEqual(outcome(same), ['R: /f'])
  assert.deepEqual([stepOf(same, 'R').toDisk, stepOf(same, 'R').toLog], ['none', 'none'])
  const other = planOf({}, { L: '/f=x' }, { R: '/f=y' })
  assert.deepEqual(outcome(other), ['0: /f!', 'R: /f'])
  assert.equal(stepOf(other, 'R').toDisk, 'create')
  assert.deepEqual([stepOf(other, '0').toDisk, stepOf(other, '0').toLog], ['change', 'put'])
  assert.deepEqual(other.conflicts, [idOf('0')])
})

test('two new folders with one name merge, and so does what is below them', () => {
  const result = planOf(
    {},
    { L: '/f/', K: 'L/g/', A: 'K/a=x', B: 'L/b' },
    { R: '/f/', S: 'R/g/', C: 'S/a=x', D: 'R/d' },
  )
  assert.deepEqual(outcome(result), ['B: R/b', 'C: S/a', 'D: R/d', 'R: /f', 'S: R/g'])
})

test('a new file and a new folder with one name: the head keeps it', () => {
  const result = planOf({}, { L: '/f' }, { R: '/f/' })
  assert.deepEqual(outcome(result), ['L: /f!', 'R: /f'])
})

test('a file renamed here onto a name that is new there gets another name', () => {
  const result = planOf({ A: '/a' }, { A: '/b' }, { A: '/a', R: '/b' })
  assert.deepEqual(outcome(result), ['A: /b!', 'R: /b'])
})

test('a file renamed there onto a name that is new here keeps it, and the new one gets another', () => {
  const result = planOf({ A: '/a' }, { A: '/a', L: '/b=new' }, { A: '/b' })
  assert.deepEqual(outcome(result), ['A: /b', 'L: /b!'])
})

test('an edit whose deleted file left its name to a new one there lives beside it', () => {
  const result = planOf({ A: '/a' }, { A: '/a=edited' }, { R: '/a=new' })
  assert.deepEqual(outcome(result), ['A: /a!', 'R: /a'])
})

test('a file moved here onto a name that is new there, and edited on both sides, becomes two with two names', () => {
  const result = planOf({ A: '/a' }, { A: '/f=edited' }, { A: '/a=other', R: '/f' })
  assert.deepEqual(outcome(result), ['0: /f2!', 'A: /f!', 'R: /f'])
})

test('names exchanged there are exchanged here, without a conflict', () => {
  const result = planOf({ A: '/a', B: '/b' }, { A: '/a', B: '/b' }, { A: '/b', B: '/a' })
  assert.deepEqual(outcome(result), ['A: /b', 'B: /a'])
  assert.deepEqual(result.conflicts, [])
})

test('a taken conflict name is not given twice', () => {
  const result = planOf({ X: '/f!' }, { L: '/f=x', X: '/f!' }, { R: '/f=y', X: '/f!' })
  assert.deepEqual(outcome(result), ['0: /f2!', 'R: /f'])
})

test('steps come parents first, and removals children first', () => {
  const { steps } = planOf(
    { F: '/f/', G: 'F/g/', A: 'G/a' },
    { F: '/f/', G: 'F/g/', A: 'G/a' },
    { N: '/n/', M: 'N/m/', B: 'M/b' },
  )
  assert.deepEqual(
    steps.map(({ id }) => id),
    ['N', 'M', 'B', 'A', 'G', 'F'].map(idOf),
  )
})
