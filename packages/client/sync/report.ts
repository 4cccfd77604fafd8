/** What a turn tells: the words in which status, progress and the command line speak of a sync. */
import type { ProgressOf } from '../progress.ts'

/** Something that was left as it is, and why. Nothing is lost by it; the next turn tries again. */
export type Trouble = {
  /** Relative to the linked folder. */
  path: string
  kind: 'skipped' | 'excluded' | 'unreadable' | 'busy' | 'not-here' | 'held' | 'failed' | 'corrupt'
  message: string
}

/** What waits for a person, of so many files: deletions, and files that were scrambled (those of the last hour counted in). */
export type Waiting = { deletions: number; scrambled: number; files: number }

export type Counts = { files: number; folders: number; symlinks: number; removed: number; bytes: number }

export const noCounts = (): Counts => ({ files: 0, folders: 0, symlinks: 0, removed: 0, bytes: 0 })

export type TurnReport = {
  pulled: Counts
  pushed: Counts
  /** Paths of the conflict copies that this turn made. */
  conflicts: string[]
  troubles: Trouble[]
  waiting: Waiting | null
  /** Whether everything on the disk was looked at, and could be. */
  isWhole: boolean
  /** Whether disk, base and head agree, but for what `troubles` names. */
  isSettled: boolean
  /** The head's sequence, 0 for an empty vault. */
  sequence: number
  snapshots: number
  bytesUploaded: number
}

/** One file on its way. */
export type FileProgress = { path: string; bytes: number; size: number }

/** A turn, as it goes. */
export type Progress = ProgressOf<'scan' | 'pull' | 'push'> & {
  /** The files that travel at this moment. */
  current?: readonly FileProgress[]
}

export type OnProgress = (progress: Progress) => void
