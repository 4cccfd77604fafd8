/**
 * How one path in a linked folder stands, and why: one word and one sentence from what both sides agreed on, what the
 * disk shows, and what travels at this moment. Pure.
 */
import { isSameStat } from '@anysync/client/disk-stat.ts'
import { nameOf } from '@anysync/client/path.ts'
import type { BaseNode, DiskStat } from '@anysync/client/ports.ts'
import { isConflictName } from '@anysync/client/sync/conflict-name.ts'
import type { FileProgress, Trouble } from '@anysync/client/sync/report.ts'
import type { FolderState } from './folder-state.ts'

export type PathKnowledge = {
  path: string
  /** What this device and the vault agreed on; null for what neither knows. */
  node: BaseNode | null
  /** The nearest folder above that is in the vault and not on this disk, and why. */
  absentAbove: { path: string; message: string } | null
  /** What the disk shows; null for nothing. */
  stat: DiskStat | null
  /** Why the rules of this device leave it out; null when they do not. */
  exclusion: string | null
  /** What the last turn told of it, or of the nearest folder above. */
  trouble: Trouble | null
  /** As it goes up or comes down at this moment. */
  travelling: (FileProgress & { phase: 'push' | 'pull' }) | null
  /** The state of the linked folder. */
  folder: FolderState
}

export type PathWord =
  | 'synced'
  | 'conflict-copy'
  | 'uploading'
  | 'downloading'
  | 'being-written'
  /** For a turn. */
  | 'waiting'
  /** For a person, or for as long as the mode of the link stays as it is. */
  | 'held'
  /** In the vault, and not on this disk. */
  | 'not-here'
  /** On this disk, and not in the vault. */
  | 'not-synced'
  | 'failed'
  /** Nothing can be said: the linked folder itself is not there. */
  | 'stopped'
  | 'unknown'

export type PathState = {
  state: PathWord
  /** A sentence, '' where the word says all. */
  reason: string
  /** How much of a file that travels is through; null for all others. */
  percent: number | null
}

export const pathState = (known: PathKnowledge): PathState =>
  onItsWay(known) ?? folderGone(known) ?? elsewhere(known) ?? told(known) ?? changed(known) ?? settled(known)

const state = (state: PathWord, reason = '', percent: number | null = null): PathState => ({ state, reason, percent })

const onItsWay = ({ travelling }: PathKnowledge): PathState | null => {
  if (travelling === null) return null
  const percent = percentOf(travelling)
  return state(travelling.phase === 'push' ? 'uploading' : 'downloading', `${percent} %`, percent)
}

/** How much of it is through. A file that grows while it is read may be longer than was planned. */
export const percentOf = ({ bytes, size }: FileProgress): number =>
  size === 0 ? 100 : Math.min(100, Math.floor((bytes / size) * 100))

const folderGone = ({ folder, stat }: PathKnowledge): PathState | null =>
  folder.state === 'stopped' && stat === null ? state('stopped', folder.reason) : null

/** In the vault only: not on this disk for a reason of its own, or because a folder above is not. */
const elsewhere = ({ node, absentAbove }: PathKnowledge): PathState | null => {
  if (absentAbove !== null)
    return state('not-here', `the folder ${absentAbove.path} is not on this disk: ${absentAbove.message}`)
  return node !== null && node.disk === null ? state('not-here', node.absence?.message ?? '') : null
}

const told = ({ path, node, stat, trouble, exclusion }: PathKnowledge): PathState | null => {
  if (exclusion !== null && stat !== null) {
    const stays = node === null ? '' : '; what the vault has of it stays there'
    return state('not-synced', `${exclusion}${stays}`)
  }
  if (trouble === null) return null
  const reason = trouble.path === path ? trouble.message : `the folder ${trouble.path}: ${trouble.message}`
  switch (trouble.kind) {
    case 'busy':
      return state('being-written', reason)
    case 'skipped':
    case 'excluded':
      return state('not-synced', reason)
    case 'held':
      return state('held', reason)
    case 'not-here':
      return state('not-here', reason)
    case 'unreadable':
    case 'failed':
    case 'corrupt':
      return state('failed', reason)
  }
}

const changed = (known: PathKnowledge): PathState | null => {
  const { node, stat, folder } = known
  if (node === null && stat === null) return state('unknown', 'there is nothing of that name, here or in the vault')
  if (node === null) return state('waiting', `new here: it is pushed at the next turn${unless(folder)}`)
  if (stat === null && folder.state === 'waiting') return state('held', `deleted here: ${folder.reason}`)
  if (stat === null) return state('waiting', `deleted here: its removal is pushed at the next turn${unless(folder)}`)
  if (node.disk !== null && !isAsRemembered(stat, node.disk)) {
    const what =
      stat.kind === 'folder' ? 'changed here' : 'changed here: it is read, and pushed if it differs, at the next turn'
    return state('waiting', `${what}${unless(folder)}`)
  }
  return null
}

/** What keeps the next turn from coming. */
const unless = ({ state, reason }: FolderState): string =>
  state === 'stopped' || state === 'paused' || state === 'offline' || state === 'waiting'
    ? `; but the folder is ${state}: ${reason}`
    : ''

/** A file that was quite new when it was read is remembered without its change time, to be read again. */
const isAsRemembered = (stat: DiskStat, remembered: DiskStat): boolean =>
  isSameStat(remembered.ctimeNs === 0n ? { ...stat, ctimeNs: 0n } : stat, remembered)

const settled = ({ path, folder }: PathKnowledge): PathState => {
  if (isConflictName(nameOf(path)))
    return state('conflict-copy', 'synced; it keeps the second of two edits: compare, and delete what you do not need')
  const isLive = folder.state === 'up-to-date' || folder.state === 'syncing' || folder.state === 'troubled'
  return state('synced', isLive ? '' : 'as of the last turn')
}
