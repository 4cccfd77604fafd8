/**
 * `anysync tag`: gives a snapshot a name, or pins it so that no rule forgets it.
 */
import { tag } from '@anysync/client/vault/forget.ts'
import { snapshotLabelBytesMax } from '@anysync/protocol/limits.ts'
import { openHistory, snapshotAt, snapshotDocument, type HistoryOptions } from '../history.ts'
import { UsageError } from '../output/fail.ts'
import { createOutput } from '../output/print.ts'
import { localTime, shown } from '../output/words.ts'

export type TagOptions = HistoryOptions & { folder?: string; pin?: boolean; unpin?: boolean }

export const tagSnapshot = async (when: string, label: string | undefined, options: TagOptions): Promise<void> => {
  if (options.pin === true && options.unpin === true) throw new UsageError('--pin and --unpin exclude each other')
  const isPinned = options.pin === true ? true : options.unpin === true ? false : undefined
  if (label === undefined && isPinned === undefined) throw new UsageError('give a label, --pin or --unpin')
  if (label !== undefined && Buffer.byteLength(label) > snapshotLabelBytesMax)
    throw new UsageError(`a label has at most ${snapshotLabelBytesMax} bytes`)
  const output = createOutput(options)
  await using history = await openHistory(options.folder, options)
  const { sequence } = snapshotAt(history, when)
  const wanted = { ...(label === undefined ? {} : { label }), ...(isPinned === undefined ? {} : { isPinned }) }
  const tagged = await tag(history.vault, sequence, wanted)
  output.tell({ vault: history.vault.name, snapshot: snapshotDocument(tagged) })
  const name = tagged.label === '' ? 'without a label' : `'${shown(tagged.label)}'`
  const pin = tagged.isPinned ? ', pinned: no rule forgets it' : ''
  output.say(`snapshot ${sequence} of ${localTime(tagged.timeNs)} is ${name}${pin}`)
}
