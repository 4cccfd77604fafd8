/**
 * Random histories from a seed: two or three devices, a person at each, crashes at any write, lost replies, full and
 * busy disks, lost databases, disks taken out. In the end all disks are alike, base, disk and head agree node by
 * node, a further turn does nothing, and nothing that was on a disk is lost but by the person at it.
 */
import assert from 'node:assert/strict'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { NodeKind, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { contentBytes } from '../content/content.ts'
import { concatBytes } from '../crypto/bytes.ts'
import { linkModes } from '../ports.ts'
import { readTree } from '../memory/read-tree.ts'
import { act, contentsOf, diceOf, keyOf, type Dice } from './history-acts.suite.ts'
import { nodeStateOf, rootContentFact } from './node.ts'
import { createWorld, linesOf, settle, type Device, type World } from './world.suite.ts'

/** The process died. Not a SyncError: nothing in the product may catch it. */
class Crash extends Error {
  override readonly name = 'Crash'
}

const steps = 40

/** A turn in which something may go wrong after so many calls, or somebody saves a file meanwhile. `here` are the contents that its person has not thrown away. */
const turnWithFault = async (world: World, device: Device, dice: Dice, here: Set<string>): Promise<void> => {
  const files = [...(await readTree(device.disk))].filter(([, { kind }]) => kind === 'file')
  const kind = dice.below(7)
  let left = dice.below(60)
  const strike = (error: Error): void => {
    left -= 1
    if (left === 0) throw error
  }
  if (kind === 6 && files.length > 0) {
    const [path, { content: first }] = dice.pick(files)
    let saved = first instanceof Uint8Array ? keyOf(first) : ''
    device.faults.disk = ({ operation }) => {
      left -= 1
      if (left % 9 !== 0 || operation === 'disk.list') return
      const content = `meanwhile ${dice.below(1e9)}`
      // What was there may have been moved or removed by now, with its folder.
      try {
        if (left % 2 === 0) device.user.writeFile(path, content)
        else device.user.saveFile(path, content)
        here.delete(saved)
        here.add((saved = content))
      } catch (error) {
        if (!(error instanceof SyncError)) throw error
      }
    }
  }
  if (kind === 1) device.faults.disk = () => strike(new Crash('at the disk'))
  if (kind === 2) device.faults.commit = () => strike(new Crash('at the database'))
  if (kind === 3) world.server.setFault(() => strike(new SyncError('remote.test', 'unavailable', 'the line is cut')))
  if (kind === 4)
    device.faults.disk = ({ operation }) => {
      if (operation !== 'disk.list' || left > 5) strike(new SyncError(operation, 'unavailable', 'it is busy'))
    }
  if (kind === 5)
    device.faults.disk = ({ operation }) => {
      if (operation === 'disk.write') strike(new SyncError(operation, 'full', 'the disk is full'))
    }
  try {
    await device.engine.turn()
  } catch (error) {
    if (error instanceof Crash) {
      device.faults.disk = null
      device.faults.commit = null
      if (dice.below(2) === 0) device.disk.crash(() => dice.below(2) === 0)
      device.restart()
    } else if (!(error instanceof SyncError)) throw error
    else assert.notEqual(error.kind, 'corrupt', error.message)
  } finally {
    device.faults.disk = null
    device.faults.commit = null
    world.server.setFault(null)
  }
}

/** A disk that is taken out or hidden, a folder that is closed, or a database that is lost. */
const mishap = async (device: Device, dice: Dice): Promise<void> => {
  const { user, disk, engine } = device
  const what = dice.below(4)
  if (what === 0) device.loseState()
  else if (what === 1) {
    const folders = [...(await readTree(disk))].filter(([, { kind }]) => kind === 'folder')
    if (folders.length === 0) return
    const [closed] = dice.pick(folders)
    device.faults.disk = ({ operation, path }) => {
      const isInside = path.startsWith(`${closed}/`) || (operation === 'disk.list' && path === closed)
      if (isInside) throw new SyncError(operation, 'unavailable', 'permission denied')
    }
    await engine.turn()
    device.faults.disk = null
  } else {
    if (what === 2) user.unplug()
    else user.hideUnderEmptyFolder()
    await assert.rejects(engine.turn(), (error) => isTrouble(error, 'missing'))
    user.plug()
  }
}

/** Every content of every file of every snapshot. */
const contentsInHistory = async ({ vault }: Device): Promise<Set<string>> => {
  const found = new Set<string>()
  const seen = new Set<string>()
  const walk = async (content: Content): Promise<void> => {
    for (const node of await vault.tree(content)) {
      if (node.content === undefined) continue
      const key = `${node.kind} ${contentBytes(node.content).toHex()}`
      if (seen.has(key)) continue
      seen.add(key)
      if (node.kind === NodeKind.FOLDER) await walk(node.content)
      else found.add(keyOf(concatBytes(...(await Array.fromAsync(vault.stream(node.content))))))
    }
  }
  for (const { root } of vault.snapshots()) await walk(root)
  return found
}

/** The base says of every node what the head says, folders' contents included, and knows of no other. */
export const assertBaseIsHead = async ({ vault, state, name }: Device): Promise<void> => {
  const linkId = `link of ${name}`
  const newest = vault.newest()
  const check = async (folder: NodeId, content: Content): Promise<void> => {
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
      if (node.kind === NodeKind.FOLDER && node.content) await check(state.id, node.content)
    }
  }
  if (newest === null) return
  assert.equal(state.fact(linkId, rootContentFact), contentBytes(newest.root).toHex(), `${name}: the root`)
  await check(rootNodeId, newest.root)
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

/** A folder's time goes up with a change in it, but is none by itself: what was made and undone between two turns leaves it apart. */
const withoutFolderTimes = (lines: string[]): string[] => lines.map((line) => line.replace(/( folder \d+) \d+/, '$1'))

/**
 * Plays one history and checks how it ends. Returns its trace. `hasModes`: people also change the modes of their links,
 * until all sync in the end.
 */
export const play = async (seed: number, hasModes = false): Promise<string[]> => {
  const dice = diceOf(seed)
  const world = await createWorld(seed, 2 + dice.below(2))
  const kept = new Set<string>()
  const trace: string[] = []
  for (let step = 0; step < steps; step++) {
    const device = dice.pick(world.devices)
    world.clock.advance(dice.below(8) === 0 ? 0 : 1 + dice.below(3000))
    if (hasModes && dice.below(6) === 0) device.setMode(dice.pick(linkModes))
    if (dice.below(4) < 3) await act(device, dice, step, world.devices)
    else {
      const before = await contentsOf(device)
      if (dice.below(12) > 0) await turnWithFault(world, device, dice, before)
      else await mishap(device, dice)
      // What a turn took from the disk is in the vault; only the person at it throws away for good.
      const after = await contentsOf(device)
      for (const content of before) if (!after.has(content)) kept.add(content)
    }
    trace.push(`${device.name} ${(await linesOf(device.disk)).join('|')}`)
  }
  for (const device of world.devices) for (const content of await contentsOf(device)) kept.add(content)
  world.clock.advance(60_000)
  if (hasModes) for (const device of world.devices) device.setMode('sync')
  // Whoever deleted much is asked, and what comes from others may make it more.
  for (let round = 0; round < 3; round++)
    for (const { engine } of world.devices) {
      await engine.turn()
      engine.confirm()
    }
  await settle(world, 30)
  const [first, ...others] = world.devices
  assert.ok(first)
  const lines = withoutFolderTimes(await linesOf(first.disk))
  for (const other of others) assert.deepEqual(withoutFolderTimes(await linesOf(other.disk)), lines)
  assert.deepEqual(
    lines.filter((line) => line.includes('.anysync')),
    [],
  )
  const history = await contentsInHistory(first)
  for (const content of kept) assert.ok(history.has(content), `"${content}" is lost`)
  for (const device of world.devices) {
    await assertNothingToDo(device)
    await assertBaseIsHead(device)
    assert.equal(device.disk.countTemps(), 0)
  }
  return [...trace, ...lines]
}
