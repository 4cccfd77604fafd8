/**
 * The snapshots of a log, opened when they are asked for and then kept.
 */
import type { LogHead, State } from '../ports.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'
import type { Log } from './log.ts'
import type { OpenedRecord } from './record.ts'
import type { SnapshotInfo } from './vault-types.ts'

export type SnapshotList = {
  newest(): SnapshotInfo | null
  /** Oldest first. */
  all(): SnapshotInfo[]
}

export const createSnapshotList = (vaultId: VaultId, state: State, log: Log): SnapshotList => {
  const opened: SnapshotInfo[] = []
  let newest: SnapshotInfo | null = null
  const isNewest = (head: LogHead): boolean => newest?.hash === head.hash
  return {
    newest() {
      const head = state.head(vaultId)
      if (head === null) return null
      if (isNewest(head)) return newest
      for (const record of log.records(head.sequence, head.sequence)) newest = snapshotOf(record)
      return newest
    },
    all() {
      const head = state.head(vaultId)
      if (head === null) return []
      // A log that was rewound has others in their place.
      const last = opened.at(-1)
      const [same] = last === undefined ? [] : state.records(vaultId, last.sequence, last.sequence)
      if (last?.hash !== same?.hash) opened.length = 0
      // The first record has sequence 1.
      for (const record of log.records(opened.length + 1, head.sequence)) opened.push(snapshotOf(record))
      return [...opened]
    },
  }
}

export const snapshotOf = ({ head, deviceId, body }: OpenedRecord): SnapshotInfo => ({
  sequence: head.sequence,
  hash: head.hash,
  root: body.root,
  timeNs: body.timeNs,
  deviceId,
  deviceName: body.deviceName,
  isPartial: body.isPartial,
  statistics: body.statistics,
  label: body.label,
})
