/**
 * A vault's log as this device has verified it: fetched after the newest record that it has seen, checked link by link,
 * kept with the index of what each record brought. Whatever contradicts what was seen before is an alarm that changes
 * nothing. Knows records; knows nothing of trees.
 */
import { demand, isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import type { IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { packIdFromBytes, recordHashFromBytes, type PackId } from '@anysync/protocol/ids.ts'
import { recordsStoredAtOnce } from '@anysync/protocol/limits.ts'
import type { ContentWork } from '../content/work.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { Cipher, LogHead, Remote, State } from '../ports.ts'
import {
  deviceHeadsFact,
  deviceHeadsForBody,
  noteRecord,
  parseDeviceHeads,
  serializeDeviceHeads,
  type DeviceHeads,
} from './device-heads.ts'
import { beginWith, headsOf, openCheckpoint } from './begin.ts'
import { isCheckpoint, openRecord, readRecord, sealRecord, type OpenedRecord, type Signer } from './record.ts'
import type { AnyBody } from './record-body.ts'
import { packEffects, replaySnapshots, type PackEffects } from './replay.ts'

export type LogParts = {
  cipher: Cipher
  keys: VaultKeys
  work: ContentWork
  state: State
  remote: Remote
  signer: Signer
  /** Who certifies the devices whose records are believed. */
  identityPublicKey: Uint8Array
  fetch: (pack: PackId, offset: number, length: number) => Promise<Uint8Array>
}

export type Log = {
  /** Fetches, verifies and keeps what is new. `corrupt` when the server shows an older or another history. */
  refresh(): Promise<void>
  /**
   * Appends after `expected` a record with this body, which brings and retires these packs; those that it brings are
   * stored already. `conflict` when that is the head no more, `missing` when the server lacks a pack. When the
   * reply is lost, the log is asked whether the record is in it; `unavailable` when that stays unknown.
   */
  append(expected: LogHead | null, body: AnyBody, effects: PackEffects): Promise<OpenedRecord>
  /** The records that were kept, from..to, both included, in order. */
  records(from: number, to: number): Iterable<OpenedRecord>
}

/** The operation of an error that says: the server shows an older or another history than this device has seen. */
export const otherHistory = 'log.compare'

type Verified = { record: OpenedRecord; bytes: Uint8Array; effects: PackEffects }

export const createLog = (parts: LogParts): Log => {
  const { cipher, keys, state, remote } = parts
  const { vaultId } = keys

  const refresh = async (): Promise<void> => {
    const seen = state.head(vaultId)
    let heads = parseDeviceHeads(state.fact(vaultId, deviceHeadsFact))
    let previous = seen
    let isSeenShown = seen === null
    let batch: Verified[] = []
    // Beginning with the newest record that was seen, because only then a server that went back shows itself.
    const isNew = seen === null
    for await (const bytes of remote.recordsSince(vaultId, isNew ? 0 : seen.sequence - 1, isNew)) {
      if (!isSeenShown) {
        const hash = recordHashFromBytes(cipher.sha256(bytes))
        demand(hash === seen?.hash, otherHistory, 'corrupt', forkMessage(vaultId, seen?.sequence ?? 0))
        isSeenShown = true
        continue
      }
      if (previous === null && isCheckpoint(bytes)) {
        const checkpoint = openCheckpoint(parts, bytes)
        if (!(await beginWith(parts, checkpoint, bytes))) return await refresh()
        heads = headsOf(checkpoint)
        previous = checkpoint.head
        continue
      }
      const record = openRecord(parts, previous, bytes)
      noteRecord(heads, record)
      batch.push({ record, bytes, effects: await packEffects(parts, record.body) })
      previous = record.head
      if (batch.length < recordsStoredAtOnce) continue
      keep(state, keys, batch, heads)
      batch = []
    }
    demand(isSeenShown, otherHistory, 'corrupt', rollbackMessage(vaultId, seen?.sequence ?? 0))
    if (batch.length > 0) keep(state, keys, batch, heads)
  }

  return {
    refresh,
    async append(expected, body, effects) {
      const isHead = sameHead(state.head(vaultId), expected)
      demand(isHead, 'log.append', 'conflict', `the log of vault ${vaultId} has moved on`)
      const heads = parseDeviceHeads(state.fact(vaultId, deviceHeadsFact))
      const whole = { ...body, deviceHeads: deviceHeadsForBody(heads) }
      const { head, bytes } = sealRecord(parts, expected, whole)
      // What this device appends must pass for every other device: better to learn it here than there.
      const record = openRecord(parts, expected, bytes)
      try {
        const shown = await remote.append(
          vaultId,
          expected,
          bytes,
          effects.brought.map(({ pack }: IndexedPack) => packIdFromBytes(pack)),
          effects.retired,
        )
        demand(sameHead(shown, head), 'log.append', 'corrupt', forkMessage(vaultId, head.sequence))
      } catch (error) {
        // The reply may have been lost on its way, and then the record is in the log: refreshing tells.
        if (!isTrouble(error, 'unavailable') || !(await isAppended(refresh, state, keys, head))) throw error
        return record
      }
      noteRecord(heads, record)
      keep(state, keys, [{ record, bytes, effects }], heads)
      return record
    },
    *records(from, to) {
      for (const { record } of state.records(vaultId, from, to)) yield readRecord(parts, record)
    },
  }
}

/** Keeps verified records, the index of what they brought, and the heads of devices, all at once or not at all. */
const keep = (state: State, { vaultId }: VaultKeys, batch: Verified[], heads: DeviceHeads): void => {
  state.transact(() => {
    for (const { record, bytes, effects } of batch) {
      const { sequence, hash } = record.head
      // Another folder of this device that follows the same vault may have kept it meanwhile.
      const [known] = state.records(vaultId, sequence, sequence)
      demand(!known || known.hash === hash, 'log.keep', 'corrupt', forkMessage(vaultId, sequence))
      if (known) continue
      state.putRecord(vaultId, sequence, hash, bytes)
      replaySnapshots(state, vaultId, record)
      for (const pack of effects.brought) state.putPack(vaultId, pack, false)
      for (const pack of effects.retired) state.removePack(vaultId, pack)
      state.putFact(vaultId, deviceHeadsFact, serializeDeviceHeads(heads))
    }
  })
}

/** Whether the log turns out to hold the record. False when it cannot be told now. */
const isAppended = async (
  refresh: () => Promise<void>,
  state: State,
  { vaultId }: VaultKeys,
  head: LogHead,
): Promise<boolean> => {
  try {
    await refresh()
  } catch (error) {
    if (isTrouble(error, 'unavailable')) return false
    throw error
  }
  const [record] = state.records(vaultId, head.sequence, head.sequence)
  if (record?.hash === head.hash) return true
  if (record) throw new SyncError('log.append', 'conflict', `the log of vault ${vaultId} has moved on`)
  return false
}

export const sameHead = (a: LogHead | null, b: LogHead | null): boolean =>
  a === null || b === null ? a === b : a.sequence === b.sequence && a.hash === b.hash

const forkMessage = (vaultId: string, sequence: number): string =>
  `the server shows another record ${sequence} of vault ${vaultId} than this device has seen: nothing was changed; ` +
  'ask who runs the server what happened to its data'

const rollbackMessage = (vaultId: string, sequence: number): string =>
  `the server shows an older state of vault ${vaultId}, without record ${sequence} that this device has seen: nothing ` +
  'was changed; ask who runs the server whether an old copy was restored'
