/**
 * What holds of a device that has settled: its base is the head, and a further turn does nothing.
 */
import assert from 'node:assert/strict'
import { NodeKind, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { contentBytes } from '../content/content.ts'
import { nodeStateOf, rootContentFact } from './node.ts'
import type { Device } from './world.suite.ts'

/** The base says of every node what the head says, folders' contents included, knows of no other, and of none here in what is not. */
export const assertBaseIsHead = async ({ vault, state, name }: Device): Promise<void> => {
  const linkId = `link of ${name}`
  const newest = vault.newest()
  const check = async (folder: NodeId, content: Content, isHere: boolean): Promise<void> => {
    const nodes = (await vault.tree(content)).map((node) => ({ node, state: nodeStateOf(node, folder) }))
    const rows = new Map(state.children(linkId, folder).map((row) => [row.id, row]))
    assert.deepEqual(
      [...rows.keys()].sort(),
      nodes.map(({ state }) => state.id).sort(),
      `${name}: the nodes of a folder`,
    )
    for (const { node, state } of nodes) {
      const { disk, absence, ...row } = rows.get(state.id) ?? assert.fail()
      assert.deepEqual(row, state, `${name}: ${state.name}`)
      assert.equal(disk === null, absence !== null)
      assert.ok(isHere || disk === null, `${name}: ${state.name} is here, and its folder is not`)
      if (node.kind === NodeKind.FOLDER && node.content) await check(state.id, node.content, disk !== null)
    }
  }
  if (newest === null) return
  assert.equal(state.fact(linkId, rootContentFact), contentBytes(newest.root).toHex(), `${name}: the root`)
  await check(rootNodeId, newest.root, true)
}

/** Another turn reads at most, and appends nothing. */
export const assertNothingToDo = async (device: Device): Promise<void> => {
  const before = device.vault.newest()?.sequence
  const calls = new Set<string>()
  device.faults.disk = ({ operation }) => void calls.add(operation)
  const { isSettled } = await device.engine.turn()
  device.faults.disk = null
  assert.equal(isSettled, true)
  assert.equal(device.vault.newest()?.sequence, before)
  const changing = ['createTemp', 'place', 'placeLink', 'makeFolder', 'move', 'remove', 'setAttributes']
  assert.deepEqual(
    changing.filter((name) => calls.has(`disk.${name}`)),
    [],
  )
}
