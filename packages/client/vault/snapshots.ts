/**
 * The snapshots that a vault keeps, as the local state has them.
 */
import type { State } from '../ports.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'
import { parseSnapshot, serializeSnapshot } from './kept-snapshot.ts'
import type { Log } from './log.ts'
import type { OpenedRecord } from './record.ts'
import { replaySnapshots } from './replay.ts'
import type { SnapshotInfo } from './vault-types.ts'

export type SnapshotList = {
  newest(): SnapshotInfo | null
  /** Oldest first. */
  all(): SnapshotInfo[]
}

/** The fact, by vault, that the state lists its snapshots: one that an older AnySync wrote does not. */
export const listedFact = 'snapshots-listed'

/** Call within a transaction, as the next one. */
export const unlistAll = (state: Pick<State, 'snapshots' | 'removeSnapshot'>, vaultId: VaultId): void => {
  for (const { sequence } of state.snapshots(vaultId, 1, Number.MAX_SAFE_INTEGER))
    state.removeSnapshot(vaultId, sequence)
}

/** Lists the snapshots that records keep, after those with which a log began, and no others. */
export const listAnew = (
  state: State,
  vaultId: VaultId,
  records: readonly OpenedRecord[],
  begun: readonly SnapshotInfo[] = [],
): void => {
  unlistAll(state, vaultId)
  for (const snapshot of begun) state.putSnapshot(vaultId, snapshot.sequence, serializeSnapshot(snapshot))
  for (const record of records) replaySnapshots(state, vaultId, record)
  state.putFact(vaultId, listedFact, 'yes')
}

export const createSnapshotList = (vaultId: VaultId, state: State, log: Log): SnapshotList => {
  const list = (): void => {
    if (state.fact(vaultId, listedFact) !== null) return
    const head = state.head(vaultId)
    state.transact(() => {
      for (const record of log.records(1, head?.sequence ?? 0)) replaySnapshots(state, vaultId, record)
      state.putFact(vaultId, listedFact, 'yes')
    })
  }
  return {
    newest() {
      list()
      const newest = state.newestSnapshot(vaultId)
      return newest === null ? null : parseSnapshot(newest)
    },
    all() {
      list()
      return Array.from(state.snapshots(vaultId, 1, Number.MAX_SAFE_INTEGER), ({ snapshot }) => parseSnapshot(snapshot))
    },
  }
}
