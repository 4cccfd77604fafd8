/**
 * What a record means for a vault: which packs it puts into use and which it takes out of use, and which snapshots are
 * kept after it. The log alone decides this, so every device comes to the same.
 */
import { demand } from '@anysync/protocol/errors.ts'
import type { IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { packIdFromBytes, type PackId, type VaultId } from '@anysync/protocol/ids.ts'
import type { State } from '../ports.ts'
import { infoOf, parseSnapshot, serializeSnapshot, snapshotOf } from './kept-snapshot.ts'
import { packsOfBody, type IndexParts } from './pack-index.ts'
import type { OpenedRecord } from './record.ts'
import type { CheckedBody } from './record-body.ts'
import { joinTouched } from './touched.ts'
import type { SnapshotInfo } from './vault-types.ts'

export type PackEffects = { brought: IndexedPack[]; retired: PackId[] }

/** Reads the index packs that the record names. Throws `corrupt` for packs that no writer makes. */
export const packEffects = async (parts: IndexParts, body: CheckedBody): Promise<PackEffects> => {
  switch (body.$typeName) {
    case 'anysync.v1.CheckpointBody':
      // What they hold is in use already.
      return { brought: body.indexPacks, retired: [] }
    case 'anysync.v1.RetireBody':
      return { brought: await packsOfBody(parts, body), retired: body.retired.map(packIdFromBytes) }
    case 'anysync.v1.SnapshotBody':
    case 'anysync.v1.RescueBody':
      return { brought: await packsOfBody(parts, body), retired: [] }
    case 'anysync.v1.ForgetBody':
    case 'anysync.v1.TagBody':
      return { brought: [], retired: [] }
  }
}

/** Which snapshots are kept, as the local state has them. */
export type KeptSnapshots = Pick<State, 'putSnapshot' | 'removeSnapshot' | 'snapshots' | 'newestSnapshot'>

/** Notes in the state what the record says of snapshots. `corrupt` when it forgets the newest one, which nobody may. */
export const replaySnapshots = (
  state: KeptSnapshots,
  vaultId: VaultId,
  { head, deviceId, body }: OpenedRecord,
): void => {
  switch (body.$typeName) {
    case 'anysync.v1.SnapshotBody':
      put(state, vaultId, snapshotOf({ head, deviceId, body }))
      break
    case 'anysync.v1.ForgetBody': {
      const sequences = body.sequences.map(Number)
      const newest = state.newestSnapshot(vaultId)
      const isAllowed = newest === null || !sequences.includes(parseSnapshot(newest).sequence)
      const message = `record ${head.sequence} forgets the newest snapshot, which no rule may: nothing was changed`
      demand(isAllowed, 'log.verify', 'corrupt', message)
      forget(state, vaultId, sequences)
      break
    }
    case 'anysync.v1.RescueBody':
      // Which one is kept before it is another now than when its record was made.
      for (const kept of body.snapshots) put(state, vaultId, { ...infoOf(kept), touched: null })
      break
    case 'anysync.v1.TagBody':
      for (const { snapshot } of state.snapshots(vaultId, Number(body.sequence), Number(body.sequence))) {
        put(state, vaultId, { ...parseSnapshot(snapshot), label: body.label, isPinned: body.isPinned })
      }
      break
    case 'anysync.v1.CheckpointBody':
    case 'anysync.v1.RetireBody':
  }
}

/** What a forgotten snapshot touched is from then on touched by the next one that is kept. */
const forget = (state: KeptSnapshots, vaultId: VaultId, ascending: readonly number[]): void => {
  const sequences = new Set(ascending)
  let forgotten: SnapshotInfo | null = null
  for (const { sequence, snapshot } of state.snapshots(vaultId, ascending[0] ?? 1, Number.MAX_SAFE_INTEGER)) {
    const isForgotten = sequences.has(sequence)
    if (!isForgotten && forgotten === null) continue
    let info = parseSnapshot(snapshot)
    if (forgotten !== null) info = { ...info, touched: joinTouched(forgotten.touched, info.touched) }
    forgotten = isForgotten ? info : null
    if (isForgotten) state.removeSnapshot(vaultId, sequence)
    else put(state, vaultId, info)
  }
}

const put = (state: KeptSnapshots, vaultId: VaultId, snapshot: SnapshotInfo): void =>
  state.putSnapshot(vaultId, snapshot.sequence, serializeSnapshot(snapshot))
