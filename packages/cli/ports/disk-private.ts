/**
 * Small texts and folders of AnySync's own in the private folder: replaced whole or not at all, read with a limit, and
 * never through a link.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { demand } from '@anysync/protocol/errors.ts'
import { errorCode, isAbsence } from './disk-errors.ts'
import type { DiskPaths } from './disk-paths.ts'

/** The folder in the private one that holds what is being made. */
export const tempName = 'tmp'

/** Makes a folder of ours unless it is there; `conflict` when something else is. */
export const ensureFolder = (full: string): void => {
  if (isFolder(full)) return
  try {
    mkdirSync(full, { mode: 0o700 })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    demand(isFolder(full), 'disk.private', 'conflict', "AnySync's own folder is not a folder: remove what has its name")
  }
}

export const isFolder = (full: string): boolean => lstatSync(full, { throwIfNoEntry: false })?.isDirectory() === true

/** Null when it is not there; `corrupt` when it is longer than what we write. */
export const readPrivateText = (paths: DiskPaths, name: string, bytesMax: number): string | null => {
  let file: number
  try {
    file = openSync(paths.inPrivate(name), constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if (isAbsence(error)) return null
    throw error
  }
  try {
    const isOurs = fstatSync(file).size <= bytesMax
    demand(isOurs, 'disk.private', 'corrupt', `the ${name} in AnySync's own folder is not one of ours: remove it`)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/** The private folder must be there. */
export const writePrivateText = (paths: DiskPaths, name: string, text: string): void => {
  ensureFolder(paths.inPrivate(tempName))
  const temp = join(paths.inPrivate(tempName), randomUUID())
  const file = openSync(temp, 'wx', 0o600)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temp, paths.inPrivate(name))
}
