/**
 * The private folder of a linked folder: its marker, which tells that this is the folder that was linked and not an
 * empty mount point, and the temp files.
 */
import { randomUUID } from 'node:crypto'
import { constants, lstatSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { attemptAsync, errorCode } from './disk-errors.ts'
import type { DiskPaths } from './disk-paths.ts'
import { ensureTempFolder } from './temp-file.ts'

const markerName = 'marker'
const markerBytesMax = 4096

/** Errors of a path that has nothing there. */
const isAbsence = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')

export const readMarker = (paths: DiskPaths): Promise<string | null> =>
  attemptAsync('disk.readMarker', async () => {
    demandRoot(paths)
    try {
      const isOurs = lstatSync(paths.inPrivate()).isDirectory()
      demand(isOurs, 'disk.readMarker', 'conflict', "AnySync's own folder in the linked folder is not a folder")
      await using file = await open(paths.inPrivate(markerName), constants.O_RDONLY | constants.O_NOFOLLOW)
      const { size } = await file.stat()
      demand(size <= markerBytesMax, 'disk.readMarker', 'corrupt', 'the marker of the linked folder is not one of ours')
      return await file.readFile('utf8')
    } catch (error) {
      if (isAbsence(error)) return null
      throw error
    }
  })

const demandRoot = ({ root }: DiskPaths): void => {
  if (lstatSync(root, { throwIfNoEntry: false }) !== undefined) return
  const message =
    'the linked folder is not there: it was moved or renamed, or its disk is not mounted. Nothing was deleted anywhere. ' +
    'Bring it back, or unlink it with `anysync remove`'
  throw new SyncError('disk.readMarker', 'missing', message)
}

export const writeMarker = (paths: DiskPaths, text: string): Promise<void> =>
  attemptAsync('disk.writeMarker', async () => {
    await mkdir(paths.inPrivate(), { mode: 0o700 }).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error
    })
    const folder = await ensureTempFolder(paths)
    const temp = join(folder, randomUUID())
    {
      await using file = await open(temp, 'wx', 0o600)
      await file.writeFile(text)
      await file.sync()
    }
    await rename(temp, paths.inPrivate(markerName))
  })

export const removeMarker = (paths: DiskPaths): Promise<void> =>
  attemptAsync('disk.removeMarker', () => rm(paths.inPrivate(), { recursive: true, force: true }))

export const sweepTemp = (paths: DiskPaths): Promise<void> =>
  attemptAsync('disk.sweepTemp', async () => {
    const folder = paths.inPrivate('tmp')
    const names = await readdir(folder).catch((error: unknown) => {
      if (isAbsence(error)) return []
      throw error
    })
    for (const name of names) await unlink(join(folder, name))
  })
