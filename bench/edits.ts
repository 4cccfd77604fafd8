/**
 * Edits as people make them to small files, one after another, and how each is recognised where it arrives.
 */
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Dice } from '../test/support/dice.ts'

export const editFolders = ['', 'letters', 'photos', 'work', 'work/drafts']

export type Edit = {
  kind: 'create' | 'overwrite' | 'append' | 'rename'
  /** Where to look for it, relative to the folder, and the bytes that must be there. */
  path: string
  bytes: Buffer
  /** Makes it, in this folder. Returns when the file is closed or renamed. */
  make(root: string): void
}

const bytesMax = 4_000

/** So many edits from a seed: the same for every program that is measured. */
export const makeEdits = (count: number, seed: string): Edit[] => {
  const dice = new Dice(`edits ${seed}`)
  const files = new Map<string, Buffer>()
  const edits: Edit[] = []
  for (let index = 0; index < count; index++) {
    const kind = files.size < 10 ? 'create' : dice.pick(['create', 'overwrite', 'append', 'rename'] as const)
    const isNew = kind === 'create' || kind === 'rename'
    const old = files.size === 0 ? '' : dice.pick([...files.keys()])
    const path = isNew ? join(dice.pick(editFolders), `file ${index}`) : old
    const before = files.get(old) ?? Buffer.alloc(0)
    const added = dice.bytes(1 + dice.below(bytesMax))
    const bytes = kind === 'append' ? Buffer.concat([before, added]) : kind === 'rename' ? before : added
    files.set(path, bytes)
    if (kind === 'rename') files.delete(old)
    const make = (root: string): void => {
      if (kind === 'append') appendFileSync(join(root, path), added)
      else if (kind === 'rename') renameSync(join(root, old), join(root, path))
      else writeFileSync(join(root, path), bytes)
    }
    edits.push({ kind, path, bytes, make })
  }
  return edits
}

export const makeEditFolders = (root: string): void => {
  for (const folder of editFolders) mkdirSync(join(root, folder), { recursive: true })
}

export const isVisible = (root: string, { path, bytes }: Edit): boolean => {
  try {
    return readFileSync(join(root, path)).equals(bytes)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}
