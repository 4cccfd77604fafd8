/**
 * Begins with a checkpoint instead of the whole log: a new device takes over what was kept and in use there. Whatever
 * interrupts it, or is faster, leaves a state that has no head yet, or one that is whole.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { deviceIdFromBytes } from '@anysync/protocol/ids.ts'
import { deviceHeadsFact, noteRecord, serializeDeviceHeads, type DeviceHeads } from './device-heads.ts'
import { infoOf, serializeSnapshot } from './kept-snapshot.ts'
import type { LogParts } from './log.ts'
import { readIndexes } from './pack-index.ts'
import { openRecord, type OpenedRecord } from './record.ts'
import type { BodyNamed } from './record-body.ts'
import { listedFact, unlistAll } from './snapshots.ts'
import { packsInUse } from './stored-packs.ts'

export type Checkpoint = OpenedRecord<BodyNamed<'anysync.v1.CheckpointBody'>>

/** Verifies all of a checkpoint but what came before it. */
export const openCheckpoint = (parts: LogParts, bytes: Uint8Array): Checkpoint => {
  const { body, ...record } = openRecord(parts, 'unknown', bytes)
  if (body.$typeName === 'anysync.v1.CheckpointBody') return { ...record, body }
  throw new SyncError('log.begin', 'corrupt', 'a record that says it is a checkpoint is none')
}

/** The devices that the checkpoint knows; nothing before it can be compared. */
export const headsOf = (checkpoint: Checkpoint): DeviceHeads => {
  const heads: DeviceHeads = new Map()
  noteRecord(heads, { ...checkpoint, body: { ...checkpoint.body, deviceHeads: [] } })
  for (const { deviceId, sequence } of checkpoint.body.deviceHeads) {
    heads.set(deviceIdFromBytes(deviceId), Math.max(Number(sequence), heads.get(deviceIdFromBytes(deviceId)) ?? 0))
  }
  return heads
}

/** False when another folder of this device began meanwhile: then nothing more is to do but to follow. */
export const beginWith = async (parts: LogParts, checkpoint: Checkpoint, bytes: Uint8Array): Promise<boolean> => {
  const { state, keys } = parts
  const { vaultId } = keys
  /** In one transaction, unless the state has a head by now. */
  const whileEmpty = (work: () => void): boolean =>
    state.transact(() => {
      const isEmpty = state.head(vaultId) === null
      if (isEmpty) work()
      return isEmpty
    })
  // What an earlier beginning left, that did not come to its end.
  const isCleared = whileEmpty(() => {
    for (const pack of packsInUse(state, vaultId)) state.removePack(vaultId, pack)
    unlistAll(state, vaultId)
  })
  if (!isCleared) return false
  for await (const index of readIndexes(parts, checkpoint.body.indexPacks)) {
    const isTaken = whileEmpty(() => {
      for (const pack of index.packs) state.putPack(vaultId, pack, false)
      for (const kept of index.snapshots) {
        const snapshot = infoOf(kept)
        state.putSnapshot(vaultId, snapshot.sequence, serializeSnapshot(snapshot))
      }
    })
    if (!isTaken) return false
  }
  return whileEmpty(() => {
    for (const pack of checkpoint.body.indexPacks) state.putPack(vaultId, pack, false)
    const { sequence, hash } = checkpoint.head
    state.putRecord(vaultId, sequence, hash, bytes)
    state.putFact(vaultId, deviceHeadsFact, serializeDeviceHeads(headsOf(checkpoint)))
    state.putFact(vaultId, listedFact, 'yes')
  })
}
