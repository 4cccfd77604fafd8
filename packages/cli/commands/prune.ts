/**
 * `anysync prune`: frees what no kept snapshot needs. The server keeps it for its hold time.
 */
import { prune } from '@anysync/client/vault/prune.ts'
import { openHistory, type HistoryOptions } from '../history.ts'
import { keepingParts } from '../keeping.ts'
import { createOutput } from '../output/print.ts'
import { createProgress } from '../output/progress.ts'
import { counted, formatBytes, shown } from '../output/words.ts'

export type PruneOptions = HistoryOptions & { dryRun?: boolean }

export const pruneVault = async (typed: string | undefined, options: PruneOptions): Promise<void> => {
  const output = createOutput(options)
  await using history = await openHistory(typed, options)
  using progress = createProgress(options)
  const isDryRun = options.dryRun === true
  const report = await prune({ ...keepingParts(history), isDryRun, onProgress: (step) => progress.report(step) })
  progress[Symbol.dispose]()
  output.tell({ vault: history.vault.name, isDryRun, ...report })
  const { packs, bytesRetired, bytesCopied, snapshots } = report
  const would = isDryRun ? 'would retire' : 'retired'
  const retired = `${would} ${counted(packs.retire, 'pack')} and rewrite ${packs.rewrite}`
  output.say(`${shown(history.vault.name)}: ${counted(snapshots, 'snapshot')} kept; ${retired}`)
  output.say(`${isDryRun ? 'would free' : 'frees'} ${formatBytes(Math.max(0, bytesRetired - bytesCopied))}`)
  if (!isDryRun && packs.retire + packs.rewrite > 0)
    output.note('the server deletes it after its hold time; until then `anysync rescue` gets it back')
}
