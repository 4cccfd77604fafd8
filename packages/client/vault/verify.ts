/**
 * Proves that a vault is whole: its log link by link, every tree of every kept snapshot, the presence and size of every
 * pack in use, and as many packs as wanted byte by byte. Goes on after trouble, so that all of it is told at once.
 */
import { toBinary } from '@bufbuild/protobuf'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { PackDirectorySchema, type IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { toHex, type ChunkId, type PackId } from '@anysync/protocol/ids.ts'
import { fetchesMax } from '@anysync/protocol/limits.ts'
import { packLengthOf, readDirectory } from '../content/pack.ts'
import { placesOf } from '../content/places.ts'
import { openChunk, openSegment } from '../content/segment.ts'
import { equalBytes } from '../crypto/bytes.ts'
import { fractionOf } from '../fraction.ts'
import type { ChunkPlace } from '../ports.ts'
import type { ProgressOf } from '../progress.ts'
import { checkPresence } from './presence.ts'
import { openRecord, type Before } from './record.ts'
import { doomedPacks, isPackTrouble, packsInUse } from './stored-packs.ts'
import type { StoreParts } from './rewrite.ts'
import type { Vault } from './vault-types.ts'

export type VerifyParts = StoreParts & {
  vault: Vault
  identityPublicKey: Uint8Array
  /** Of the packs, how many are read whole: 0 to 1. Which, chance decides. */
  share: number
  /** Packs that are read whole in any case. */
  suspects?: ReadonlySet<PackId>
  onProgress?: (step: VerifyProgress) => void
}

export type PackParts = Pick<VerifyParts, 'cipher' | 'keys' | 'remote'>

export type VerifyProgress = ProgressOf<'trees' | 'packs'>

export type VerifyTrouble = { what: 'record' | 'snapshot' | 'pack'; id: string; message: string }

export type VerifyReport = {
  records: number
  snapshots: number
  packs: number
  packsRead: number
  bytesRead: number
  /** Packs that the server does not have as they were stored. */
  lost: PackId[]
  troubles: VerifyTrouble[]
}

export const verify = async (parts: VerifyParts): Promise<VerifyReport> => {
  const { vault } = parts
  await vault.refresh()
  const troubles: VerifyTrouble[] = []
  const report: VerifyReport = { records: 0, snapshots: 0, packs: 0, packsRead: 0, bytesRead: 0, lost: [], troubles }
  report.records = verifyLog(parts, troubles)
  const check = checkPresence(parts)
  const snapshots = vault.snapshots()
  for (const { sequence, root } of snapshots) {
    const why = await check(root)
    if (why !== null) troubles.push({ what: 'snapshot', id: String(sequence), message: why })
    report.snapshots += 1
    const counts = { files: report.snapshots, filesTotal: snapshots.length }
    parts.onProgress?.({ phase: 'trees', ...counts, bytes: 0, bytesTotal: 0 })
  }
  await verifyPacks(parts, report)
  for (const { pack } of await doomedPacks(parts)) troubles.push({ what: 'pack', id: toHex(pack), message: doomed })
  return report
}

const doomed =
  'the server was told to delete it after the hold time, though the log has it in use: `anysync rescue` takes that ' +
  'back. Somebody did that with the keys of a device: revoke those you do not know'

/** How many records hold. */
const verifyLog = (parts: VerifyParts, troubles: VerifyTrouble[]): number => {
  const { state, keys } = parts
  let previous: Before = null
  let count = 0
  for (const { sequence, record } of state.records(keys.vaultId, 1, Number.MAX_SAFE_INTEGER)) {
    if (count === 0 && sequence > 1) previous = 'unknown'
    try {
      previous = openRecord(parts, previous, record).head
      count += 1
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      troubles.push({ what: 'record', id: String(sequence), message: error.message })
      return count
    }
  }
  return count
}

/** A few at a time. */
const verifyPacks = async (parts: VerifyParts, report: VerifyReport): Promise<void> => {
  const { state, keys, chance, share, suspects } = parts
  const ids = packsInUse(state, keys.vaultId)
  const left = ids.values()
  const work = async (): Promise<void> => {
    for (const id of left) {
      const pack = state.pack(keys.vaultId, id)
      if (pack === null) continue
      try {
        const isRead = share >= 1 || suspects?.has(id) === true || fractionOf(chance) < share
        const bytesRead = await verifyPack(parts, id, pack, isRead)
        report.bytesRead += bytesRead
        if (isRead) report.packsRead += 1
      } catch (error) {
        if (!isPackTrouble(error)) throw error
        report.lost.push(id)
        report.troubles.push({ what: 'pack', id, message: error.message })
      }
      report.packs += 1
      const counts = { files: report.packs, filesTotal: ids.length, bytes: report.bytesRead, bytesTotal: 0 }
      parts.onProgress?.({ phase: 'packs', ...counts })
    }
  }
  await Promise.all(Array.from({ length: fetchesMax }, work))
}

/** How many bytes were read. Throws `corrupt` or `missing` unless the server has the pack as it was stored. */
export const verifyPack = async (parts: PackParts, id: PackId, pack: IndexedPack, isRead: boolean): Promise<number> => {
  const { remote, keys } = parts
  const { directory } = pack
  demand(directory !== undefined, 'vault.verify', 'corrupt', `the index knows nothing of pack ${id}`)
  const length = await remote.packLength(keys.vaultId, id)
  demand(length !== null, 'vault.verify', 'missing', `the server has lost pack ${id}`)
  const wanted = packLengthOf(directory)
  demand(length === wanted, 'vault.verify', 'corrupt', `pack ${id} is ${length} bytes, it was ${wanted}`)
  if (!isRead) return 0
  const bytes = await remote.getPack(keys.vaultId, id, 0, length)
  const found = readDirectory(parts, id, bytes).directory ?? directory
  const isSame = equalBytes(toBinary(PackDirectorySchema, found), toBinary(PackDirectorySchema, directory))
  demand(isSame, 'vault.verify', 'corrupt', `pack ${id} holds something else than the log says`)
  openAll(parts, pack, bytes)
  return length
}

/** Opens every segment and checks the id of every chunk. */
const openAll = (parts: PackParts, pack: IndexedPack, bytes: Uint8Array): void => {
  let opened: { place: ChunkPlace; plaintext: Uint8Array } | null = null
  for (const { id, place } of placesOf(pack)) {
    if (opened?.place.segmentOffset !== place.segmentOffset)
      opened = { place, plaintext: open(parts, place, bytes, id) }
    openChunk(parts.keys, place, opened.plaintext, id)
  }
}

const open = (parts: PackParts, place: ChunkPlace, bytes: Uint8Array, id: ChunkId): Uint8Array =>
  openSegment(parts, place, bytes.subarray(place.segmentOffset, place.segmentOffset + place.sealedLength), id)
