import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode, DiskStat, NodeState } from '../ports.ts'
import { actionsOf } from './actions.ts'
import type { Step } from './plan.ts'
import type { LocalNode } from './scan.ts'
import { createWorld, settle, type Device } from './world.suite.ts'

const id = nodeIdFromBytes(new Uint8Array(16).fill(7))
const otherId = nodeIdFromBytes(new Uint8Array(16).fill(8))
const stat: DiskStat = { kind: 'file', size: 1, mode: 0o644, mtimeNs: 1n, ctimeNs: 1n, device: 1n, inode: 1n }
const file: NodeState = {
  id,
  parent: rootNodeId,
  name: 'a',
  kind: 'file',
  mode: 0o644,
  mtimeNs: 1n,
  size: 1,
  content: Uint8Array.of(1),
  linkTarget: '',
}
const edited = { ...file, content: Uint8Array.of(2), mtimeNs: 2n }
const moved = { ...file, name: 'b' }
const chmodded = { ...file, mode: 0o600 }
const folder: NodeState = { ...file, kind: 'folder', content: null }
const rowOf = (state: NodeState): BaseNode => ({ ...state, disk: stat, absence: null })
const absent = (state: NodeState): BaseNode => ({
  ...state,
  disk: null,
  absence: { kind: 'name', message: 'the name cannot be here' },
})
const onDisk = (state: NodeState, path = state.name): LocalNode => ({
  ...state,
  path,
  folder: state.parent,
  disk: stat,
  isAside: false,
})

type Row = {
  is: string
  base?: BaseNode
  local?: LocalNode
  remote?: NodeState
  merged?: NodeState
  toDisk?: Step['toDisk']
  toLog?: Step['toLog']
  /** The base afterwards. */
  row?: BaseNode
  isUnsettled?: true
  isCopy?: true
  told: [what: string, why: string][]
}

const table: Row[] = [
  { is: 'new here', local: onDisk(file), merged: file, toLog: 'put', row: rowOf(file), told: [['pushed', 'new here']] },
  {
    is: 'a new folder here',
    local: onDisk(folder),
    merged: folder,
    toLog: 'put',
    row: rowOf(folder),
    told: [['made-there', 'new here']],
  },
  {
    is: 'new there',
    remote: file,
    merged: file,
    toDisk: 'create',
    row: rowOf(file),
    told: [['pulled', 'new on another device']],
  },
  {
    is: 'a new folder there',
    remote: folder,
    merged: folder,
    toDisk: 'create',
    row: rowOf(folder),
    told: [['made-here', 'new on another device']],
  },
  {
    is: 'edited here',
    base: rowOf(file),
    local: onDisk(edited),
    remote: file,
    merged: { ...edited, content: null },
    toLog: 'put',
    row: rowOf(edited),
    told: [['pushed', 'changed here']],
  },
  {
    is: 'edited here, and not pushed',
    base: rowOf(file),
    local: onDisk(edited),
    remote: file,
    merged: { ...edited, content: null },
    toLog: 'put',
    row: rowOf(file),
    isUnsettled: true,
    told: [],
  },
  {
    is: 'edited there',
    base: rowOf(file),
    local: onDisk(file),
    remote: edited,
    merged: edited,
    toDisk: 'change',
    row: rowOf(edited),
    told: [['pulled', 'changed on another device']],
  },
  {
    is: 'edited there, and not pulled',
    base: rowOf(file),
    local: onDisk(file),
    remote: edited,
    merged: edited,
    toDisk: 'change',
    row: rowOf(file),
    isUnsettled: true,
    told: [],
  },
  {
    is: 'moved here',
    base: rowOf(file),
    local: onDisk(moved),
    remote: file,
    merged: moved,
    toLog: 'put',
    row: rowOf(moved),
    told: [['moved-there', 'moved here']],
  },
  {
    is: 'moved and edited here, and only the move got there',
    base: rowOf(file),
    local: onDisk({ ...edited, name: 'b' }),
    remote: file,
    merged: { ...edited, name: 'b', content: null },
    toLog: 'put',
    row: rowOf(moved),
    isUnsettled: true,
    told: [['moved-there', 'moved here']],
  },
  {
    is: 'moved there and edited here',
    base: rowOf(file),
    local: onDisk(edited),
    remote: moved,
    merged: { ...edited, name: 'b', content: null },
    toDisk: 'change',
    toLog: 'put',
    row: rowOf({ ...edited, name: 'b' }),
    told: [
      ['moved-here', 'moved on another device'],
      ['pushed', 'changed here'],
    ],
  },
  {
    is: 'permissions changed here',
    base: rowOf(file),
    local: onDisk(chmodded),
    remote: file,
    merged: chmodded,
    toLog: 'put',
    row: rowOf(chmodded),
    told: [['changed-there', 'permissions or time changed here']],
  },
  {
    is: 'permissions changed there',
    base: rowOf(file),
    local: onDisk(file),
    remote: chmodded,
    merged: chmodded,
    toDisk: 'change',
    row: rowOf(chmodded),
    told: [['changed-here', 'permissions or time changed on another device']],
  },
  {
    is: "a folder's time tells nothing",
    base: rowOf(folder),
    local: onDisk(folder),
    remote: { ...folder, mtimeNs: 2n },
    merged: { ...folder, mtimeNs: 2n },
    toDisk: 'change',
    row: rowOf({ ...folder, mtimeNs: 2n }),
    told: [],
  },
  {
    is: 'deleted here',
    base: rowOf(file),
    remote: file,
    toLog: 'remove',
    told: [['removed-there', 'deleted here']],
  },
  {
    is: 'deleted here, and it waits for a person',
    base: rowOf(file),
    remote: file,
    toLog: 'remove',
    row: rowOf(file),
    told: [],
  },
  {
    is: 'deleted there',
    base: rowOf(file),
    local: onDisk(file),
    toDisk: 'remove',
    told: [['removed-here', 'deleted on another device']],
  },
  {
    is: 'edited here and deleted there',
    base: rowOf(file),
    local: onDisk(edited),
    merged: { ...edited, content: null },
    toLog: 'put',
    row: rowOf(edited),
    told: [['pushed', 'changed here and deleted on another device: the change stays']],
  },
  {
    is: 'deleted here and edited there',
    base: rowOf(file),
    remote: edited,
    merged: edited,
    toDisk: 'create',
    row: rowOf(edited),
    told: [['pulled', 'changed on another device and deleted here: the change stays']],
  },
  {
    is: 'a folder deleted here in which something is new there',
    base: rowOf(folder),
    remote: folder,
    merged: folder,
    toDisk: 'create',
    row: rowOf(folder),
    told: [['made-here', 'deleted here, but something in it lives on']],
  },
  {
    is: 'a folder deleted there in which something is new here',
    base: rowOf(folder),
    local: onDisk(folder),
    merged: folder,
    toLog: 'put',
    row: rowOf({ ...folder, mode: 0o700 }),
    told: [['made-there', 'deleted on another device, but something in it lives on']],
  },
  {
    is: 'in the vault only',
    remote: file,
    merged: file,
    toDisk: 'create',
    row: absent(file),
    told: [],
  },
  {
    is: 'what can be here now',
    base: absent(file),
    local: onDisk(file, ''),
    remote: file,
    merged: file,
    toDisk: 'create',
    row: rowOf(file),
    told: [['pulled', 'it can be on this disk now']],
  },
  {
    is: 'equal on both sides',
    local: onDisk(file),
    remote: file,
    merged: file,
    row: rowOf(file),
    told: [],
  },
  {
    is: 'the copy of an edit',
    local: onDisk({ ...edited, id: otherId }),
    merged: { ...edited, name: 'a (conflict)' },
    toDisk: 'change',
    toLog: 'put',
    row: rowOf({ ...edited, name: 'a (conflict)' }),
    isCopy: true,
    told: [['kept-both', 'both sides edited it: the other version keeps the name']],
  },
  {
    is: 'one of two with the same new name',
    local: onDisk(file),
    merged: { ...file, name: 'a (conflict)' },
    toDisk: 'change',
    toLog: 'put',
    row: rowOf({ ...file, name: 'a (conflict)' }),
    isCopy: true,
    told: [['kept-both', 'something else has that name: the other one keeps it']],
  },
  {
    is: 'a copy that did not get there',
    local: onDisk(file),
    merged: { ...file, name: 'a (conflict)' },
    toDisk: 'change',
    toLog: 'put',
    isCopy: true,
    told: [],
  },
]

test('what was done, and why, by what was seen and what the base says afterwards', () => {
  for (const { is, row, isUnsettled, isCopy, told, ...seen } of table) {
    const step: Step = {
      id,
      base: null,
      local: null,
      remote: null,
      merged: null,
      toDisk: 'none',
      toLog: 'none',
      toBase: 'put',
      absence: null,
      ...seen,
    }
    const actions = actionsOf({
      plan: { steps: [step], conflicts: isCopy ? [id] : [] },
      unsettled: new Set<NodeId>(isUnsettled ? [id] : []),
      rowOf: () => row ?? null,
      pathOf: () => seen.merged?.name ?? '',
      timeNs: 5n,
    })
    assert.deepEqual(
      actions.map(({ what, why }) => [what, why]),
      told,
      is,
    )
    for (const { path, timeNs } of actions) assert.deepEqual([path, timeNs], [seen.merged?.name ?? 'a', 5n], is)
  }
})

test('of a deleted folder every node is told with the path that it had', () => {
  const inside = { ...file, id: otherId, parent: id }
  const steps = [
    { ...inside, of: inside },
    { ...folder, of: folder },
  ].map(({ of }): Step => ({
    id: of.id,
    base: rowOf(of),
    local: null,
    remote: of,
    merged: null,
    toDisk: 'none',
    toLog: 'remove',
    toBase: 'put',
    absence: null,
  }))
  const actions = actionsOf({
    plan: { steps, conflicts: [] },
    unsettled: new Set(),
    rowOf: () => null,
    pathOf: (id) => (id === rootNodeId ? '' : null),
    timeNs: 5n,
  })
  assert.deepEqual(
    actions.map(({ path }) => path),
    ['a/a', 'a'],
  )
})

const toldBy = (device: Device, path?: string): string[] =>
  device.state
    .actions(`link of ${device.name}`, { limit: 100, ...(path === undefined ? {} : { path }) })
    .toReversed()
    .map(({ path, what }) => `${what} ${path}`)

test('the engine keeps what its rounds did, on every device from its own side', async () => {
  const world = await createWorld(1)
  const [first, second] = world.devices
  assert.ok(first && second)
  first.user.writeFile('folder/note', 'one')
  first.user.writeFile('gone', 'x')
  await settle(world)
  assert.deepEqual(toldBy(first).toSorted(), ['made-there folder', 'pushed folder/note', 'pushed gone'])
  assert.deepEqual(toldBy(second).toSorted(), ['made-here folder', 'pulled folder/note', 'pulled gone'])
  await settle(world)
  assert.equal(toldBy(first).length, 3)

  first.user.writeFile('folder/note', 'first')
  second.user.writeFile('folder/note', 'the second')
  first.user.rm('gone')
  await settle(world)
  assert.deepEqual(toldBy(first, 'gone'), ['pushed gone', 'removed-there gone'])
  assert.deepEqual(toldBy(second, 'gone'), ['pulled gone', 'removed-here gone'])
  const copies = toldBy(second).filter((line) => line.startsWith('kept-both'))
  assert.match(copies.join(), /^kept-both folder\/note \(conflict device1 [^,]*$/)
})
