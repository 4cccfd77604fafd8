/**
 * Somebody at work in one folder, in a hurry and with every kind of program: makes one random edit after another, and
 * tells the oracle what was saved and what was replaced or deleted. The folder changes under its hands, as it does
 * under a person's: what is not there any more is left alone.
 */
import {
  chmodSync,
  closeSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Dice } from '../support/dice.ts'
import { fileKey, linkKey, type Oracle } from './oracle.ts'

export type Editor = {
  /** One edit, or nothing when what it was meant for is gone. Returns what it did. */
  act(): string
  /** Saves these bytes under this name: the other device is told to do the same at this moment. */
  saveAs(path: string, bytes: Uint8Array): void
}

type Edit = keyof ReturnType<typeof editsOf>

/** How often each is done when the folder has about as many files as it should. */
const weights: Record<Edit, number> = {
  create: 20,
  overwrite: 12,
  append: 15,
  saveByRename: 12,
  saveWithBackup: 4,
  rename: 12,
  exchange: 2,
  remove: 8,
  makeFolder: 3,
  moveFolder: 3,
  removeFolder: 1,
  link: 3,
  changeMode: 3,
  touch: 2,
}

const filesMin = 120
const filesMax = 350
const depthMax = 5
/** Deleting more than half of everything would wait for a person. */
const folderFilesMaxToRemove = 8
const appendableBytesMax = 100_000
/** Names that both devices use, so that they meet. */
const names = Array.from({ length: 40 }, (_, index) => `name ${index}.txt`)
const listMs = 300

/** What the world may answer to somebody who does not look first. */
const expected = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY', 'EINVAL', 'ELOOP', 'EBUSY'])

/** What is there now; null when nothing is, or when it was refused. */
const attempt = <Result>(work: () => Result): Result | null => {
  try {
    return work()
  } catch (error) {
    if (error instanceof Error && 'code' in error && expected.has(String(error.code))) return null
    throw error
  }
}

type Sight = { files: string[]; folders: string[] }

export const createEditor = (device: string, root: string, dice: Dice, oracle: Oracle): Editor => {
  let seen: Sight = { files: [], folders: [''] }
  let seenMs = -listMs
  const look = (): Sight => {
    if (performance.now() - seenMs < listMs) return seen
    seen = sightOf(root)
    seenMs = performance.now()
    return seen
  }
  const edits = editsOf(device, root, dice, oracle, look)
  return {
    act: () => {
      const count = look().files.length
      const edit = pickEdit(dice, count)
      return `${edit} ${attempt(edits[edit]) ?? 'nothing'}`
    },
    saveAs: (path, bytes) => void attempt(() => saveInPlace(device, root, path, bytes, oracle)),
  }
}

const pickEdit = (dice: Dice, files: number): Edit => {
  if (files < filesMin && dice.below(3) > 0) return 'create'
  if (files > filesMax && dice.below(3) > 0) return 'remove'
  const all = Object.entries(weights) as [Edit, number][]
  let left = dice.below(all.reduce((sum, [, weight]) => sum + weight, 0))
  for (const [edit, weight] of all) {
    if (left < weight) return edit
    left -= weight
  }
  return 'create'
}

const sightOf = (root: string): Sight => {
  const sight: Sight = { files: [], folders: [''] }
  const walk = (folder: string): void => {
    for (const found of attempt(() => readdirSync(join(root, folder), { withFileTypes: true })) ?? []) {
      const path = join(folder, found.name)
      if (found.name.startsWith('.anysync')) continue
      if (found.isDirectory()) {
        sight.folders.push(path)
        walk(path)
      } else sight.files.push(path)
    }
  }
  walk('')
  return sight
}

/** What is at a path, as the oracle calls it. */
const keyAt = (full: string): string | null =>
  attempt(() => {
    const stat = lstatSync(full)
    if (stat.isSymbolicLink()) return linkKey(readlinkSync(full))
    return stat.isFile() ? fileKey(readFileSync(full)) : null
  })

/** Writes to the file that is there, or makes one. Not saved, when another took its place before it was written. */
const saveInPlace = (device: string, root: string, path: string, bytes: Uint8Array, oracle: Oracle): void => {
  const full = join(root, path)
  const before = keyAt(full)
  const descriptor = openSync(full, before === null ? 'wx+' : 'r+')
  try {
    ftruncateSync(descriptor)
    if (before !== null) oracle.ended(device, before)
    writeSync(descriptor, bytes)
    if (isStillThere(full, descriptor)) oracle.saved(device, fileKey(bytes), path)
  } finally {
    closeSync(descriptor)
  }
}

const isStillThere = (full: string, descriptor: number): boolean =>
  attempt(() => lstatSync(full, { bigint: true }).ino) === fstatSync(descriptor, { bigint: true }).ino

const editsOf = (device: string, root: string, dice: Dice, oracle: Oracle, look: () => Sight) => {
  let count = 0
  const at = (path: string): string => join(root, path)
  /** No two contents are alike, so each is found or missed for itself. */
  const newBytes = (): Buffer => {
    const size = dice.below(60) === 0 ? 200_000 + dice.below(1_200_000) : dice.below(3_000)
    return Buffer.concat([Buffer.from(`save ${count++} of ${device} in ${dice.seed}\n`), dice.bytes(size)])
  }
  const newName = (): string => (dice.below(3) === 0 ? dice.pick(names) : `${device} ${count++}`)
  const newPath = (): string => join(dice.pick(look().folders), newName())
  const anyFile = (): string => {
    const { files } = look()
    return files.length === 0 ? 'none' : dice.pick(files)
  }
  /** Whatever was at the new path is replaced by it. */
  const move = (from: string, to: string): void => {
    const replaced = keyAt(at(to))
    renameSync(at(from), at(to))
    if (replaced !== null && from !== to) oracle.ended(device, replaced)
  }
  const remove = (path: string): void => {
    const key = keyAt(at(path))
    unlinkSync(at(path))
    if (key !== null) oracle.ended(device, key)
  }

  return {
    create: () => {
      const path = newPath()
      saveInPlace(device, root, path, newBytes(), oracle)
      return path
    },
    overwrite: () => {
      const path = anyFile()
      if (!lstatSync(at(path)).isFile()) return null
      saveInPlace(device, root, path, newBytes(), oracle)
      return path
    },
    append: () => {
      const path = anyFile()
      const stat = lstatSync(at(path))
      if (!stat.isFile() || stat.size > appendableBytesMax) return null
      // From here on this file alone is read and written, whatever is put at its path meanwhile.
      const descriptor = openSync(at(path), 'a+')
      try {
        const before = readFileSync(descriptor)
        const added = newBytes().subarray(0, 200)
        writeSync(descriptor, added)
        if (!isStillThere(at(path), descriptor)) return null
        oracle.ended(device, fileKey(before))
        oracle.saved(device, fileKey(Buffer.concat([before, added])), path)
      } finally {
        closeSync(descriptor)
      }
      return path
    },
    /** As most editors do: a new file, then over the old one. */
    saveByRename: () => {
      const path = anyFile()
      const temp = join(dirname(path), `.${basename(path)}.${count++}.new`)
      const bytes = newBytes()
      writeFileSync(at(temp), bytes, { flag: 'wx' })
      oracle.saved(device, fileKey(bytes), path)
      if (attempt(() => (move(temp, path), true)) === null) remove(temp)
      return path
    },
    /** As some do: the old one is set aside, and the new one written under its name. */
    saveWithBackup: () => {
      const path = anyFile()
      move(path, `${path}~`)
      saveInPlace(device, root, path, newBytes(), oracle)
      return path
    },
    rename: () => {
      const [from, to] = [anyFile(), newPath()]
      move(from, to)
      return `${from} to ${to}`
    },
    exchange: () => {
      const [a, b] = [anyFile(), anyFile()]
      if (a === b) return null
      const aside = `${a} aside ${count++}`
      move(a, aside)
      if (attempt(() => (move(b, a), true)) !== null) attempt(() => move(aside, b))
      return `${a} with ${b}`
    },
    remove: () => {
      const path = anyFile()
      remove(path)
      return path
    },
    makeFolder: () => {
      const parent = dice.pick(look().folders)
      if (parent.split('/').length >= depthMax) return null
      const path = join(parent, dice.below(2) === 0 ? `folder ${dice.below(12)}` : `${device} folder ${count++}`)
      mkdirSync(at(path))
      return path
    },
    moveFolder: () => {
      const { folders } = look()
      const from = dice.pick(folders)
      const to = join(dice.pick(folders), dice.below(2) === 0 ? basename(from) : `${device} folder ${count++}`)
      if (from === '' || `${to}/`.startsWith(`${from}/`) || to.split('/').length > depthMax) return null
      renameSync(at(from), at(to))
      return `${from} to ${to}`
    },
    removeFolder: () => {
      const path = dice.pick(look().folders)
      if (path === '') return null
      const { files, folders } = sightOf(at(path))
      if (files.length > folderFilesMaxToRemove) return null
      for (const file of files) attempt(() => remove(join(path, file)))
      for (const folder of folders.toReversed()) attempt(() => rmdirSync(at(join(path, folder))))
      return path
    },
    link: () => {
      const path = newPath()
      const target = `somewhere/${device} ${count++} in ${dice.seed}`
      symlinkSync(target, at(path))
      oracle.saved(device, linkKey(target), path)
      return path
    },
    changeMode: () => {
      const path = anyFile()
      if (!lstatSync(at(path)).isFile()) return null
      chmodSync(at(path), dice.pick([0o600, 0o644, 0o755, 0o640]))
      return path
    },
    touch: () => {
      const path = anyFile()
      if (!lstatSync(at(path)).isFile()) return null
      utimesSync(at(path), new Date(), new Date(1_500_000_000_000 + dice.below(1_000_000_000)))
      return path
    },
  }
}
