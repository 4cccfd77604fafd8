/**
 * When the server shows an older or another history than this device has seen: it was put back to an earlier copy, or
 * it tries something. Finds the newest record that both have, verifies what the server has after it, and only then lets
 * go of the rest, at once or not at all. What the server lost can then be stored again, for every device still has it
 * on its disk. Nothing here changes a file. [Note: a server that went back]
 */
import type { IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { packIdFromBytes, recordHashFromBytes, type PackId } from '@anysync/protocol/ids.ts'
import { existingPacksMax } from '@anysync/protocol/limits.ts'
import type { LogHead } from '../ports.ts'
import { deviceHeadsFact, noteRecord, serializeDeviceHeads, type DeviceHeads } from './device-heads.ts'
import type { LogParts } from './log.ts'
import { packsOfBody } from './pack-index.ts'
import { openRecord, readRecord } from './record.ts'

export type Rewound = {
  /** The newest record that this device and the server both have; 0 for none. */
  sequence: number
  /** How many records this device had seen that the server does not have. */
  lostRecords: number
}

/** The fact, by vault, that counts how often it was rewound, with the lowest sequence that it was rewound to since the first. */
export const rewindsFact = 'rewinds'

export type Rewinds = { count: number; sequence: number }

/** Null when the vault never was. */
export const parseRewinds = (fact: string | null): Rewinds | null => {
  if (fact === null) return null
  const [count = 0, sequence = 0] = fact.split(' ').map(Number)
  return { count, sequence }
}

/** Goes back to what both have, and takes over what the server has after it. `corrupt` when that does not verify: then nothing was changed. */
export const rewindLog = async (parts: LogParts): Promise<Rewound> => {
  const { state, remote, keys } = parts
  const { vaultId } = keys
  const seen = state.head(vaultId)?.sequence ?? 0
  const sequence = await newestCommon(parts, seen)

  const heads: DeviceHeads = new Map()
  const packs: IndexedPack[] = []
  let previous: LogHead | null = null
  for (const kept of state.records(vaultId, 1, sequence)) {
    const record = readRecord(parts, kept.record)
    noteRecord(heads, record)
    packs.push(...(await packsOfBody(parts, record.body)))
    previous = record.head
  }
  const added: { head: LogHead; bytes: Uint8Array }[] = []
  for await (const bytes of remote.recordsSince(vaultId, sequence)) {
    const record = openRecord(parts, previous, bytes)
    noteRecord(heads, record)
    packs.push(...(await packsOfBody(parts, record.body)))
    added.push({ head: record.head, bytes })
    previous = record.head
  }
  const stored = await storedOnServer(parts, packs)

  state.transact(() => {
    state.removeRecordsAfter(vaultId, sequence)
    for (const { head, bytes } of added) state.putRecord(vaultId, head.sequence, head.hash, bytes)
    for (const pack of state.packIds(vaultId)) state.removePack(vaultId, pack)
    for (const pack of stored) state.putPack(vaultId, pack, false)
    state.putFact(vaultId, deviceHeadsFact, serializeDeviceHeads(heads))
    const before = parseRewinds(state.fact(vaultId, rewindsFact))
    const lowest = Math.min(sequence, before?.sequence ?? sequence)
    state.putFact(vaultId, rewindsFact, `${(before?.count ?? 0) + 1} ${lowest}`)
  })
  return { sequence, lostRecords: seen - sequence }
}

/** Looks back in growing strides until a record is found that both have. */
const newestCommon = async (parts: LogParts, seen: number): Promise<number> => {
  for (let back = 1; ; back *= 8) {
    const from = Math.max(0, seen - back)
    const common = await commonFrom(parts, from, seen)
    if (common > from || from === 0) return common
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

/** The packs that the server has: it may have lost some that its log names. */
const storedOnServer = async ({ remote, keys }: LogParts, packs: IndexedPack[]): Promise<IndexedPack[]> => {
  const stored: IndexedPack[] = []
  for (let start = 0; start < packs.length; start += existingPacksMax) {
    const page = packs.slice(start, start + existingPacksMax)
    const existing = await remote.existingPacks(keys.vaultId, page.map(packIdOf))
    stored.push(...page.filter((pack) => existing.has(packIdOf(pack))))
  }
  return stored
}

const packIdOf = ({ pack }: IndexedPack): PackId => packIdFromBytes(pack)
