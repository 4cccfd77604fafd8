/**
 * The state of a linked folder or of one file in it, from what this device knows by itself: the last turn, what waits,
 * and what the disk shows now.
 */
import { isSameStat } from '@anysync/client/disk-stat.ts'
import type { BaseNode, Disk, Link, LogHead, State } from '@anysync/client/ports.ts'
import { facts, waitingOf } from '@anysync/client/sync/facts.ts'
import { checkMarker } from '@anysync/client/sync/guards.ts'
import type { Trouble, Waiting } from '@anysync/client/sync/report.ts'
import { failedTroubles } from './output/turn.ts'
import { counted } from './output/words.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { rootNodeId } from '@anysync/protocol/ids.ts'

export type FolderState = {
  state: 'never-synced' | 'missing' | 'waiting' | 'troubled' | 'not-in-step' | 'in-step'
  /** Why, for all but 'in-step'. */
  reason: string
  /** When the last turn ended. */
  turnNs: bigint | null
  /** When all of the folder was last looked at. */
  scanNs: bigint | null
  head: LogHead | null
  files: number
  waiting: Waiting | null
  troubles: Trouble[]
}

export const folderState = async (state: State, disk: Disk, link: Link): Promise<FolderState> => {
  const report = lastReport(state, link)
  const waiting = waitingOf(state, link.id)
  const scan = state.fact(link.id, facts.scanned)
  const head = state.head(link.vaultId)
  const known = {
    turnNs: report?.timeNs ?? null,
    scanNs: scan === null ? null : BigInt(scan),
    head,
    files: state.countFiles(link.id),
    waiting,
    troubles: report?.troubles ?? [],
  }
  const missing = await markerTrouble(disk, link)
  if (missing !== null) return { ...known, state: 'missing', reason: missing }
  if (report === null) return { ...known, state: 'never-synced', reason: 'run `anysync sync`' }
  if (waiting !== null) {
    const reason = `${waiting.deletions} deletions wait: \`anysync confirm\` lets them go through`
    return { ...known, state: 'waiting', reason }
  }
  const failed = failedTroubles(report).length
  if (failed > 0) return { ...known, state: 'troubled', reason: `${counted(failed, 'path')} could not be synced` }
  if (!report.isSettled || (head?.sequence ?? 0) !== report.sequence) {
    return {
      ...known,
      state: 'not-in-step',
      reason: 'the last turn did not finish, or the vault moved on: run `anysync sync`',
    }
  }
  return { ...known, state: 'in-step', reason: '' }
}

const markerTrouble = async (disk: Disk, link: Link): Promise<string | null> => {
  try {
    await checkMarker(disk, link)
    return null
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    return error.message
  }
}

type LastReport = { timeNs: bigint; isSettled: boolean; sequence: number; troubles: Trouble[] }

/** The report that the engine left; null before the first turn, and for a text that is none. */
const lastReport = (state: State, link: Link): LastReport | null => {
  const fact = state.fact(link.id, facts.report)
  return fact === null ? null : parseReport(JSON.parse(fact))
}

const parseReport = (value: unknown): LastReport | null => {
  if (typeof value !== 'object' || value === null) return null
  if (!('timeNs' in value && 'isSettled' in value && 'sequence' in value && 'troubles' in value)) return null
  const { timeNs, isSettled, sequence, troubles } = value
  if (typeof timeNs !== 'string' || typeof sequence !== 'number' || !Array.isArray(troubles)) return null
  return { timeNs: BigInt(timeNs), isSettled: isSettled === true, sequence, troubles: troubles.filter(isTroubleValue) }
}

const isTroubleValue = (value: unknown): value is Trouble =>
  typeof value === 'object' &&
  value !== null &&
  'path' in value &&
  typeof value.path === 'string' &&
  'message' in value &&
  typeof value.message === 'string'

export type PathState = {
  state: 'in-step' | 'changed-here' | 'new-here' | 'not-here' | 'removed-here' | 'unknown'
  reason: string
}

/** One path in a linked folder: what both sides agreed on against what the disk shows now. */
export const pathState = async (state: State, disk: Disk, link: Link, path: string): Promise<PathState> => {
  const node = findBase(state, link, path)
  const stat = await disk.lstat(path)
  if (node === null && stat === null)
    return { state: 'unknown', reason: 'there is nothing of that name, here or in the vault' }
  if (node === null) return { state: 'new-here', reason: 'it is pushed at the next sync' }
  if (node.disk === null) return { state: 'not-here', reason: node.absence?.message ?? '' }
  if (stat === null) return { state: 'removed-here', reason: 'its removal is pushed at the next sync' }
  // A file that was quite new when it was read is remembered without its change time, to be read again.
  const seen = node.disk.ctimeNs === 0n ? { ...stat, ctimeNs: 0n } : stat
  if (isSameStat(seen, node.disk)) return { state: 'in-step', reason: '' }
  return {
    state: 'changed-here',
    reason: 'it is looked at, and pushed if its content or attributes differ, at the next sync',
  }
}

const findBase = (state: State, link: Link, path: string): BaseNode | null => {
  let found: BaseNode | null = null
  let parent = rootNodeId
  for (const name of path.split('/')) {
    found = state.childrenNamed(link.id, parent, name)[0] ?? null
    if (found === null) return null
    parent = found.id
  }
  return found
}
