/**
 * What people do to their folders, at random: one act at a time, from one seed.
 */
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { seededChance } from '../memory/chance.ts'
import { readTree, type DiskNode } from '../memory/read-tree.ts'
import type { Device } from './world.suite.ts'

export type Dice = { below: (count: number) => number; pick: <Thing>(things: readonly Thing[]) => Thing }

export const diceOf = (seed: number): Dice => {
  const chance = seededChance(seed ^ 0x5eed)
  const below = (count: number): number => new DataView(chance.bytes(4).buffer).getUint32(0) % count
  const pick = <Thing>(things: readonly Thing[]): Thing => things[below(things.length)] as Thing
  return { below, pick }
}

/** What a content is looked for by: short ones are their own name. */
export const keyOf = (bytes: Uint8Array): string =>
  bytes.length < 100 ? new TextDecoder().decode(bytes) : nodeCipher.sha256(bytes).toHex()

/** Every content of a disk's files. */
export const contentsOf = async ({ disk }: Device): Promise<Set<string>> =>
  new Set(
    [...(await readTree(disk)).values()].flatMap(({ content: bytes }) =>
      bytes instanceof Uint8Array ? [keyOf(bytes)] : [],
    ),
  )

const names = ['a', 'b', 'c', 'd e', 'ä']

/** New contents are never repeated, so that each can be looked for in the end. Now and then one of several chunks and packs. */
const contentOf = (dice: Dice, word: string): string | Uint8Array =>
  dice.below(40) === 0 ? seededChance(dice.below(1e9)).bytes(100_000 + dice.below(300_000)) : word

type Scene = {
  user: Device['user']
  dice: Dice
  /** A word that nobody has used. */
  word: string
  nodes: [string, DiskNode][]
  /** Paths by kind; the root is a folder. */
  files: string[]
  folders: string[]
  /** A random place, and whether nothing is there. */
  place: () => string
  isFree: (path: string) => boolean
  everyone: readonly Device[]
}

const isBelow = (path: string, folder: string): boolean => `${path}/`.startsWith(`${folder}/`)

const acts: ((scene: Scene) => void)[] = [
  ({ user, dice, word, place, isFree }) => {
    const path = place()
    if (isFree(path)) user.writeFile(path, contentOf(dice, `new ${word}`))
  },
  ({ user, dice, word, files }) => {
    if (files.length > 0) user.writeFile(dice.pick(files), contentOf(dice, `edit ${word}`))
  },
  ({ user, dice, word, files }) => {
    if (files.length > 0) user.saveFile(dice.pick(files), contentOf(dice, `save ${word}`))
  },
  ({ user, dice, nodes, place, isFree }) => {
    if (nodes.length === 0) return
    const [from] = dice.pick(nodes)
    const to = place()
    if (isFree(to) && !isBelow(to, from)) user.rename(from, to)
  },
  ({ user, place, isFree }) => {
    const path = place()
    if (isFree(path)) user.mkdir(path)
  },
  ({ user, dice, nodes }) => {
    if (nodes.length > 0) user.rm(dice.pick(nodes)[0])
  },
  // A link, or another target for one; targets are names that exist, so that following one would be seen.
  ({ user, dice, nodes, place, isFree }) => {
    const path = place()
    const isLink = nodes.some(([there, { kind }]) => there === path && kind === 'symlink')
    if (isFree(path) || isLink) user.symlink(dice.pick(names), path)
    if (isLink && dice.below(2) === 0) user.setMtime(path, 5n)
  },
  ({ user, dice, nodes }) => {
    const [path, { kind }] = nodes.length === 0 ? ['', { kind: 'symlink' }] : dice.pick(nodes)
    if (kind !== 'symlink') user.chmod(path, kind === 'folder' ? dice.pick([0o755, 0o700]) : dice.pick([0o644, 0o600]))
  },
  ({ user, dice, nodes }) => {
    if (nodes.length > 0) user.setMtime(dice.pick(nodes)[0], BigInt(1 + dice.below(4)) * 1_000_000_001n)
  },
  // Something of another kind takes the name.
  ({ user, dice, word, nodes }) => {
    if (nodes.length === 0) return
    const [path, { kind }] = dice.pick(nodes)
    user.rm(path)
    if (kind === 'file') user.writeFile(`${path}/${dice.pick(names)}`, `below ${word}`)
    else if (kind === 'folder' && dice.below(2) === 0) user.symlink(dice.pick(names), path)
    else user.writeFile(path, `instead ${word}`)
  },
  // Two exchange their names, or three pass them on.
  ({ user, dice, nodes }) => {
    if (nodes.length < 2) return
    const [one] = dice.pick(nodes)
    const [two] = dice.pick(nodes)
    if (isBelow(one, two) || isBelow(two, one)) return
    user.rename(one, 'exchanged for a moment')
    user.rename(two, one)
    user.rename('exchanged for a moment', dice.below(3) > 0 ? two : `${two} passed on`)
  },
  // A node moves into a new folder, maybe one that takes its own name.
  ({ user, dice, nodes, isFree }) => {
    if (nodes.length === 0) return
    const [path] = dice.pick(nodes)
    const folder = dice.below(2) === 0 ? path : `${path}-box`
    if (folder !== path && !isFree(folder)) return
    user.rename(path, 'boxed for a moment')
    user.rename('boxed for a moment', `${folder}/${dice.pick(names)}`)
  },
  ({ user, dice, word, folders }) => {
    const folder = dice.pick(folders)
    for (const number of [1, 2, 3, 4, 5])
      user.writeFile(`${folder}/many ${word}/${number}`.replace(/^\//, ''), `${word} of ${number}`)
  },
  // An exact copy, with time and all.
  ({ user, dice, nodes, place, isFree }) => {
    const [, from] = nodes.length === 0 ? ['', null] : dice.pick(nodes)
    const path = place()
    if (!isFree(path) || !(from?.content instanceof Uint8Array)) return
    user.writeFile(path, from.content, from.mode)
    user.setMtime(path, from.mtimeNs)
  },
  // Everybody makes the same new name, with the same or with another content.
  ({ dice, word, everyone }) => {
    // A name that nobody has, so that nothing is in the way.
    const path = dice.pick([`together ${word}`, `both ${word}/of us`])
    const isSame = dice.below(2) === 0
    for (const { name, user } of everyone) {
      if (dice.below(4) === 0) continue
      user.writeFile(path, isSame ? `same ${word}` : `by ${name} ${word}`)
    }
  },
]

/** One thing that a person does. */
export const act = async (device: Device, dice: Dice, count: number, everyone: readonly Device[]): Promise<void> => {
  // What a process that died has left aside is hidden.
  const nodes = [...(await readTree(device.disk))].filter(([path]) => !path.includes('/.') && !path.startsWith('.'))
  const files = nodes.filter(([, { kind }]) => kind === 'file').map(([path]) => path)
  const folders = ['', ...nodes.filter(([, { kind }]) => kind === 'folder').map(([path]) => path)]
  const place = (): string => [dice.pick(folders), dice.pick(names)].filter((part) => part !== '').join('/')
  const isFree = (path: string): boolean => !nodes.some(([there]) => there === path)
  // What people do most comes up most.
  const chosen = dice.below(2) === 0 ? dice.below(6) : dice.below(acts.length)
  acts[chosen]?.({ user: device.user, dice, word: `${count}`, nodes, files, folders, place, isFree, everyone })
}
