/**
 * Random histories from a seed: two or three devices, a person at each, crashes at any write and lost replies. In the
 * end all disks are alike, a further turn does nothing, and every content that was ever in the vault or on a settled
 * disk is still somewhere: in a file, a conflict copy or an earlier snapshot. `SEEDS=1000` runs more, `SEED=7` one.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { NodeKind, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { seededChance } from '../memory/chance.ts'
import { readTree } from '../memory/read-tree.ts'
import { createWorld, filesOf, linesOf, settle, type Device, type World } from './world.suite.ts'

/** The process died. Not a SyncError: nothing in the product may catch it. */
class Crash extends Error {
  override readonly name = 'Crash'
}

const names = ['a', 'b', 'c', 'd e', 'ä']
const steps = 40

type Dice = { below: (count: number) => number; pick: <Thing>(things: Thing[]) => Thing }

const diceOf = (seed: number): Dice => {
  const chance = seededChance(seed ^ 0x5eed)
  const below = (count: number): number => new DataView(chance.bytes(4).buffer).getUint32(0) % count
  const pick = <Thing>(things: Thing[]): Thing => things[below(things.length)] as Thing
  return { below, pick }
}

/** One thing that a person does. Contents are never repeated, so each can be looked for in the end. */
const act = async ({ disk, user }: Device, dice: Dice, count: number): Promise<void> => {
  const nodes = [...(await readTree(disk))]
  const folders = ['', ...nodes.filter(([, { kind }]) => kind === 'folder').map(([path]) => path)]
  const files = nodes.filter(([, { kind }]) => kind === 'file').map(([path]) => path)
  const place = (): string => [dice.pick(folders), dice.pick(names)].filter((part) => part !== '').join('/')
  const isFree = (path: string): boolean => !nodes.some(([there]) => there === path)
  const what = dice.below(10)
  if (what < 3) {
    const path = place()
    if (isFree(path)) user.writeFile(path, `new ${count}`)
  } else if (what < 6) {
    if (files.length > 0) {
      const path = dice.pick(files)
      if (dice.below(2) === 0) user.writeFile(path, `edit ${count}`)
      else user.saveFile(path, `save ${count}`)
    }
  } else if (what < 8) {
    if (nodes.length > 0) {
      const [from] = dice.pick(nodes)
      const to = place()
      if (isFree(to) && !`${to}/`.startsWith(`${from}/`)) user.rename(from, to)
    }
  } else if (what === 8) {
    const path = place()
    if (isFree(path)) user.mkdir(path)
  } else if (nodes.length > 0) user.rm(dice.pick(nodes)[0])
}

/** A turn in which something may go wrong after so many calls. */
const turnWithFault = async (world: World, device: Device, dice: Dice): Promise<void> => {
  const kind = dice.below(6)
  let left = dice.below(60)
  const strike = (error: Error): void => {
    left -= 1
    if (left === 0) throw error
  }
  if (kind === 1) device.faults.disk = () => strike(new Crash('at the disk'))
  if (kind === 2) device.faults.commit = () => strike(new Crash('at the database'))
  if (kind === 3) world.server.setFault(() => strike(new SyncError('remote.test', 'unavailable', 'the line is cut')))
  if (kind === 4)
    device.faults.disk = ({ operation }) => {
      if (operation !== 'disk.list') strike(new SyncError(operation, 'unavailable', 'it is busy'))
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
  } finally {
    device.faults.disk = null
    device.faults.commit = null
    world.server.setFault(null)
  }
}

/** Every content of every file of every snapshot. */
const contentsInHistory = async (device: Device): Promise<Set<string>> => {
  const found = new Set<string>()
  const seen = new Set<string>()
  const walk = async (content: Content): Promise<void> => {
    for (const node of await device.vault.tree(content)) {
      if (node.content === undefined) continue
      const key = `${node.kind} ${node.content.chunks.map((chunk) => chunk.toHex()).join(' ')}`
      if (seen.has(key)) continue
      seen.add(key)
      if (node.kind === NodeKind.FOLDER) await walk(node.content)
      else {
        let text = ''
        for await (const bytes of device.vault.stream(node.content)) text += new TextDecoder().decode(bytes)
        found.add(text)
      }
    }
  }
  for (const { root } of device.vault.snapshots()) await walk(root)
  return found
}

/** A folder's time goes up with a change in it, but is none by itself: what was made and undone between two turns leaves it apart. */
const withoutFolderTimes = (lines: string[]): string[] => lines.map((line) => line.replace(/( folder \d+) \d+/, '$1'))

const play = async (seed: number): Promise<string[]> => {
  const dice = diceOf(seed)
  const world = await createWorld(seed, 2 + dice.below(2))
  const kept = new Set<string>()
  const trace: string[] = []
  for (let step = 0; step < steps; step++) {
    const device = dice.pick(world.devices)
    world.clock.advance(1 + dice.below(3000))
    if (dice.below(4) < 3) await act(device, dice, step)
    else await turnWithFault(world, device, dice)
    trace.push(`${device.name} ${(await linesOf(device.disk)).join('|')}`)
  }
  for (const device of world.devices) for (const content of Object.values(await filesOf(device.disk))) kept.add(content)
  for (const device of world.devices) device.engine.confirm()
  world.clock.advance(60_000)
  await settle(world, 30)
  const [first, ...others] = world.devices
  assert.ok(first)
  const lines = withoutFolderTimes(await linesOf(first.disk))
  for (const other of others) assert.deepEqual(withoutFolderTimes(await linesOf(other.disk)), lines)
  const history = await contentsInHistory(first)
  for (const content of kept) assert.ok(history.has(content), `"${content}" is lost`)
  for (const device of world.devices) assert.equal(device.disk.countTemps(), 0)
  return [...trace, ...lines]
}

const one = process.env['SEED']
const count = Number(process.env['SEEDS'] ?? '60')
const seeds = one === undefined ? Array.from({ length: count }, (_, index) => index) : [Number(one)]

test(`${seeds.length} random histories end with all devices alike and nothing lost`, async () => {
  for (const seed of seeds) {
    try {
      await play(seed)
    } catch (error) {
      throw new Error(
        `seed ${seed} failed; replay it with: SEED=${seed} node --test packages/client/sync/history.test.ts`,
        { cause: error },
      )
    }
  }
})

test('one seed is one history', async () => {
  assert.deepEqual(await play(seeds[0] ?? 0), await play(seeds[0] ?? 0))
})
