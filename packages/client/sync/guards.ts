/**
 * Deletion safety: when a turn must stop and ask, or refuse to look at all. Pure policy, and the check of the marker.
 * [Note: absence is not deletion] A folder that is not there, or is another one, says nothing about its files.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import {
  deletionFilesMax,
  deletionShareFilesMin,
  deletionShareMax,
  scrambledFilesMax,
  scrambledMsWindow,
  scrambledShareFilesMin,
  scrambledShareMax,
} from '@anysync/protocol/limits.ts'
import { nsOf } from '../ns.ts'
import type { Disk, Link } from '../ports.ts'
import { isMarkerOf } from './marker.ts'

/** More than `filesMax` files wait for a person, and more than `shareMax` of all from `shareFilesMin` on. */
type Bounds = { filesMax: number; shareMax: number; shareFilesMin: number }

const exceeds =
  ({ filesMax, shareMax, shareFilesMin }: Bounds) =>
  (count: number, files: number, confirmed: number): boolean =>
    count > confirmed && (count > filesMax || (count >= shareFilesMin && count > files * shareMax))

/** Whether so many deleted of so many files wait for a person. `confirmed`: as many were confirmed before. */
export const mustAsk = exceeds({
  filesMax: deletionFilesMax,
  shareMax: deletionShareMax,
  shareFilesMin: deletionShareFilesMin,
})

/** Whether so many scrambled of so many files wait for a person. `confirmed`: as many were confirmed before. */
export const mustAskOfScrambled = exceeds({
  filesMax: scrambledFilesMax,
  shareMax: scrambledShareMax,
  shareFilesMin: scrambledShareFilesMin,
})

/** Scrambled files that were pushed since a time: who scrambles slowly is pushed a few files a turn. */
export type Pushed = { sinceNs: bigint; scrambled: number }

/** What of that still counts: all of it or, when the window has passed, nothing. A clock that went back ends no window. */
export const stillCounting = (pushed: Pushed, nowNs: bigint): Pushed =>
  nowNs - pushed.sinceNs < nsOf(scrambledMsWindow) ? pushed : { sinceNs: nowNs, scrambled: 0 }

/** Throws `missing` unless the folder is there and is the one that was linked. */
export const checkMarker = async (disk: Disk, link: Pick<Link, 'id'>): Promise<void> => {
  const marker = await disk.readMarker()
  if (isMarkerOf(marker, link.id)) return
  throw new SyncError(
    'sync.guard',
    'missing',
    marker === null
      ? 'the linked folder is empty of its marker: it was unmounted, emptied or replaced. Nothing was deleted anywhere. ' +
          'Bring the folder back, or unlink it with `anysync remove` and add it again'
      : 'the linked folder carries the marker of another link: something else lies at its place. Nothing was deleted anywhere. ' +
          'Bring the folder back, or unlink it with `anysync remove` and add it again',
  )
}
