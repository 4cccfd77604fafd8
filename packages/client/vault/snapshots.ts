/**
 * The snapshots that a vault keeps, as the local state has them.
 */
import type { State } from '../ports.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'
import { parseSnapshot } from './kept-snapshot.ts'
import type { Log } from './log.ts'
import { replaySnapshots } from './replay.ts'
import type { SnapshotInfo } from './vault-types.ts'

export type SnapshotList = {
  newest(): SnapshotInfo | null
  /** Oldest first. */
  all(): SnapshotInfo[]
}

/** The fact, by vault, that the state lists its snapshots: one that an older AnySync wrote does not. */
export const listedFact = 'snapshots-listed'

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
