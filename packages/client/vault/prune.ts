/**
 * Frees what no kept snapshot needs. Marks from every kept snapshot, copies what is needed out of packs that are mostly
 * not, and says in the log which packs are retired. The log settles every race: a device that was about to use a chunk of
 * a retired pack loses, and stores it again; a prune that was overtaken by a snapshot marks that one too. It may be
 * interrupted anywhere: what was copied and not yet named is named by a later record.
 */
import { create } from '@bufbuild/protobuf'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { RetireBodySchema, type IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, type ChunkId, type PackId } from '@anysync/protocol/ids.ts'
import { checkpointRecordsMin, pruneBytesMax, prunePacksMax } from '@anysync/protocol/limits.ts'
import { segmentsEnd } from '../content/places.ts'
import type { ProgressOf } from '../progress.ts'
import { anew } from './anew.ts'
import { checkpointPacks, writeCheckpoint } from './checkpoint.ts'
import { createMarks, type Marks } from './mark.ts'
import { packsForBody } from './pack-index.ts'
import { fateOf, useOf, type Fate, type LiveChunk, type PackUse } from './prune-plan.ts'
import { createIndexWriter, rewriteChunks, type StoreParts } from './rewrite.ts'
import { packsInUse } from './stored-packs.ts'
import type { SnapshotInfo, Vault } from './vault-types.ts'

export type PruneParts = StoreParts & {
  vault: Vault
  isDryRun?: boolean
  onProgress?: (step: PruneProgress) => void
}

export type PruneProgress = ProgressOf<'mark' | 'prune'>

export type PruneReport = {
  snapshots: number
  chunksLive: number
  packs: Record<Fate, number>
  /** Of packs that are or would be retired, without padding; and of what is copied out of them. */
  bytesRetired: number
  bytesCopied: number
  checkpoint: number | null
}

/** Packs that one record retires, and what of them is needed. */
type Batch = { packs: PackId[]; live: LiveChunk[]; bytes: number; fates: Fate[] }

/** Throws `conflict` when other devices keep changing the vault; what was retired before stays retired. */
export const prune = async (parts: PruneParts): Promise<PruneReport> => {
  const { vault, state, onProgress = () => undefined } = parts
  await vault.refresh()
  const marks = createMarks(parts)
  const marked = new Set<SnapshotInfo['hash']>()
  const markKept = async (): Promise<void> => {
    const kept = vault.snapshots()
    for (const { hash, root } of kept) {
      if (!marked.has(hash)) await marks.mark(root)
      marked.add(hash)
      const counts = { files: marked.size, filesTotal: kept.length }
      onProgress({ phase: 'mark', ...counts, bytes: 0, bytesTotal: 0 })
    }
  }
  await markKept()
  const checkpoints = checkpointPacks(parts)
  const report: PruneReport = {
    snapshots: marked.size,
    chunksLive: marks.chunks(),
    packs: { keep: 0, retire: 0, rewrite: 0 },
    bytesRetired: 0,
    bytesCopied: 0,
    checkpoint: null,
  }
  for (const batch of planBatches(parts, marks, report, checkpoints.superseded)) {
    const done = parts.isDryRun === true ? batch : await retire(parts, batch, marks, markKept)
    for (const fate of done.fates) report.packs[fate] += 1
    report.bytesRetired += done.bytes
    report.bytesCopied += done.live.reduce((sum, { length }) => sum + length, 0)
    const packs = { files: report.packs.retire + report.packs.rewrite, filesTotal: 0 }
    onProgress({ phase: 'prune', ...packs, bytes: report.bytesRetired, bytesTotal: 0 })
  }
  if (parts.isDryRun !== true && isCheckpointDue(parts, report, checkpoints.newest)) {
    report.checkpoint = (await writeCheckpoint(parts)).sequence
    await retireSuperseded(parts)
  }
  report.packs.keep = state.packIds(parts.keys.vaultId).length
  return report
}

/** Goes through the packs in use, one at a time, and gathers those that are to go. */
function* planBatches(
  parts: PruneParts,
  marks: Marks,
  report: PruneReport,
  superseded: ReadonlySet<PackId>,
): Generator<Batch, void, void> {
  const { state, keys } = parts
  let batch: Batch = emptyBatch()
  // What is on its way is needed soon.
  for (const id of packsInUse(state, keys.vaultId)) {
    const pack = state.pack(keys.vaultId, id)
    if (pack === null) continue
    const use = useIn(parts, marks, id, pack)
    const fate = fateOf(use, superseded.has(id))
    if (fate === 'keep') continue
    if (batch.packs.length >= prunePacksMax || liveBytesOf(batch) + use.liveBytes > pruneBytesMax) {
      yield batch
      batch = emptyBatch()
    }
    batch.packs.push(id)
    batch.fates.push(fate)
    batch.live.push(...use.live)
    batch.bytes += pack.directory === undefined ? 0 : segmentsEnd(pack.directory)
  }
  if (batch.packs.length > 0) yield batch
  report.chunksLive = marks.chunks()
}

const emptyBatch = (): Batch => ({ packs: [], live: [], bytes: 0, fates: [] })
const liveBytesOf = ({ live }: Batch): number => live.reduce((sum, { length }) => sum + length, 0)

/** A chunk that lies in several packs is needed in the one that it is read from. */
const useIn = ({ state, keys }: PruneParts, marks: Marks, id: PackId, pack: IndexedPack): PackUse =>
  useOf(pack, (chunk: ChunkId) => marks.isLive(chunk) && state.findChunk(keys.vaultId, chunk)?.pack === id)

/** Copies what is needed of a batch and retires it; what a snapshot that came meanwhile needs is left out. */
const retire = async (parts: PruneParts, batch: Batch, marks: Marks, markKept: () => Promise<void>): Promise<Batch> => {
  const { vault, state, keys } = parts
  const copies = await rewriteChunks(parts, batch.live)
  const copied = new Set(batch.live.map(({ id }) => id))
  const { packs, indexPacks } = await packsForBody(copies, createIndexWriter(parts))
  let left = batch
  const append = async (): Promise<Batch> => {
    if (left.packs.length === 0) return left
    const retired = left.packs.toSorted().map(idToBytes)
    const body = create(RetireBodySchema, { retired, packs, indexPacks })
    await vault.append(body, { brought: [...copies, ...indexPacks], retired: left.packs })
    return left
  }
  return anew(vault, append, async () => {
    await markKept()
    left = withoutNeeded(left, (id) => {
      const pack = state.pack(keys.vaultId, id)
      // Another device retired it.
      if (pack === null) return true
      return useIn(parts, marks, id, pack).live.some((chunk) => !copied.has(chunk.id))
    })
  })
}

const withoutNeeded = (batch: Batch, isNeeded: (id: PackId) => boolean): Batch => {
  const stays = batch.packs.map((id) => !isNeeded(id))
  return {
    ...batch,
    packs: batch.packs.filter((_, i) => stays[i]),
    fates: batch.fates.filter((_, i) => stays[i]),
  }
}

/** `newest`: the sequence of the newest checkpoint; null when there is none. */
const isCheckpointDue = (parts: PruneParts, { packs }: PruneReport, newest: number | null): boolean => {
  if (packs.retire + packs.rewrite > 0) return true
  return (parts.vault.head()?.sequence ?? 0) - (newest ?? 0) >= checkpointRecordsMin
}

/** The index of the checkpoint before is needed no more. */
const retireSuperseded = async ({ vault, ...parts }: PruneParts): Promise<void> => {
  const retired = [...checkpointPacks(parts).superseded]
    .filter((id) => parts.state.pack(parts.keys.vaultId, id) !== null)
    .slice(0, prunePacksMax)
    .toSorted()
  if (retired.length === 0) return
  try {
    await vault.append(create(RetireBodySchema, { retired: retired.map(idToBytes) }), { brought: [], retired })
  } catch (error) {
    // The next prune finds them as well.
    if (!isTrouble(error, 'conflict')) throw error
  }
}
