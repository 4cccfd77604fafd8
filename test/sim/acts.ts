/**
 * What people do to their folders. An act picks what it is done to by one number and the rest by another, so that two
 * people can do different things to the same file. What cannot be done where it is wanted is left undone.
 */
import { folderOf, nameOf } from '@anysync/client/path.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { diceOf } from './dice.ts'
import type { Act, ActName } from './history.ts'
import { keyOf, nodesOf } from './oracle.ts'
import { join, named, sceneOf, stems, type Node, type Scene } from './scene.ts'
import { contentWord, secretWord } from './words.ts'
import type { Device, World } from './world.ts'

/** Does it, as far as it can be done. */
export const act = (world: World, { device: number, what, where, how, isNear }: Act): void => {
  const device = world.devices[number]
  if (device === undefined || device.isDiskGone) return
  const scene = sceneOf(world, device, diceOf(where), diceOf(how), isNear)
  try {
    world.oracle.acts(device.disk, () => acts[what](scene))
  } catch (error) {
    // A file stands where a folder was wanted, or the like.
    if (!(error instanceof SyncError)) throw error
    scene.say('finds that it cannot be done')
  }
  // Another one of the same bytes may come to where it was made, and meet it again.
  if (!world.hasTwins && hasAlikeElsewhere(device)) world.hasTwins = true
}

const isBelow = (path: string, folder: string): boolean => `${path}/`.startsWith(`${folder}/`)
const show = (content: string | Uint8Array): string =>
  typeof content === 'string' ? `'${content}'` : `${content.length} bytes`

const move = ({ user, say, at }: Scene, from: string, to: string): void => {
  // Another spelling of its own name is free.
  const there = at(to)
  if (from === to || (there !== null && there.path !== from) || isBelow(to, from)) return
  say(`moves '${from}' to '${to}'`)
  user.rename(from, to)
}

const alike = `${contentWord} alike `

/** Whether a file that others may have made to the letter lies elsewhere than where it was made. */
const hasAlikeElsewhere = ({ disk }: Device): boolean =>
  nodesOf(disk).some(([path, { kind, bytes }]) => {
    if (kind !== 'file' || !keyOf(bytes).startsWith(alike)) return false
    const spot = new TextDecoder().decode(bytes).slice(alike.length)
    return path !== spot && path !== `${spot}/${named('a')}`
  })

const exchanged = `${secretWord}-exchanged`

const acts: Record<ActName, (scene: Scene) => void> = {
  create: ({ user, say, at, content, ...scene }) => {
    const path = scene.place()
    if (at(path) !== null) return
    const made = content()
    say(`makes '${path}' with ${show(made)}`)
    user.writeFile(path, made)
  },
  edit: ({ user, say, file, content }) => {
    if (file === null) return
    const made = content()
    say(`writes ${show(made)} into '${file.path}'`)
    user.writeFile(file.path, made)
  },
  append: ({ user, say, file, content }) => {
    if (file === null || file.inode.bytes.length > 150) return
    const more = content()
    if (typeof more !== 'string') return
    say(`appends ${show(more)} to '${file.path}'`)
    user.writeFile(file.path, new TextDecoder().decode(file.inode.bytes) + more)
  },
  save: ({ user, say, file, content }) => {
    if (file === null) return
    const made = content()
    say(`saves ${show(made)} over '${file.path}', by rename`)
    user.saveFile(file.path, made)
  },
  move: (scene) => {
    if (scene.target !== null) move(scene, scene.target.path, scene.place())
  },
  remove: ({ user, say, target }) => {
    if (target === null) return
    say(`removes '${target.path}'`)
    user.rm(target.path)
  },
  'make a folder': ({ user, say, at, spot }) => {
    if (at(spot) !== null) return
    say(`makes the folder '${spot}'`)
    user.mkdir(spot)
  },
  // The spot is the same for two who are at the same place; whether the content is, too, the dice say.
  'make alike': ({ user, say, at, spot, dice, content }) => {
    if (at(spot) !== null) return
    const made = dice.oneIn(2) ? alike + spot : content()
    const path = dice.oneIn(4) ? `${spot}/${named('a')}` : spot
    say(`makes '${path}' with ${show(made)}`)
    user.writeFile(path, made)
    if (dice.oneIn(4)) user.setMtime(path, 7n)
  },
  // Another case, or another Unicode form, of the same name.
  respell: (scene) => {
    if (scene.target === null) return
    const { path } = scene.target
    const name = nameOf(path)
    const stem = name.slice(secretWord.length + 1)
    const other = stem !== stem.toUpperCase() ? stem.toUpperCase() : stem.toLowerCase()
    const form = stem.normalize('NFD') === stem ? stem.normalize('NFC') : stem.normalize('NFD')
    move(scene, path, join(folderOf(path), named(form !== stem && scene.dice.oneIn(2) ? form : other)))
  },
  link: ({ user, say, at, target, spot, dice, world }) => {
    const path = target?.inode.kind === 'symlink' ? target.path : spot
    const there = at(path)
    if (there !== null && there.inode.kind !== 'symlink') return
    // Targets are names that may exist, so that following one would be seen.
    const to = dice.oneIn(2) ? named(dice.pick(stems)) : `${contentWord} ${world.word()}`
    say(`links '${path}' to '${to}'`)
    user.symlink(to, path)
  },
  chmod: ({ user, say, target, dice }) => {
    if (target === null || target.inode.kind === 'symlink') return
    const mode = target.inode.kind === 'folder' ? dice.pick([0o755, 0o700]) : dice.pick([0o644, 0o600, 0o755])
    say(`gives '${target.path}' the mode ${mode.toString(8)}`)
    user.chmod(target.path, mode)
  },
  touch: ({ user, say, target, dice }) => {
    if (target === null) return
    say(`gives '${target.path}' another time`)
    user.setMtime(target.path, BigInt(1 + dice.below(3)) * 1_000_000_001n)
  },
  // Something of another kind takes the name.
  retype: ({ user, say, target, dice, content }) => {
    if (target === null) return
    const { path, inode } = target
    user.rm(path)
    const kind = dice.pick((['file', 'folder', 'symlink'] as const).filter((kind) => kind !== inode.kind))
    say(`puts a ${kind} in the place of the ${inode.kind} '${path}'`)
    if (kind === 'file') user.writeFile(path, content())
    else if (kind === 'symlink') user.symlink(named(dice.pick(stems)), path)
    else if (dice.oneIn(2)) user.mkdir(path)
    else user.writeFile(`${path}/${named(dice.pick(stems))}`, content())
  },
  swap: ({ user, say, target, nodes, dice }) => {
    if (target === null) return
    const { path: other } = dice.pick(nodes)
    if (isBelow(other, target.path) || isBelow(target.path, other)) return
    say(`exchanges '${target.path}' and '${other}'`)
    user.rename(target.path, exchanged)
    user.rename(other, target.path)
    user.rename(exchanged, other)
  },
  // a → b → c: what was at b goes on to c, and a takes b.
  chain: ({ user, say, at, target, nodes, dice, ...scene }) => {
    if (target === null) return
    const { path: second } = dice.pick(nodes)
    const third = scene.place()
    if (isBelow(second, target.path) || isBelow(target.path, second) || at(third) !== null) return
    if (isBelow(third, second) || isBelow(third, target.path)) return
    say(`moves '${second}' to '${third}' and '${target.path}' to '${second}'`)
    user.rename(second, third)
    user.rename(target.path, second)
  },
  // Moves into a new folder, maybe one that takes its name.
  box: ({ user, say, at, target, dice }) => {
    if (target === null) return
    const folder = dice.oneIn(2) ? target.path : `${target.path}-box`
    if (folder !== target.path && at(folder) !== null) return
    const to = `${folder}/${named(dice.pick(stems))}`
    say(`moves '${target.path}' into a new folder, to '${to}'`)
    user.rename(target.path, exchanged)
    user.rename(exchanged, to)
  },
  'make many': ({ user, say, spot, at, world }) => {
    if (at(spot) !== null) return
    say(`makes the folder '${spot}' with four files`)
    for (const stem of ['a', 'b', 'c', 'd']) user.writeFile(`${spot}/${named(stem)}`, `${contentWord} ${world.word()}`)
  },
  // To the letter, with time and all.
  copy: ({ world, user, say, at, file, spot }) => {
    if (file === null || at(spot) !== null) return
    say(`copies '${file.path}' to '${spot}'`)
    world.hasTwins = true
    user.writeFile(spot, file.inode.bytes, file.inode.mode)
    user.setMtime(spot, file.inode.mtimeNs)
  },
  'make a socket': ({ user, say, at, target, spot, dice }) => {
    const path = target !== null && dice.oneIn(3) ? target.path : spot
    if (at(path) !== null) user.rm(path)
    say(`makes a socket at '${path}'`)
    user.makeOther(path)
  },
  'hard link': ({ world, user, say, at, file, ...scene }) => {
    const path = scene.place()
    if (file === null || at(path) !== null) return
    say(`gives '${file.path}' a second name, '${path}'`)
    world.hasTwins = true
    world.oracle.hasHardLinks = true
    user.link(file.path, path)
  },
  clear: ({ user, say, nodes, dice }) => {
    const tops = nodes.filter(({ path }) => !path.includes('/'))
    const gone = tops.filter(() => !dice.oneIn(4))
    say(`removes ${gone.map(({ path }) => `'${path}'`).join(', ')}`)
    for (const { path } of gone) user.rm(path)
  },
  // Within the tick in which it was written, so that no stat shows it.
  'rewrite unseen': ({ user, say, nodes, device, dice, world }) => {
    const tickNs = 4_000_000n
    const nowNs = device.clock.nowNs()
    // The time of what was pulled is another device's: writing would show.
    const isFresh = ({ inode: { kind, ctimeNs, mtimeNs, bytes, edits } }: Node): boolean =>
      kind === 'file' &&
      edits > 0 &&
      bytes.length === contentWord.length + 4 &&
      [ctimeNs, mtimeNs].every((time) => time <= nowNs + tickNs && time > nowNs - tickNs)
    const fresh = nodes.filter(isFresh)
    if (fresh.length === 0) return
    const { path } = dice.pick(fresh)
    const made = `${contentWord} ${world.word()}`
    say(`writes ${show(made)} into '${path}' in the tick of its last change`)
    user.rewriteUnseen(path, made)
  },
  'put inside': ({ user, say, target, dice, content, oddStem }) => {
    if (target === null) return
    const folder = target.inode.kind === 'folder' ? target.path : folderOf(target.path)
    const stem = dice.oneIn(3) ? (oddStem ?? dice.pick(stems)) : dice.pick(stems)
    const path = join(folder, named(`${stem}${dice.below(10)}`))
    const made = content()
    say(`makes '${path}' with ${show(made)}`)
    user.writeFile(path, made)
  },
  // As logs are: the old one goes elsewhere, and a new one takes its name.
  rotate: ({ user, say, file, at, content, ...scene }) => {
    const to = scene.place()
    if (file === null || at(to) !== null || isBelow(to, file.path)) return
    const made = content()
    say(`moves '${file.path}' to '${to}', and makes a new one with ${show(made)}`)
    user.rename(file.path, to)
    user.writeFile(file.path, made)
  },
  // From a copy that somebody kept elsewhere.
  'bring back': ({ world, user, say, at, dice, spot }) => {
    const contents = world.oracle.thrownAway()
    if (contents.length === 0 || at(spot) !== null) return
    const made = dice.pick(contents)
    say(`brings back ${show(new TextDecoder().decode(made))} as '${spot}'`)
    world.hasTwins = true
    user.writeFile(spot, made)
  },
  // A folder goes out of the one that it is in.
  lift: (scene) => {
    const inner = scene.nodes.filter(({ path, inode }) => inode.kind === 'folder' && path.includes('/'))
    const folder = inner[scene.nest % Math.max(1, inner.length)]
    if (folder !== undefined) move(scene, folder.path, join(folderOf(folderOf(folder.path)), named('lifted')))
  },
  // One folder goes into the other; which into which, the dice say.
  nest: (scene) => {
    const folders = scene.nodes.filter(({ inode }) => inode.kind === 'folder')
    const first = folders[scene.nest % Math.max(1, folders.length)]
    const second = folders[(scene.nest >> 4) % Math.max(1, folders.length)]
    if (first === undefined || second === undefined || first === second) return
    const [one, other] = scene.dice.oneIn(2) ? [first, second] : [second, first]
    move(scene, one.path, join(other.path, named('nested')))
  },
}
