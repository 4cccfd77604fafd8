/**
 * `anysync rescue`: keeps forgotten snapshots again, as far as the server still has what they need.
 */
import { rescue } from '@anysync/client/vault/rescue.ts'
import type { SnapshotInfo } from '@anysync/client/vault/vault-types.ts'
import { openHistory, snapshotDocument, type HistoryOptions } from '../history.ts'
import { keepingParts } from '../keeping.ts'
import { exitCodes, UsageError, type ExitCode } from '../output/fail.ts'
import { createOutput, table } from '../output/print.ts'
import { counted, localTime, shown } from '../output/words.ts'

export type RescueOptions = HistoryOptions & { folder?: string; dryRun?: boolean }

export const rescueSnapshots = async (sequences: string[], options: RescueOptions): Promise<ExitCode> => {
  const output = createOutput(options)
  const wanted = new Set(sequences.map(parseSequence))
  await using history = await openHistory(options.folder, options)
  const isDryRun = options.dryRun === true
  const isWanted = ({ sequence }: SnapshotInfo): boolean => wanted.size === 0 || wanted.has(sequence)
  const { packs, rescued, lost } = await rescue({ ...keepingParts(history), isDryRun }, isWanted)
  const documents = { rescued: rescued.map(snapshotDocument), lost: lost.map(snapshotDocument) }
  output.tell({ vault: history.vault.name, isDryRun, packs, ...documents })
  const rows = [
    ...rescued.map(row(isDryRun ? 'was forgotten' : 'kept again')),
    ...lost.map(row('lost: the server deleted what it needs')),
  ]
  for (const line of table(rows)) output.say(line)
  const verb = isDryRun ? 'may be rescued' : 'rescued'
  output.say(`${counted(rescued.length, 'snapshot')} ${verb}`)
  return lost.length === 0 ? exitCodes.done : exitCodes.failed
}

const row =
  (fate: string) =>
  ({ sequence, timeNs, deviceName }: SnapshotInfo): string[] => [
    String(sequence),
    localTime(timeNs),
    shown(deviceName),
    fate,
  ]

const parseSequence = (text: string): number => {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new UsageError(`'${text}' is no number of a snapshot: see which there are with --dry-run`)
}
