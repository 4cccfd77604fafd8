/**
 * A small proof for every day: a few packs, which chance decides, are read whole and every byte is checked, so that a
 * server that loses data is found out in time without reading everything. Packs that failed before are read again first:
 * no luck of a later sample makes them forgotten.
 */
import type { PackId } from '@anysync/protocol/ids.ts'
import { proofShare } from '@anysync/protocol/limits.ts'
import { packLengthOf } from '../content/pack.ts'
import { fractionOf } from '../fraction.ts'
import type { Chance } from '../ports.ts'
import { isPackTrouble, packsInUse } from './stored-packs.ts'
import { verifyPack, type VerifyParts } from './verify.ts'

export type FailedPack = { pack: PackId; message: string }

export type SampleParts = Omit<VerifyParts, 'share' | 'suspects' | 'onProgress'> & {
  /** At most so much is read, but at least one pack that is wanted. */
  bytesMax: number
  /** What the proof before found. */
  failedBefore: readonly FailedPack[]
  /** Between two packs. */
  signal: AbortSignal
}

export type SampleReport = {
  /** Of the record up to which the log was followed; 0 for an empty vault. */
  sequence: number
  packs: number
  packsRead: number
  bytesRead: number
  failed: FailedPack[]
}

/** Throws what keeps it from asking the server; what the server answers wrongly is told. */
export const proveSample = async (parts: SampleParts): Promise<SampleReport> => {
  const { vault, state, chance, bytesMax, failedBefore, signal } = parts
  await vault.refresh()
  const ids = packsInUse(state, vault.id)
  const inUse = new Set(ids)
  const again = failedBefore.filter(({ pack }) => inUse.has(pack))
  const report: SampleReport = {
    sequence: vault.head()?.sequence ?? 0,
    packs: ids.length,
    packsRead: 0,
    bytesRead: 0,
    failed: [],
  }
  const wanted = new Set([...again.map(({ pack }) => pack), ...pickSome(ids, chance)])
  for (const id of wanted) {
    signal.throwIfAborted()
    const pack = state.pack(vault.id, id)
    if (pack?.directory === undefined) continue
    if (report.packsRead > 0 && report.bytesRead + packLengthOf(pack.directory) > bytesMax) {
      // What failed once and is not looked at now is as it was.
      report.failed.push(...again.filter((failed) => failed.pack === id))
      continue
    }
    report.packsRead += 1
    try {
      report.bytesRead += await verifyPack(parts, id, pack, true)
    } catch (error) {
      if (!isPackTrouble(error)) throw error
      report.failed.push({ pack: id, message: error.message })
    }
  }
  if (report.failed.length === 0) return report
  // Another device may have retired a pack meanwhile, and then nobody misses it.
  signal.throwIfAborted()
  await vault.refresh()
  const stillInUse = new Set(packsInUse(state, vault.id))
  return { ...report, failed: report.failed.filter(({ pack }) => stillInUse.has(pack)) }
}

/** A hundredth of them, at least one, each as likely as any other. */
const pickSome = (ids: readonly PackId[], chance: Chance): PackId[] => {
  const left = [...ids]
  const picked: PackId[] = []
  for (let count = Math.ceil(ids.length * proofShare); count > 0; count--) {
    const [pack] = left.splice(Math.floor(fractionOf(chance) * left.length), 1)
    if (pack !== undefined) picked.push(pack)
  }
  return picked
}
