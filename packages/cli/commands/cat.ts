/**
 * `anysync cat`: a file's bytes as they were, on standard output, each piece verified before it is written.
 */
import { once } from 'node:events'
import { NodeKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { SyncError } from '@anysync/protocol/errors.ts'
import { findThen, openHistory, type HistoryOptions } from '../history.ts'
import { UsageError } from '../output/fail.ts'
import { shown } from '../output/words.ts'

export type CatOptions = HistoryOptions & { at?: string }

export const cat = async (typed: string, options: CatOptions): Promise<void> => {
  if (options.json === true) throw new UsageError('cat writes the bytes of a file, which are no JSON: leave --json out')
  await using history = await openHistory(typed, options)
  const { snapshot, found } = await findThen(history, options.at)
  const { kind, content } = found.node
  if (kind !== NodeKind.FILE || content === undefined) {
    const message = `'${shown(history.path)}' is no file in snapshot ${snapshot.sequence}: look at it with \`anysync ls\``
    throw new SyncError('history.cat', 'invalid', message)
  }
  let broken: Error | null = null
  process.stdout.once('error', (error) => (broken = error))
  for await (const bytes of history.vault.stream(content)) {
    // Whoever reads may have had enough, as `head` has.
    if (broken !== null) return
    if (!process.stdout.write(bytes)) await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')])
  }
}
