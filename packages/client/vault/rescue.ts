/**
 * Gets back what was forgotten and retired, for as long as the server holds it: reads the whole log, puts the retired
 * packs that are still there into use again, and then keeps again each wanted snapshot that proves to be whole. Packs in
 * use that the server was told to retire behind the log's back are brought again, too.
 */
import { create } from '@bufbuild/protobuf'
import { demand, isTrouble } from '@anysync/protocol/errors.ts'
import { RescueBodySchema, type IndexedPack, type KeptSnapshot } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { packIdFromBytes, type PackId } from '@anysync/protocol/ids.ts'
import { prunePacksMax, rescueSnapshotsMax } from '@anysync/protocol/limits.ts'
import type { LogHead } from '../ports.ts'
import { anew } from './anew.ts'
import { infoOf, keptOf, snapshotOf } from './kept-snapshot.ts'
import { packsForBody } from './pack-index.ts'
import { openRecord, type OpenedRecord } from './record.ts'
import { packEffects } from './replay.ts'
import { createIndexWriter, type StoreParts } from './rewrite.ts'
import { doomedPacks, storedOnServer } from './stored-packs.ts'
import type { SnapshotInfo, Vault } from './vault-types.ts'
import { areWhole, checkPresence } from './presence.ts'

export type RescueParts = StoreParts & { vault: Vault; identityPublicKey: Uint8Array; isDryRun?: boolean }

export type RescueReport = {
  /** Packs in use again, or that would be. */
  packs: number
  /** Kept again. */
  rescued: SnapshotInfo[]
  /** Wanted, but the server has deleted something that they need. */
  lost: SnapshotInfo[]
}

/** Rescues the forgotten snapshots that are wanted. In a dry run, those that are wanted are told and nothing is changed. */
export const rescue = async (
  parts: RescueParts,
  isWanted: (snapshot: SnapshotInfo) => boolean,
): Promise<RescueReport> => {
  const { vault } = parts
  await vault.refresh()
  const kept = new Set(vault.snapshots().map(({ hash }) => hash))
  const { snapshots, retired } = await readPast(parts)
  const wanted = snapshots.filter((snapshot) => !kept.has(snapshot.hash) && isWanted(snapshot))
  // A record may have retired what kept snapshots need: no client writes such, whoever stole a device may.
  const isLacking = wanted.length > 0 || (retired.size > 0 && !(await areWhole(parts, vault.snapshots())))
  const stored = isLacking ? await storedOnServer(parts, await directoriesOf(parts, retired)) : []
  stored.push(...(await doomedPacks(parts)))
  if (parts.isDryRun === true) return { packs: stored.length, rescued: wanted, lost: [] }
  for (let start = 0; start < stored.length; start += prunePacksMax)
    await bringBack(parts, stored.slice(start, start + prunePacksMax))
  const rescued: SnapshotInfo[] = []
  const lost: SnapshotInfo[] = []
  const check = checkPresence(parts)
  for (const snapshot of wanted) ((await check(snapshot.root)) === null ? rescued : lost).push(snapshot)
  // A record holds one MiB: a fraction of what it may name is safe, whatever the devices are called.
  const page = rescueSnapshotsMax / 4
  for (let start = 0; start < rescued.length; start += page) {
    const body = create(RescueBodySchema, { snapshots: rescued.slice(start, start + page).map(keptAnew) })
    await anew(vault, () => vault.append(body, { brought: [], retired: [] }))
  }
  return { packs: stored.length, rescued, lost }
}

/** Which snapshot is kept before it is not known until the record is in the log. */
const keptAnew = (snapshot: SnapshotInfo): KeptSnapshot => keptOf({ ...snapshot, touched: null })

/** The records of the whole log, verified link by link, also where this device began with a checkpoint. */
async function* readLog(parts: RescueParts): AsyncGenerator<OpenedRecord, void, void> {
  const { keys, state, remote } = parts
  const head = state.head(keys.vaultId)
  // What others append from now on is none of the past.
  if (head === null) return
  let previous: LogHead | null = null
  for await (const bytes of remote.recordsSince(keys.vaultId, 0)) {
    const record = openRecord(parts, previous, bytes)
    previous = record.head
    yield record
    if (record.head.sequence === head.sequence) break
  }
  const isSame = previous?.hash === head.hash
  demand(isSame, 'vault.rescue', 'corrupt', `the server shows another log of vault ${keys.vaultId} than before`)
}

/** Every snapshot that ever was, oldest first, and the packs that are retired now. */
const readPast = async (parts: RescueParts): Promise<{ snapshots: SnapshotInfo[]; retired: Set<PackId> }> => {
  const bySequence = new Map<number, SnapshotInfo>()
  const retired = new Set<PackId>()
  for await (const { body, ...record } of readLog(parts)) {
    if (body.$typeName === 'anysync.v1.SnapshotBody')
      bySequence.set(record.head.sequence, snapshotOf({ ...record, body }))
    else if (body.$typeName === 'anysync.v1.RescueBody')
      for (const snapshot of body.snapshots.map(infoOf)) bySequence.set(snapshot.sequence, snapshot)
    else if (body.$typeName === 'anysync.v1.TagBody') {
      const { label, isPinned } = body
      const tagged = bySequence.get(Number(body.sequence))
      if (tagged !== undefined) bySequence.set(tagged.sequence, { ...tagged, label, isPinned })
    } else if (body.$typeName === 'anysync.v1.RetireBody')
      for (const pack of body.retired) retired.add(packIdFromBytes(pack))
  }
  const inUse = new Set(parts.state.packIds(parts.keys.vaultId))
  return { snapshots: [...bySequence.values()], retired: retired.difference(inUse) }
}

/** What these packs hold, from the records that brought them. Indexes that are gone as well are passed over. */
const directoriesOf = async (parts: RescueParts, wanted: Set<PackId>): Promise<IndexedPack[]> => {
  const found = new Map<PackId, IndexedPack>()
  const fetch = (pack: PackId, offset: number, length: number): Promise<Uint8Array> =>
    parts.remote.getPack(parts.keys.vaultId, pack, offset, length)
  for await (const { body } of readLog(parts)) {
    if (wanted.size === found.size) continue
    try {
      const { brought } = await packEffects({ ...parts, fetch }, body)
      for (const pack of brought) {
        const id = packIdFromBytes(pack.pack)
        if (wanted.has(id)) found.set(id, pack)
      }
    } catch (error) {
      if (!isTrouble(error, 'missing')) throw error
    }
  }
  return [...found.values()]
}

const bringBack = async (parts: RescueParts, found: IndexedPack[]): Promise<void> => {
  const { packs, indexPacks } = await packsForBody(found, createIndexWriter(parts))
  const body = create(RescueBodySchema, { packs, indexPacks })
  // True after any other record, so it is said again when another was faster.
  await anew(parts.vault, () => parts.vault.append(body, { brought: [...found, ...indexPacks], retired: [] }))
}
