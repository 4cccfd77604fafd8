/**
 * `anysync config set mode MODE --folder FOLDER`: which way changes travel between a linked folder and its vault. Kept
 * with the link, not with the settings: what was agreed on depends on it.
 */
import { linkModes, type LinkMode } from '@anysync/client/ports.ts'
import { setLinkMode } from '@anysync/client/sync/link-mode.ts'
import { pickLink } from '../folders.ts'
import { UsageError } from '../output/fail.ts'
import { createOutput } from '../output/print.ts'
import { shown } from '../output/words.ts'
import { openLocal, type CommonOptions } from '../session.ts'

export const setMode = async (words: string[], options: CommonOptions & { folder?: string }): Promise<void> => {
  const output = createOutput(options)
  const mode = parseMode(words.join(' '))
  if (options.folder === undefined) throw new UsageError('a mode is of one folder: say which with --folder')
  await using local = await openLocal(options, false)
  const link = pickLink(local.state, options.folder)
  setLinkMode(local.state, link, mode)
  output.tell({ key: 'mode', folder: link.root, value: mode })
  output.note(`${shown(link.root)} is in mode ${mode} from its next turn on`)
}

const parseMode = (word: string): LinkMode => {
  const mode = linkModes.find((known) => known === word)
  if (mode !== undefined) return mode
  throw new UsageError(`there is no mode of that name: there are ${linkModes.join(', ')}`)
}
