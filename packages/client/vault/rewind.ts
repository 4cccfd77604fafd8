/**
 * When the server shows an older or another history than this device has seen: it was put back to an earlier copy, or
 * it tries something. Finds the newest record that both have, verifies what the server has after it, and only then lets
 * go of the rest, at once or not at all. What the server lost can then be stored again, for every device still has it
 * on its disk. Nothing here changes a file. [Note: a server that went back]
 */
import type { IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { packIdFromBytes, recordHashFromBytes, type PackId } from '@anysync/protocol/ids.ts'
import type { LogHead } from '../ports.ts'
import { deviceHeadsFact, noteRecord, serializeDeviceHeads, type DeviceHeads } from './device-heads.ts'
import type { LogParts } from './log.ts'
import { headsOf, openCheckpoint } from './begin.ts'
import { infoOf } from './kept-snapshot.ts'
import { readIndexes } from './pack-index.ts'
import { isCheckpoint, openRecord, readRecord, type OpenedRecord } from './record.ts'
import { packEffects } from './replay.ts'
import { listAnew } from './snapshots.ts'
import { storedOnServer } from './stored-packs.ts'
import type { SnapshotInfo } from './vault-types.ts'

export type Rewound = {
  /** The newest record that this device and the server both have; 0 for none. */
  sequence: number
  /** How many records this device had seen that the server does not have. */
  lostRecords: number
}

/** The fact, by vault, that counts how often it was rewound, with the sequences that it was rewound to. */
export const rewindsFact = 'rewinds'

/** How often, and to which sequences: the newest last, and no more of them than are worth keeping. */
export type Rewinds = { count: number; sequences: number[] }

const sequencesMax = 16

/** None when the vault never was. */
export const parseRewinds = (fact: string | null): Rewinds => {
  const [count = 0, ...sequences] = fact?.split(' ').map(Number) ?? []
  return { count, sequences }
}

/** The fact after another rewind. Of those that are left out the lowest sequence is kept. */
export const noteRewind = (fact: string | null, sequence: number): string => {
  const { count, sequences } = parseRewinds(fact)
  const all = [...sequences, sequence]
  const kept = all.length > sequencesMax ? [Math.min(...all.slice(0, 2)), ...all.slice(2)] : all
  return [count + 1, ...kept].join(' ')
}

/** The lowest sequence that was rewound to after so many rewinds; null when none came after. */
export const lowestSince = ({ count, sequences }: Rewinds, seen: number): number | null =>
  seen >= count ? null : Math.min(...sequences.slice(-(count - seen)))

/** Goes back to what both have, and takes over what the server has after it. `corrupt` when that does not verify: then nothing was changed. */
export const rewindLog = async (parts: LogParts): Promise<Rewound> => {
  const { state, remote, keys } = parts
  const { vaultId } = keys
  const seen = state.head(vaultId)?.sequence ?? 0
  const sequence = await newestCommon(parts, seen)

  const replay = createReplay(parts)
  let previous: LogHead | null = null
  for (const kept of state.records(vaultId, 1, sequence)) {
    if (previous === null && isCheckpoint(kept.record)) await replay.begin(kept.record)
    else await replay.add(readRecord(parts, kept.record))
    previous = { sequence: kept.sequence, hash: kept.hash }
  }
  const added: { head: LogHead; bytes: Uint8Array }[] = []
  const isNew = previous === null
  for await (const bytes of remote.recordsSince(vaultId, sequence, isNew)) {
    if (previous === null && isCheckpoint(bytes)) {
      previous = await replay.begin(bytes)
    } else {
      const record: OpenedRecord = openRecord(parts, previous, bytes)
      await replay.add(record)
      previous = record.head
    }
    added.push({ head: previous, bytes })
  }
  const stored = await storedOnServer(parts, [...replay.packs.values()])

  state.transact(() => {
    state.removeRecordsAfter(vaultId, sequence)
    for (const { head, bytes } of added) state.putRecord(vaultId, head.sequence, head.hash, bytes)
    for (const pack of state.packIds(vaultId)) state.removePack(vaultId, pack)
    for (const pack of stored) state.putPack(vaultId, pack, false)
    listAnew(state, vaultId, replay.records, replay.begun)
    state.putFact(vaultId, deviceHeadsFact, serializeDeviceHeads(replay.heads()))
    state.putFact(vaultId, rewindsFact, noteRewind(state.fact(vaultId, rewindsFact), sequence))
  })
  return { sequence, lostRecords: seen - sequence }
}

/** Goes through a log from its beginning, or from the checkpoint with which this device began. */
const createReplay = (parts: LogParts) => {
  let heads: DeviceHeads = new Map()
  const packs = new Map<PackId, IndexedPack>()
  const begun: SnapshotInfo[] = []
  const records: OpenedRecord[] = []
  return {
    packs,
    begun,
    records,
    heads: () => heads,
    async begin(bytes: Uint8Array): Promise<LogHead> {
      const checkpoint = openCheckpoint(parts, bytes)
      heads = headsOf(checkpoint)
      for (const pack of checkpoint.body.indexPacks) packs.set(packIdOf(pack), pack)
      for await (const index of readIndexes(parts, checkpoint.body.indexPacks)) {
        for (const pack of index.packs) packs.set(packIdOf(pack), pack)
        begun.push(...index.snapshots.map(infoOf))
      }
      return checkpoint.head
    },
    async add(record: OpenedRecord): Promise<void> {
      noteRecord(heads, record)
      const { brought, retired } = await packEffects(parts, record.body)
      for (const pack of brought) packs.set(packIdOf(pack), pack)
      for (const pack of retired) packs.delete(pack)
      records.push(record)
    },
  }
}

/** Looks back in growing strides until a record is found that both have. */
const newestCommon = async (parts: LogParts, seen: number): Promise<number> => {
  // A device that began with a checkpoint knows no record before it.
  const [first] = parts.state.records(parts.keys.vaultId, 1, seen)
  const before = (first?.sequence ?? 1) - 1
  for (let back = 1; ; back *= 8) {
    const from = Math.max(before, seen - back)
    const common = await commonFrom(parts, from, seen)
    if (common > from) return common
    if (from === before) return 0
  }
}

/** How far the server's records after `from` are those of this device. */
const commonFrom = async ({ cipher, state, remote, keys }: LogParts, from: number, seen: number): Promise<number> => {
  const own = state.records(keys.vaultId, from + 1, seen)[Symbol.iterator]()
  let common = from
  for await (const bytes of remote.recordsSince(keys.vaultId, from)) {
    const next = own.next()
    if (next.done === true || next.value.hash !== recordHashFromBytes(cipher.sha256(bytes))) break
    common = next.value.sequence
  }
  return common
}

const packIdOf = ({ pack }: IndexedPack): PackId => packIdFromBytes(pack)
