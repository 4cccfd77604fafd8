/**
 * Trees of any number of small files, the same on every machine: a file's path and bytes follow from its number and the
 * seed alone. So a tree can grow, and a bench can name any of its files without looking for it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Dice } from '../test/support/dice.ts'

export const filesPerFolder = 100
/** Each folder holds up to so many others: a million files lie five levels deep at most. */
const foldersPerFolder = 8

export const fileBytesMin = 40
export const fileBytesMax = 160

/** The folder with this number; 0 is the root. */
export const folderPath = (index: number): string => {
  const names: string[] = []
  for (let folder = index; folder > 0; folder = Math.floor((folder - 1) / foldersPerFolder))
    names.unshift(`folder ${folder}`)
  return names.join('/')
}

/** The file with this number, relative to the root. */
export const filePath = (index: number): string => {
  const folder = folderPath(Math.floor(index / filesPerFolder))
  const name = `note ${index}.txt`
  return folder === '' ? name : `${folder}/${name}`
}

/** Makes the files from one number to below another; the ones before are there already. */
export const growTree = (root: string, from: number, to: number, seed: string): void => {
  const stride = fileBytesMax - fileBytesMin
  for (let first = from; first < to;) {
    const folder = Math.floor(first / filesPerFolder)
    const end = Math.min(to, (folder + 1) * filesPerFolder)
    const path = join(root, folderPath(folder))
    mkdirSync(path, { recursive: true })
    // One draw for a whole folder; each file takes its own slice, so no two are alike.
    const bytes = new Dice(`${seed} ${folder}`).bytes(filesPerFolder * fileBytesMax)
    for (let index = first; index < end; index++) {
      const start = (index % filesPerFolder) * fileBytesMax
      const length = fileBytesMin + ((bytes[start] ?? 0) % (stride + 1))
      writeFileSync(`${path}/note ${index}.txt`, bytes.subarray(start, start + length))
    }
    first = end
  }
}
