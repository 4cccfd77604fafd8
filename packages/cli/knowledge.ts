/**
 * Gathers what is known of linked folders and of paths in them: from the state database, from the disk, and from the
 * daemon when one runs. Asks no server.
 */
import * as v from 'valibot'
import type { BaseNode, Disk, Link, State } from '@anysync/client/ports.ts'
import { isAtOrBelow } from '@anysync/client/path.ts'
import { alarmOf, facts, hasConfirmed, waitingOf } from '@anysync/client/sync/facts.ts'
import { checkMarker } from '@anysync/client/sync/guards.ts'
import type { Trouble } from '@anysync/client/sync/report.ts'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { rootNodeId, type VaultId } from '@anysync/protocol/ids.ts'
import { askDaemon } from './daemon/ask.ts'
import type { DaemonStatus } from './daemon/wire.ts'
import type { DaemonSeen, FolderKnowledge, FolderState, LastReport, Unproven } from './folder-state.ts'
import type { AccountHome } from './homes.ts'
import { lastTroubleOf } from './last-trouble.ts'
import type { PathKnowledge } from './path-state.ts'
import { failedOf, sampledOf } from './sampled.ts'
import { timeNsSchema } from './schemas.ts'

/** `trouble`: why a daemon that is there does not answer. */
export type SeenDaemon = { seen: DaemonSeen; status: DaemonStatus | null; trouble: string }

export const seeDaemon = async (account: AccountHome): Promise<SeenDaemon> => {
  try {
    const status = await askDaemon(account, { ask: 'status' })
    if (status === null) return { seen: 'none', status, trouble: '' }
    return { seen: status.isPaused ? 'paused' : 'running', status, trouble: '' }
  } catch (error) {
    if (!isTrouble(error, 'unavailable') && !isTrouble(error, 'invalid')) throw error
    return { seen: 'silent', status: null, trouble: error.message }
  }
}

export const knowFolder = async (
  state: State,
  disk: Disk,
  link: Link,
  { seen, status }: SeenDaemon,
): Promise<FolderKnowledge> => ({
  daemon: seen,
  live: status?.folders.find(({ linkId }) => linkId === link.id) ?? null,
  alarm: alarmOf(state, link.id),
  rootTrouble: await rootTrouble(disk, link),
  waiting: waitingOf(state, link.id),
  isConfirmed: hasConfirmed(state, link.id),
  report: lastReport(state, link),
  lastTrouble: lastTroubleOf(state, link.id),
  unproven: unprovenOf(state, link.vaultId),
  headSequence: state.head(link.vaultId)?.sequence ?? 0,
})

export const unprovenOf = (state: State, vaultId: VaultId): Unproven | null => {
  const failed = failedOf(state, vaultId)
  const [first] = failed
  const timeNs = sampledOf(state, vaultId)?.timeNs
  return first === undefined || timeNs === undefined ? null : { timeNs, packs: failed.length, message: first.message }
}

const rootTrouble = async (disk: Disk, link: Link): Promise<string | null> => {
  try {
    await checkMarker(disk, link)
    return null
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    return error.message
  }
}

const reportSchema = v.object({
  timeNs: timeNsSchema,
  isSettled: v.boolean(),
  sequence: v.number(),
  troubles: v.array(
    v.object({
      path: v.string(),
      kind: v.picklist(['skipped', 'excluded', 'unreadable', 'busy', 'not-here', 'held', 'failed', 'corrupt']),
      message: v.string(),
    }),
  ),
})

/** The report that the engine left; null before the first turn, and for a text that is none. */
const lastReport = (state: State, link: Link): LastReport | null => {
  const fact = state.fact(link.id, facts.report)
  if (fact === null) return null
  const parsed = v.safeParse(reportSchema, JSON.parse(fact))
  return parsed.success ? parsed.output : null
}

/** `exclusion`: why this device's rules leave a path out. */
export type PathParts = {
  state: State
  disk: Disk
  link: Link
  known: FolderKnowledge
  folder: FolderState
  exclusionOf: (path: string, stat: PathKnowledge['stat']) => string | null
}

export const knowPath = async (
  { state, disk, link, known, folder, exclusionOf }: PathParts,
  path: string,
): Promise<PathKnowledge> => {
  const { node, absentAbove } = findBase(state, link, path)
  const stat = await lookAt(disk, path)
  const progress = known.live?.progress ?? null
  const file = progress?.current.find((current) => current.path === path)
  const isTravelling = progress !== null && file !== undefined && progress.phase !== 'scan'
  return {
    path,
    node,
    absentAbove,
    stat,
    exclusion: exclusionOf(path, stat),
    trouble: nearestTrouble(known.report?.troubles ?? [], path),
    travelling: isTravelling ? { ...file, phase: progress.phase === 'push' ? 'push' : 'pull' } : null,
    folder,
  }
}

/** What cannot be looked at is not seen. */
const lookAt = async (disk: Disk, path: string): Promise<PathKnowledge['stat']> => {
  try {
    return await disk.lstat(path)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    return null
  }
}

/** Of the path itself, else of the nearest folder above that keeps all below it from syncing. */
const nearestTrouble = (troubles: readonly Trouble[], path: string): Trouble | null => {
  const own = troubles.find((trouble) => trouble.path === path)
  if (own !== undefined) return own
  const above = troubles.filter(({ path: folder }) => isAtOrBelow(path, folder))
  return above.sort((a, b) => b.path.length - a.path.length)[0] ?? null
}

type Found = Pick<PathKnowledge, 'node' | 'absentAbove'>

const findBase = (state: State, link: Link, path: string): Found => {
  let node: BaseNode | null = null
  let absentAbove: Found['absentAbove'] = null
  const names = path.split('/')
  for (const [depth, name] of names.entries()) {
    const named: BaseNode[] = state.childrenNamed(link.id, node?.id ?? rootNodeId, name)
    node = named.find(({ disk }) => disk !== null) ?? named[0] ?? null
    if (node === null) return { node, absentAbove }
    const isLast = depth === names.length - 1
    if (!isLast && node.disk === null && absentAbove === null)
      absentAbove = { path: names.slice(0, depth + 1).join('/'), message: node.absence?.message ?? '' }
  }
  return { node, absentAbove }
}
