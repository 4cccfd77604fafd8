/**
 * Files as people have them: thousands of real ones, and everything that a file system allows and programs trip over.
 */
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { loadLibc } from '@anysync/cli/ports/libc.ts'
import { projectRoot } from '../sources.ts'
import type { Dice } from './dice.ts'

const MiB = 1024 * 1024
/** The few giants of a developer's folder would be most of the bytes and none of the variety. */
const fileBytesMax = 4 * MiB

/** Folders of real files, as far as they are there. */
const sources = [join(projectRoot, 'node_modules'), '/usr/share/doc', '/usr/include']

/**
 * Copies real files until there are at least so many, from every source in turn; each copy after the first is changed
 * a little in every second file. Returns how many files there are.
 */
export const plantRealFiles = (folder: string, filesMin: number): number => {
  let files = 0
  for (let copy = 0; files < filesMin; copy++) {
    const before = files
    for (const [index, source] of sources.entries()) {
      if (files >= filesMin) break
      files += copyFolder(source, join(folder, `copy ${copy}`, `source ${index}`), filesMin - files, copy)
    }
    if (files === before) throw new Error('there are no real files here')
  }
  return files
}

/** At most so many files; links are copied as links, everything else is left out. */
const copyFolder = (source: string, target: string, filesMax: number, copy: number): number => {
  let files = 0
  const walk = (from: string, to: string): void => {
    mkdirSync(to, { recursive: true })
    for (const found of list(from)) {
      if (files >= filesMax) return
      const [fromPath, toPath] = [join(from, found.name), join(to, found.name)]
      if (found.isDirectory()) walk(fromPath, toPath)
      else if (found.isSymbolicLink()) symlinkSync(readlinkSync(fromPath), toPath)
      else if (found.isFile() && lstatSync(fromPath).size <= fileBytesMax) {
        copyFileSync(fromPath, toPath)
        files += 1
        if (copy > 0 && files % 2 === 0) appendFileSync(toPath, `\ncopy ${copy}\n`)
      }
    }
  }
  walk(source, target)
  return files
}

const list = (folder: string) => {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return [] // Not there on this system, or not for this user.
  }
}

/** Half of it shrinks well and half of it not at all; no two MiB are alike. */
export const writeLargeFile = (file: string, bytes: number, dice: Dice): void => {
  const text = Buffer.from('All work and no play makes a dull file, and so it says again: ')
  const descriptor = openSync(file, 'wx')
  try {
    for (let written = 0; written < bytes; written += MiB) {
      const block = Buffer.alloc(Math.min(MiB, bytes - written), text)
      dice.bytes(block.length / 2).copy(block)
      writeSync(descriptor, block)
    }
  } finally {
    closeSync(descriptor)
  }
}

/** Sets a time to the nanosecond, of a symlink too. */
export const setMtimeNs = async (path: string, mtimeNs: bigint): Promise<void> => {
  const { setMtime } = await loadLibc()
  if (setMtime?.(path, mtimeNs) !== 0) throw new Error(`the time of ${path} cannot be set`)
}

const names = [
  'with space',
  ' spaces around ',
  `quotes "double" and 'single'`,
  'emoji 🎉👩‍👩‍👧‍👦',
  'line\nbreak',
  'tab\tand bell\u0007',
  'back\\slash',
  '-rf',
  '$(touch pwned); `ls` & %PATH% *?[a]',
  '.hidden',
  'trailing.',
  'trailing_',
  'CON',
  '..double dots',
  'cafe\u0301 in two characters',
  'caf\u00e9 in one',
  'UPPER',
  'upper',
  'עברית \u202e reversed',
  'x'.repeat(255),
  `${'é'.repeat(127)}a`,
  `${'🎉'.repeat(63)}abc`,
]

const modes = [0o600, 0o755, 0o444, 0o640, 0o777, 0o4755]

/** A second, a nanosecond that no double holds, before 1970, and long after us. */
const times = [0n, 1n, -1n, 1_700_000_000_123_456_789n, -86_400_000_000_001n, 4_102_444_800_999_999_999n]

/** Everything odd, below a folder that must not be there yet. */
export const plantOddities = async (folder: string, dice: Dice): Promise<void> => {
  const write = (path: string, bytes: Uint8Array | string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
    return join(folder, path)
  }
  write('a folder whose name ends so_/inside', 'the original never synced this')
  for (const name of names) {
    write(`names/${name}`, `this is ${name}`)
    write(`folders/${name}/${name}`, name)
  }
  for (const mode of modes) chmodSync(write(`modes/${mode.toString(8)}`, 'mode'), mode)
  for (const size of [0, 1, 65_535, 65_536, 262_143, 262_144, 262_145, 1_048_577, 5_000_001]) {
    write(`sizes/${size}`, dice.bytes(size))
  }
  write('sizes/zeros', Buffer.alloc(3_000_000))
  for (const name of ['a', 'b/c', 'b/d/e']) mkdirSync(join(folder, 'empty folders', name), { recursive: true })
  write(`${Array.from({ length: 60 }, (_, depth) => `level ${depth}`).join('/')}/deep`, 'deep')
  linkSync(write('hard links/one', 'one inode'), join(folder, 'hard links/two'))

  const links = join(folder, 'symlinks')
  mkdirSync(links)
  const targets = {
    'to a file': '../sizes/1',
    'to a folder': '../names',
    dangling: 'nothing is here',
    absolute: '/etc/passwd',
    itself: 'itself',
    upward: '../../../..',
    'odd target': ' spaces, "quotes" and 🎉 ',
    'long target': `${'long/'.repeat(400)}end`,
  }
  for (const [name, target] of Object.entries(targets)) symlinkSync(target, join(links, name))
  await setMtimeNs(join(links, 'dangling'), 1_234_567_890_987_654_321n)

  for (const [index, time] of times.entries()) {
    await setMtimeNs(write(`times/${index}`, 'time'), time)
    mkdirSync(join(folder, `times/folder ${index}`))
    await setMtimeNs(join(folder, `times/folder ${index}`), time)
  }
  mkdirSync(join(folder, 'private'), { mode: 0o700 })
  mkdirSync(join(folder, 'shared'))
  chmodSync(join(folder, 'shared'), 0o1777)
  await setMtimeNs(join(folder, 'names'), 1_600_000_000_000_000_001n)
}
