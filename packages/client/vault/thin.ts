/**
 * A history that a person can read: everything of the last hour, then one snapshot an hour, a day, a week, a month.
 * Pure; only for showing. What is kept is another matter.
 */
import type { SnapshotInfo } from './vault-types.ts'

const hourNs = 3_600_000_000_000n
const dayNs = 24n * hourNs

/** Up to this age, one snapshot in each span; null: all. */
const rows: readonly { age: bigint; span: bigint | null }[] = [
  { age: hourNs, span: null },
  { age: dayNs, span: hourNs },
  { age: 30n * dayNs, span: dayNs },
  { age: 365n * dayNs, span: 7n * dayNs },
]
const spanBeyond = 30n * dayNs

export type Thinnable = Pick<SnapshotInfo, 'timeNs' | 'isPartial' | 'label' | 'isPinned'>

/**
 * The newest of each span, in order; labelled and pinned ones always, and the newest of all. One in the middle of a push gives way
 * to the end of it.
 */
export const thin = <Snapshot extends Thinnable>(snapshots: readonly Snapshot[], nowNs: bigint): Snapshot[] => {
  const shown: Snapshot[] = []
  let last: string | null = null
  for (const [index, snapshot] of snapshots.entries().toArray().toReversed()) {
    const isNewest = index === snapshots.length - 1
    const span = spanOf(snapshot.timeNs, nowNs)
    const isFirst = span === null || span !== last
    if (isNewest || snapshot.label !== '' || snapshot.isPinned || (isFirst && !snapshot.isPartial)) shown.push(snapshot)
    if (isFirst && (isNewest || !snapshot.isPartial)) last = span
  }
  return shown.toReversed()
}

/** Which span a time is in; null when all are shown. A time to come counts as now. */
const spanOf = (timeNs: bigint, nowNs: bigint): string | null => {
  const age = nowNs - timeNs
  const row = rows.find((row) => age < row.age)
  if (row !== undefined && row.span === null) return null
  const span = row?.span ?? spanBeyond
  return `${span} ${timeNs / span}`
}
