/**
 * `anysync confirm`: lets the deletions that wait for a person go through at the next turn.
 */
import { waitingOf } from '@anysync/client/sync/facts.ts'
import { openLinkEngine } from '../engines.ts'
import { pickLinks } from '../folders.ts'
import { createOutput } from '../output/print.ts'
import { counted, shown } from '../output/words.ts'
import { openSession, type CommonOptions } from '../session.ts'

export const confirm = async (folder: string | undefined, options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  await using session = await openSession(options, false)
  const folders: { folder: string; deletions: number }[] = []
  for (const link of pickLinks(session.state, folder)) {
    if (waitingOf(session.state, link.id) === null) continue
    const { engine } = await openLinkEngine(session, link)
    const deletions = engine.confirm()
    folders.push({ folder: link.root, deletions })
    output.say(`${shown(link.root)}: ${counted(deletions, 'deletion')} will go through at the next sync`)
  }
  if (folders.length === 0) output.say('nothing waits for a decision')
  output.tell({ folders })
}
