/**
 * `anysync config get mode --folder FOLDER`, and `set` and `unset`: which way changes travel between a linked folder and
 * its vault. Kept with the link, not with the settings: what was agreed on depends on it.
 */
import { linkModes, type Link, type LinkMode } from '@anysync/client/ports.ts'
import { checkMarker } from '@anysync/client/sync/guards.ts'
import { setLinkMode } from '@anysync/client/sync/link-mode.ts'
import { markerOf } from '@anysync/client/sync/marker.ts'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { pickLink } from '../folders.ts'
import { UsageError } from '../output/fail.ts'
import { createOutput } from '../output/print.ts'
import { shown } from '../output/words.ts'
import { openNodeDisk } from '../ports/disk.ts'
import { openLocal, type CommonOptions } from '../local.ts'

type ModeOptions = CommonOptions & { folder?: string }

const usualMode: LinkMode = 'sync'

export const getMode = async (options: ModeOptions): Promise<void> => {
  const output = createOutput(options)
  const folder = folderOf(options)
  await using local = await openLocal(options, false)
  const { root, mode } = pickLink(local.state, folder)
  output.tell({ folder: root, settings: { mode: modeSetting(mode) } })
  output.say(mode)
}

export const setMode = async (words: string[], options: ModeOptions): Promise<void> => {
  const output = createOutput(options)
  const mode = parseMode(words.join(' '))
  const folder = folderOf(options)
  await using local = await openLocal(options, false)
  const link = pickLink(local.state, folder)
  await mark({ ...link, mode })
  setLinkMode(local.state, link, mode)
  output.tell({ key: 'mode', folder: link.root, ...modeSetting(mode) })
  output.note(`${shown(link.root)} is in mode ${mode} from its next turn on`)
}

export const unsetMode = (options: ModeOptions): Promise<void> => setMode([usualMode], options)

/** Before the state says it: a mode that came back from a marker must not be an older one. A folder that is away keeps its marker. */
const mark = async (link: Link): Promise<void> => {
  const disk = await openNodeDisk(link.root)
  try {
    await checkMarker(disk, link)
  } catch (error) {
    if (isTrouble(error, 'missing')) return
    throw error
  }
  await disk.writeMarker(markerOf(link))
}

/** In the words in which settings are shown. */
export const modeSetting = (mode: LinkMode): { value: LinkMode; from: 'folder' | 'default' } => ({
  value: mode,
  from: mode === usualMode ? 'default' : 'folder',
})

const folderOf = ({ folder }: ModeOptions): string => {
  if (folder !== undefined) return folder
  throw new UsageError('a mode is of one folder: say which with --folder')
}

const parseMode = (word: string): LinkMode => {
  const mode = linkModes.find((known) => known === word)
  if (mode !== undefined) return mode
  throw new UsageError(`there is no mode of that name: there are ${linkModes.join(', ')}`)
}
