/**
 * `anysync verify`: proves that a vault is whole, and with `--repair` stores again what the server has lost.
 */
import { repair, type RepairReport } from '@anysync/client/sync/repair.ts'
import { verify, type VerifyReport } from '@anysync/client/vault/verify.ts'
import { openHistory, type HistoryOptions, type OpenedHistory } from '../history.ts'
import { keepingParts } from '../keeping.ts'
import { exitCodes, UsageError, type ExitCode } from '../output/fail.ts'
import { createOutput } from '../output/print.ts'
import { createProgress } from '../output/progress.ts'
import { counted, formatBytes, isoTime, shown } from '../output/words.ts'
import { nodeClock } from '../ports/clock.ts'
import { openNodeDisk } from '../ports/disk.ts'
import { noteProven } from '../proven.ts'
import { failedOf } from '../sampled.ts'

export type VerifyOptions = HistoryOptions & { data?: string; repair?: boolean }

export const verifyVault = async (typed: string | undefined, options: VerifyOptions): Promise<ExitCode> => {
  const output = createOutput(options)
  const share = parseShare(options.data)
  await using history = await openHistory(typed, options)
  using progress = createProgress(options)
  const { vault, session } = history
  const suspects = new Set(failedOf(session.state, vault.id).map(({ pack }) => pack))
  const report = await verify({
    ...keepingParts(history),
    share,
    suspects,
    onProgress: (step) => progress.report(step),
  })
  const isWhole = report.troubles.length === 0
  const repaired = options.repair === true && report.lost.length > 0 ? await repairFrom(history, report) : null
  progress[Symbol.dispose]()
  const timeNs = nodeClock.nowNs()
  if (isWhole) noteProven(session.state, vault.id, { timeNs, share })
  output.tell({ vault: vault.name, time: isoTime(timeNs), isWhole, ...report, repaired })
  for (const { what, id, message } of report.troubles) output.say(`${what} ${id}: ${message}`)
  const read = report.packsRead === 0 ? 'none read' : `${report.packsRead} read, ${formatBytes(report.bytesRead)}`
  const amounts = `${counted(report.records, 'record')}, ${counted(report.snapshots, 'snapshot')}, ${counted(report.packs, 'pack')} (${read})`
  output.say(`${shown(vault.name)}: ${isWhole ? 'whole' : 'NOT whole'}: ${amounts}`)
  if (repaired !== null) {
    output.say(
      `stored ${counted(repaired.chunksStored, 'chunk')} again, ${repaired.chunksMissing} are not on this device`,
    )
    return repaired.chunksMissing === 0 ? exitCodes.done : exitCodes.failed
  }
  if (report.lost.length > 0) output.note('`anysync verify --repair` stores again what this device still has')
  return isWhole ? exitCodes.done : exitCodes.failed
}

const repairFrom = async (history: OpenedHistory, { lost }: VerifyReport): Promise<RepairReport> => {
  const links = history.session.state.links().filter(({ vaultId }) => vaultId === history.vault.id)
  const folders = await Promise.all(links.map(async (link) => ({ link, disk: await openNodeDisk(link.root) })))
  return repair({ ...keepingParts(history), clock: nodeClock, folders }, lost)
}

/** 'all' or '5%' as a share of one. */
const parseShare = (text: string | undefined): number => {
  if (text === undefined) return 0
  if (text === 'all') return 1
  const [, percent] = /^(\d{1,2}(?:\.\d{1,3})?|100)%$/.exec(text) ?? []
  if (percent === undefined) throw new UsageError(`--data is all, or a share such as 5%`)
  return Number(percent) / 100
}
