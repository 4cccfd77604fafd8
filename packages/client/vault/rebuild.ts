/**
 * Rebuilds what a device knows of a vault when the indexes that the server has are lost or damaged: from the whole log
 * instead of a checkpoint, and where a record names an index that cannot be read, from the packs themselves, each of
 * which says what it holds. Changes nothing on the server, and in the state all or nothing.
 */
import { demand, isTrouble } from '@anysync/protocol/errors.ts'
import type { IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { packIdFromBytes, type PackId } from '@anysync/protocol/ids.ts'
import { packBytesMax } from '@anysync/protocol/limits.ts'
import { readDirectory } from '../content/pack.ts'
import type { LogHead } from '../ports.ts'
import type { ProgressOf } from '../progress.ts'
import { deviceHeadsFact, noteRecord, serializeDeviceHeads, type DeviceHeads } from './device-heads.ts'
import type { LogParts } from './log.ts'
import { openRecord, type OpenedRecord } from './record.ts'
import { packEffects, type PackEffects } from './replay.ts'
import { listAnew } from './snapshots.ts'
import { isPackTrouble, packsInUse, storedOnServer } from './stored-packs.ts'

export type Rebuilt = {
  records: number
  /** Packs in use, as far as the server has them. */
  packs: number
  /** How many of them had to say themselves what they hold. */
  packsRead: number
  /** Records whose index cannot be read. */
  recordsWithoutIndex: number
  /** Packs that cannot be read, and why. What only they hold is not in the index. */
  unreadable: { pack: PackId; message: string }[]
}

export type RebuildProgress = ProgressOf<'packs'>

type Followed = {
  records: { record: OpenedRecord; bytes: Uint8Array }[]
  heads: DeviceHeads
  inUse: Map<PackId, IndexedPack>
  /** Every pack that was ever in use, as far as it is known. */
  seen: Set<PackId>
  recordsWithoutIndex: number
}

/**
 * Reads the log from its beginning, whatever the state knows. `corrupt`, with nothing changed, when a record does not
 * verify or the server's log is not the one that this state has seen.
 */
export const rebuildLog = async (
  parts: LogParts,
  onProgress: (step: RebuildProgress) => void = () => {},
): Promise<Rebuilt> => {
  const { state, keys } = parts
  const { vaultId } = keys
  const seenHead = state.head(vaultId)
  const followed = await followLog(parts, seenHead)
  const { records, heads, inUse, recordsWithoutIndex } = followed
  const isTold = recordsWithoutIndex === 0
  const { read, unreadable } = isTold ? { read: [], unreadable: [] } : await readUnknown(parts, followed, onProgress)
  for (const pack of read) inUse.set(packIdFromBytes(pack.pack), pack)
  const stored = await storedOnServer(parts, [...inUse.values()])

  state.transact(() => {
    const isAlone = state.head(vaultId)?.hash === seenHead?.hash
    demand(isAlone, 'log.rebuild', 'conflict', `vault ${vaultId} was followed by something else meanwhile: try again`)
    for (const pack of packsInUse(state, vaultId)) state.removePack(vaultId, pack)
    for (const pack of stored) state.putPack(vaultId, pack, false)
    state.removeRecordsAfter(vaultId, 0)
    for (const { record, bytes } of records) state.putRecord(vaultId, record.head.sequence, record.head.hash, bytes)
    listAnew(
      state,
      vaultId,
      records.map(({ record }) => record),
    )
    state.putFact(vaultId, deviceHeadsFact, serializeDeviceHeads(heads))
  })
  return { records: records.length, packs: stored.length, packsRead: read.length, recordsWithoutIndex, unreadable }
}

const followLog = async (parts: LogParts, seenHead: LogHead | null): Promise<Followed> => {
  const { remote, keys } = parts
  const followed: Followed = {
    records: [],
    heads: new Map(),
    inUse: new Map(),
    seen: new Set(),
    recordsWithoutIndex: 0,
  }
  let previous: LogHead | null = null
  let isSeenShown = seenHead === null
  for await (const bytes of remote.recordsSince(keys.vaultId, 0)) {
    const record = openRecord(parts, previous, bytes)
    previous = record.head
    if (record.head.sequence === seenHead?.sequence) isSeenShown = record.head.hash === seenHead.hash
    noteRecord(followed.heads, record)
    followed.records.push({ record, bytes })
    const { brought, retired, isWhole } = await effectsOf(parts, record)
    if (!isWhole) followed.recordsWithoutIndex += 1
    for (const pack of brought) {
      followed.inUse.set(packIdFromBytes(pack.pack), pack)
      followed.seen.add(packIdFromBytes(pack.pack))
    }
    for (const pack of retired) {
      followed.inUse.delete(pack)
      followed.seen.add(pack)
    }
  }
  const message = `the server shows another log of vault ${keys.vaultId} than this device has seen: nothing was changed`
  demand(isSeenShown, 'log.rebuild', 'corrupt', message)
  return followed
}

/** What a record says itself, when the index that it names cannot be read. */
const effectsOf = async (parts: LogParts, { body }: OpenedRecord): Promise<PackEffects & { isWhole: boolean }> => {
  try {
    return { ...(await packEffects(parts, body)), isWhole: true }
  } catch (error) {
    if (!isTrouble(error, 'corrupt') || !('indexPacks' in body) || body.indexPacks.length === 0) throw error
    const own = { ...body, indexPacks: [] }
    const { brought, retired } = await packEffects(parts, own)
    return { brought: [...brought, ...body.indexPacks], retired, isWhole: false }
  }
}

/** Packs that the server counts as in use and of which no record tells what they hold, read whole and checked. */
const readUnknown = async (
  parts: LogParts,
  { seen }: Followed,
  onProgress: (step: RebuildProgress) => void,
): Promise<{ read: IndexedPack[]; unreadable: Rebuilt['unreadable'] }> => {
  const { remote, keys } = parts
  const unknown = (await remote.packsInUse(keys.vaultId)).filter((pack) => !seen.has(pack))
  const read: IndexedPack[] = []
  const unreadable: Rebuilt['unreadable'] = []
  let bytesRead = 0
  for (const [i, pack] of unknown.entries()) {
    try {
      const bytes = await readPack(parts, pack)
      bytesRead += bytes.length
      read.push(readDirectory(parts, pack, bytes))
    } catch (error) {
      if (!isPackTrouble(error)) throw error
      unreadable.push({ pack, message: error.message })
    }
    onProgress({ phase: 'packs', files: i + 1, filesTotal: unknown.length, bytes: bytesRead, bytesTotal: 0 })
  }
  return { read, unreadable }
}

const readPack = async ({ remote, keys }: LogParts, pack: PackId): Promise<Uint8Array> => {
  const length = await remote.packLength(keys.vaultId, pack)
  demand(length !== null, 'log.rebuild', 'missing', `the server has lost pack ${pack}`)
  demand(length <= packBytesMax, 'log.rebuild', 'corrupt', `pack ${pack} of ${length} bytes is longer than packs are`)
  return remote.getPack(keys.vaultId, pack, 0, length)
}
