/**
 * A device that reads what snapshots say that they touched finds just what one finds that reads every tree: in random
 * histories with forgotten snapshots and folders that are put back.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { create } from '@bufbuild/protobuf'
import { NodeSchema, RescueBodySchema, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { SyncError } from '@anysync/protocol/errors.ts'
import { nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { commitPutBack } from './commit-put-back.ts'
import { forgetBody } from './forget.ts'
import { changing, findLast, versions } from './history.ts'
import { keptOf } from './kept-snapshot.ts'
import { fileOf, folderOf, nodeIdOf } from './vault.suite.ts'
import type { SnapshotInfo, TreeEdit, Vault } from './vault-types.ts'
import { createVaultWorld, push } from './world.suite.ts'

type Place = { parent: number | null; isFolder: boolean; name: string; version: number }
type Model = Map<number, Place>
type Dice = (below: number) => number

const names = ['a', 'b', 'c']
const paths = [...names, ...names.flatMap((a) => names.flatMap((b) => [`${a}/${b}`, `${a}/${b}/a`]))]
let next = 100

const idOf = (number: number | null): NodeId => (number === null ? rootNodeId : nodeIdOf(number))

/** Something is made, edited, renamed, moved or removed. */
const act = (model: Model, dice: Dice): void => {
  const pick = (numbers: number[]): number | null => numbers[dice(numbers.length || 1)] ?? null
  const isBelow = (number: number | null, above: number): boolean =>
    number !== null && (number === above || isBelow(model.get(number)?.parent ?? null, above))
  const parent = dice(2) === 0 ? null : pick([...model.keys()].filter((number) => model.get(number)?.isFolder))
  const name = names[dice(names.length)] ?? ''
  const isFree = ![...model.values()].some((node) => node.parent === parent && node.name === name)
  const number = pick([...model.keys()])
  const node = number === null ? undefined : model.get(number)
  const what = dice(5)
  if (what === 0 || number === null || node === undefined) {
    if (isFree) model.set(next++, { parent, name, isFolder: dice(2) === 0, version: 0 })
  } else if (what <= 2) model.set(number, { ...node, version: node.version + 1 })
  else if (what === 4)
    for (const below of [...model.keys()].filter((other) => isBelow(other, number))) model.delete(below)
  else if (isFree && !isBelow(parent, number)) model.set(number, { ...node, parent, name })
}

/** One snapshot more, after some acts. */
const live = async (vault: Vault, model: Model, dice: Dice): Promise<void> => {
  const before = new Map(model)
  for (let count = 1 + dice(3); count > 0; count--) act(model, dice)
  const edits: TreeEdit[] = []
  for (const [number, { parent }] of before)
    if (!model.has(number)) edits.push({ id: idOf(number), from: idOf(parent), to: null })
  for (const [number, place] of model) {
    const was = before.get(number)
    if (was === place) continue
    const to = { parent: idOf(place.parent), node: await nodeOf(vault, number, place) }
    edits.push({ id: idOf(number), from: was ? idOf(was.parent) : null, to })
  }
  const parents = new Map([...before].map(([number, { parent }]) => [idOf(number), idOf(parent)]))
  await push(vault, edits, (folder) => parents.get(folder) ?? null)
}

const nodeOf = async (vault: Vault, number: number, { name, version, isFolder }: Place): Promise<Node> =>
  isFolder
    ? create(NodeSchema, { ...folderOf(number, name), mode: version })
    : fileOf(number, name, await vault.writeFile(new Uint8Array(version + 1).fill(number)))

test('with what snapshots say that they touched, the same is found as without', async () => {
  let spared = 0
  const histories = fc.tuple(fc.infiniteStream(fc.nat(1 << 20)), fc.integer({ min: 2, max: 14 }))
  await fc.assert(
    fc.asyncProperty(histories, async ([numbers, length]) => {
      const dice: Dice = (below) => numbers.next().value % below
      const { vault } = (await createVaultWorld()).open(0)
      await vault.refresh()
      const model: Model = new Map()
      for (let i = 0; i < length; i++) await live(vault, model, dice)
      for (let i = 0; i < 3; i++)
        await putBack(vault, vault.snapshots()[dice(length)]!, paths[dice(paths.length)]!, dice(2) === 0)
      const past = vault.snapshots().slice(0, -1)
      for (let i = 0; i < 2; i++) await forgetSome(vault, past, dice)
      await empty(vault)
      const silent = vault.snapshots().map((snapshot) => ({ ...snapshot, touched: null }))
      for (const path of paths) {
        const reads = { saying: 0, silent: 0 }
        const counting = (key: keyof typeof reads): Pick<Vault, 'tree'> => ({
          tree(content) {
            reads[key]++
            return vault.tree(content)
          },
        })
        const said = await toldOf(counting('saying'), vault.snapshots(), path)
        assert.deepEqual(said, await toldOf(counting('silent'), silent, path), path)
        spared += reads.silent - reads.saying
      }
    }),
    { numRuns: 12 },
  )
  assert.ok(spared > 50, `${spared} trees were not read`)
})

const putBack = async (vault: Vault, then: SnapshotInfo, path: string, isExact: boolean): Promise<void> => {
  try {
    await commitPutBack(vault, then, path, { isExact, newId: () => nodeIdOf(next++) })
  } catch (error) {
    // There was nothing then, or what is there now stands in the way.
    assert.ok(error instanceof SyncError && ['missing', 'conflict'].includes(error.kind), String(error))
  }
}

/** Forgets some, and rescues one of them. */
const forgetSome = async (vault: Vault, past: SnapshotInfo[], dice: Dice): Promise<void> => {
  const chosen = past.filter(() => dice(3) === 0)
  const rescued = chosen[dice(chosen.length || 1)]
  if (rescued === undefined) return
  const nothing = { brought: [], retired: [] }
  await vault.append(
    forgetBody(
      chosen.map(({ sequence }) => sequence),
      'by chance',
    ),
    nothing,
  )
  // As no client writes it: with what it touched when its record was made.
  await vault.append(create(RescueBodySchema, { snapshots: [keptOf(rescued)] }), nothing)
}

const empty = async (vault: Vault): Promise<void> => {
  const nodes = await vault.tree(vault.newest()!.root)
  await push(
    vault,
    nodes.map(({ id }) => ({ id: nodeIdFromBytes(id), from: rootNodeId, to: null })),
  )
}

const toldOf = async (vault: Pick<Vault, 'tree'>, snapshots: SnapshotInfo[], path: string) => ({
  versions: (await Array.fromAsync(versions(vault, snapshots, path))).map(({ snapshot, change, path, node }) => [
    snapshot.sequence,
    change,
    path,
    node?.content?.size ?? null,
    node?.mode ?? null,
  ]),
  changing: (await changing(vault, snapshots, path)).map(({ sequence }) => sequence),
  last: (await findLast(vault, snapshots, path))?.snapshot.sequence,
})
