/**
 * Small files that hold secrets: readable by their owner alone, and whole or absent after a crash.
 */
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { SyncError } from '@anysync/protocol/errors.ts'
import { errorCode, troubleOf } from './ports/disk-errors.ts'

const operation = 'home'

/** Makes the folder and those above it as far as they are missing, for the owner alone. */
export const makePrivateFolder = (folder: string): void =>
  attemptOn(folder, 'made', () => {
    const first = mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    if (first === undefined) return
    for (let made = folder; made !== dirname(first) && made !== dirname(made); made = dirname(made)) {
      syncFolder(dirname(made))
    }
  })

/** Writes beside, makes durable, renames. The folder is made when it is missing. */
export const writePrivateFile = (file: string, bytes: Uint8Array): void => {
  const folder = dirname(file)
  makePrivateFolder(folder)
  attemptOn(file, 'written', () => {
    const beside = `${file}.new`
    const descriptor = openSync(beside, 'w', 0o600)
    try {
      // What a crash left there may have had another mode.
      fchmodSync(descriptor, 0o600)
      writeFileSync(descriptor, bytes)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(beside, file)
    syncFolder(folder)
  })
}

/** Null when there is none. `corrupt`, with the message given, when it is longer than such a file can be. */
export const readPrivateFile = (file: string, bytesMax: number, damaged: string): Uint8Array<ArrayBuffer> | null =>
  attemptOn(file, 'read', () => {
    try {
      const { size } = statSync(file)
      if (size > bytesMax) throw new SyncError(operation, 'corrupt', damaged)
      return new Uint8Array(readFileSync(file))
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null
      throw error
    }
  })

/** Harmless when there is none. */
export const removePrivateFile = (file: string): void =>
  attemptOn(file, 'removed', () => {
    rmSync(file, { force: true })
    syncFolder(dirname(file))
  })

/** Runs calls of node:fs; their trouble names the path and what could not be done with it. */
export const attemptOn = <Result>(path: string, done: string, work: () => Result): Result => {
  try {
    return work()
  } catch (error) {
    const code = errorCode(error)
    if (code === null) throw error
    const { kind, message } = troubleOf(operation, code)
    throw new SyncError(operation, kind, `${path} cannot be ${done}: ${message}`, error)
  }
}

/** Makes names in a folder durable. Windows has no such call, and NTFS journals them. */
const syncFolder = (folder: string): void => {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
