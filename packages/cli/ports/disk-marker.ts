/**
 * The marker of a linked folder, which tells that this is the folder that was linked and not an empty mount point.
 */
import { lstatSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { attempt, attemptAsync, isAbsence } from './disk-errors.ts'
import type { DiskPaths } from './disk-paths.ts'
import { ensureFolder, readPrivateText, writePrivateText } from './disk-private.ts'

const markerName = 'marker'
const markerBytesMax = 4096

export const readMarker = (paths: DiskPaths): string | null =>
  attempt('disk.readMarker', () => {
    demandRoot(paths)
    try {
      const isOurs = lstatSync(paths.inPrivate()).isDirectory()
      demand(isOurs, 'disk.readMarker', 'conflict', "AnySync's own folder in the linked folder is not a folder")
    } catch (error) {
      if (isAbsence(error)) return null
      throw error
    }
    return readPrivateText(paths, markerName, markerBytesMax)
  })

const demandRoot = ({ root }: DiskPaths): void => {
  if (lstatSync(root, { throwIfNoEntry: false }) !== undefined) return
  const message =
    'the linked folder is not there: it was moved or renamed, or its disk is not mounted. Nothing was deleted anywhere. ' +
    'Bring it back, or unlink it with `anysync remove`'
  throw new SyncError('disk.readMarker', 'missing', message)
}

export const writeMarker = (paths: DiskPaths, text: string): void =>
  attempt('disk.writeMarker', () => {
    ensureFolder(paths.inPrivate())
    writePrivateText(paths, markerName, text)
  })

export const removeMarker = (paths: DiskPaths): Promise<void> =>
  attemptAsync('disk.removeMarker', () => rm(paths.inPrivate(), { recursive: true, force: true }))
