/**
 * Makes and places many small files by calls that follow each other at once. May run in a thread of its own, so what it
 * is asked and answers is plain data.
 */
import { closeSync, constants, fchmodSync, fsyncSync, lstatSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { isSameStat } from '@anysync/client/disk-stat.ts'
import type { Windows } from '@anysync/client/content/windows.ts'
import type { DiskStat, FilePlacement, FileToWrite, Placed, TempFile } from '@anysync/client/ports.ts'
import { assert, demand, SyncError } from '@anysync/protocol/errors.ts'
import { attempt, crossedMessage, errorCode } from './disk-errors.ts'
import { diskPaths, type DiskPaths } from './disk-paths.ts'
import { toDiskStat } from './disk-read.ts'
import { look, renameNoReplace, replace, setMtimeBy } from './disk-rename.ts'
import type { Libc } from './libc.ts'
import { fromPlain, toPlain, type PlainTrouble } from './plain-trouble.ts'
import { NodeTempFile, type TempOptions } from './temp-file.ts'
import type { TempPlaces } from './temp-places.ts'
import type { Threads } from './threads.ts'

/** What these two need of their Disk. */
export type DiskBatch = {
  paths: DiskPaths
  libc: Libc
  threads: Threads | null
  temps: TempPlaces
  tempOptions: TempOptions
  /** Where the bytes lie of the files that are made together: new memory costs more than filling it. */
  windows: Windows
  /** Is told of every path whose name changed. */
  touch: (full: string) => void
}

/** A file to make: its bytes lie in the memory from `offset` on. */
export type TempToWrite = { path: string; offset: number; length: number; mode: number; mtimeNs: bigint }

/** As `Disk.writeTemps`, in a thread when that is worth it. */
export const writeTemps = async (batch: DiskBatch, files: FileToWrite[]): Promise<TempFile[]> => {
  if (files.length === 0) return []
  const { libc, threads, temps, tempOptions, windows } = batch
  const pathFor = temps.newPaths()
  const paths = attempt('disk.createTemp', () => files.map(({ folder }) => pathFor(folder)))
  const length = files.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const { memory, release } = windows.take(length)
  try {
    let offset = 0
    const asked = files.map(({ bytes, mode, mtimeNs }, i): TempToWrite => {
      const path = paths[i]
      assert(path !== undefined, 'there is a path for each')
      memory.set(bytes, offset)
      offset += bytes.length
      return { path, offset: offset - bytes.length, length: bytes.length, mode, mtimeNs }
    })
    const { isSyncedAtFinish } = tempOptions
    const stats = threads?.areWorth(length)
      ? await threads.run('writeTemps', [memory, asked, isSyncedAtFinish])
      : writeTogether(libc, memory, asked, isSyncedAtFinish)
    return asked.map(({ path }, i) => {
      tempOptions.whenFinished(path)
      const stat = stats[i]
      assert(stat !== undefined, 'an answer comes for each file')
      return new NodeTempFile(path, stat, tempOptions)
    })
  } finally {
    release()
  }
}

/** All of them, or none and the reason. */
export const writeTogether = (libc: Libc, memory: Uint8Array, files: TempToWrite[], isSynced: boolean): DiskStat[] => {
  const made: string[] = []
  try {
    return files.map((file) =>
      attempt('disk.write', () => {
        const descriptor = openSync(file.path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
        made.push(file.path)
        try {
          for (let at = 0; at < file.length;)
            at += writeSync(descriptor, memory, file.offset + at, file.length - at, at)
          // After the last write, which would take set-user-id bits away and move the mtime.
          fchmodSync(descriptor, file.mode)
          setMtimeBy(libc, file.path, file.mtimeNs)
          if (isSynced) fsyncSync(descriptor)
        } finally {
          closeSync(descriptor)
        }
        return toDiskStat(lstatSync(file.path, { bigint: true }))
      }),
    )
  } catch (error) {
    for (const path of made) removeTemp(path)
    throw error
  }
}

const removeTemp = (path: string): void => {
  try {
    unlinkSync(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error // Swept, or gone with its folder.
  }
}

export type TempToPlace = { temp: string; made: DiskStat; path: string; expected: DiskStat | null }

/** What became of one. It may lie in its place although there is trouble with it. */
export type PlacedPlain = {
  isPlaced: boolean
  /** A rename does not lead from where it was made to its place. */
  isCrossed: boolean
  outcome: { stat: DiskStat } | { trouble: PlainTrouble }
}

const operation = 'disk.place'

/** As `Disk.placeFiles`, in a thread when there are many. */
export const placeFiles = async (batch: DiskBatch, files: FilePlacement[]): Promise<Placed[]> => {
  const { paths, libc, threads, temps, touch } = batch
  const made = files.map(({ temp }) => {
    assert(temp instanceof NodeTempFile, 'a temp file is placed on the disk that made it')
    return temp
  })
  const asked = files.map(({ path, expected }, i): TempToPlace => {
    const temp = made[i]
    assert(temp !== undefined, 'there is a temp file for each')
    return { temp: temp.path, made: temp.finished(), path, expected }
  })
  const answers =
    files.length >= placedTogetherMin && threads?.areWorth(0)
      ? await threads.run('placeFiles', [paths.root, asked])
      : placeTogether(libc, paths.root, asked)
  return answers.map(({ isPlaced, isCrossed, outcome }, i): Placed => {
    if (isCrossed) temps.crossed(files[i]?.path ?? '')
    if (isPlaced) {
      made[i]?.markPlaced()
      touch(paths.fullOf(files[i]?.path ?? ''))
    }
    return 'trouble' in outcome ? { trouble: fromPlain(outcome.trouble) } : outcome
  })
}

/** Fewer are placed where it is asked for. */
const placedTogetherMin = 32

export const placeTogether = (libc: Libc, root: string, files: TempToPlace[]): PlacedPlain[] => {
  const fence = diskPaths(root, libc).fenceForMany(operation)
  return files.map(({ temp, made, path, expected }) => {
    let isPlaced = false
    let isCrossed = false
    try {
      const full = fence(path)
      attempt(operation, () => {
        try {
          if (expected === null) renameNoReplace(operation, libc, temp, full, made)
          else replace(operation, temp, full, expected)
        } catch (error) {
          isCrossed = errorCode(error) === 'EXDEV'
          throw isCrossed ? new SyncError(operation, 'conflict', crossedMessage) : error
        }
      })
      isPlaced = true
      const placed = look(full)
      // Else somebody was faster than this look, and what is there is not what was placed.
      const isOurs = placed !== null && isSameStat({ ...placed, ctimeNs: made.ctimeNs }, made)
      demand(isOurs, operation, 'conflict', 'the file was changed at the moment it was placed')
      return { isPlaced, isCrossed, outcome: { stat: placed } }
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      return { isPlaced, isCrossed, outcome: { trouble: toPlain(error) } }
    }
  })
}
