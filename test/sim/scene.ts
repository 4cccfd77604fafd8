/** What a person has before them who is about to do something: what is there, and what their dice choose of it. */
import type { DiskUser } from '@anysync/client/memory/disk-user.ts'
import { seededChance } from '@anysync/client/memory/chance.ts'
import type { Inode } from '@anysync/client/memory/disk-inodes.ts'
import type { Dice } from './dice.ts'
import { watched } from './hints.ts'
import { nodesOf } from './oracle.ts'
import { contentWord, refusedCharacter, secretWord } from './words.ts'
import type { Device, World } from './world.ts'

export type Node = { path: string; inode: Inode }

/** What an act works with. */
export type Scene = {
  world: World
  device: Device
  user: DiskUser
  dice: Dice
  nodes: Node[]
  /** What it is done to; null when the disk is empty. */
  target: Node | null
  /** The same, or another, when it is a file or folder. */
  file: Node | null
  /** Picks two folders, the same for all who are at the same spot. */
  nest: number
  /** A place for something new: the same for all who are at the same spot. */
  spot: string
  /** The stem of a name that this disk takes and another does not; null when there is none. */
  oddStem: string | null
  /** Any place. */
  place: () => string
  at: (path: string) => Node | null
  /** A content that nobody has used. */
  content: () => string | Uint8Array
  say: (line: string) => void
}

export const stems = ['a', 'b', 'c', 'd e', '\u00e4']
const twins = ['A', 'B', 'a\u0308']
export const named = (stem: string): string => `${secretWord}-${stem}`

export const join = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`)

/** The scene for one act: `where` picks what it is done to, `dice` the rest. */
export const sceneOf = (world: World, device: Device, where: Dice, dice: Dice, isNear: boolean): Scene => {
  // What a process that died has left aside is hidden.
  const nodes = nodesOf(device.disk)
    .filter(([path]) => !path.includes('.anysync'))
    .map(([path, inode]) => ({ path, inode }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  const fold = (path: string): string =>
    path
      .split('/')
      .map((name) => device.disk.foldName(name))
      .join('/')
  const byPath = new Map(nodes.map((node) => [fold(node.path), node]))
  const folders = ['', ...nodes.filter(({ inode }) => inode.kind === 'folder').map(({ path }) => path)]
  const canNameAll =
    !device.isRefused(refusedCharacter) && world.devices.some((other) => other.isRefused(refusedCharacter))
  const oddStem = canNameAll ? `a${refusedCharacter}` : null
  const placeBy = (dice: Dice): string => {
    const chosen = dice.below(10)
    const stem = chosen === 0 ? dice.pick(twins) : chosen < 3 && oddStem !== null ? oddStem : dice.pick(stems)
    return join(dice.pick(folders), named(stem))
  }
  const near = isNear ? byPath.get(fold(device.process.newestPath)) : undefined
  const target = near ?? (nodes.length === 0 ? null : where.pick(nodes))
  const files = nodes.filter(({ inode }) => inode.kind === 'file')
  const file = target?.inode.kind === 'file' ? target : files.length === 0 ? null : where.pick(files)
  return {
    world,
    device,
    user: watched(device.disk, device.hints),
    dice,
    nodes,
    target,
    file,
    spot: placeBy(where),
    nest: where.below(256),
    oddStem,
    place: () => placeBy(dice),
    at: (path) => byPath.get(fold(path)) ?? null,
    content: () => {
      // Now and then one of several segments.
      if (dice.oneIn(150)) return seededChance(dice.seed()).bytes(70_000 + dice.below(30_000))
      const word = world.word()
      return dice.oneIn(4) ? `${contentWord} ${word} ${'and so on '.repeat(dice.below(5))}` : `${contentWord} ${word}`
    },
    say: (line) => world.say(`  ${device.name}: ${line}`),
  }
}
