/**
 * `anysync status`: the state of each linked folder as of its last turn, or of one file now. Asks no server.
 */
import type { State } from '@anysync/client/ports.ts'
import { folderState, pathState, type FolderState } from '../folder-state.ts'
import { findLinked, pickLink, pickLinks } from '../folders.ts'
import { createOutput, table, type Output } from '../output/print.ts'
import { counted, isoTime, localTime, shown } from '../output/words.ts'
import { openNodeDisk } from '../ports/disk.ts'
import { openLocal, vaultName, type CommonOptions } from '../session.ts'

export const status = async (path: string | undefined, options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  await using local = await openLocal(options, false)
  const { keys, state } = local
  if (path !== undefined && !isLinkedRoot(state, path)) {
    await tellPath(state, path, output)
    return
  }
  const folders: object[] = []
  const links = path === undefined && state.links().length === 0 ? [] : pickLinks(state, path)
  if (links.length === 0) output.say('no folder is linked: link one with `anysync add FOLDER --vault NAME`')
  for (const link of links) {
    const found = await folderState(state, await openNodeDisk(link.root), link)
    const vault = vaultName(state, link.vaultId)
    folders.push({ folder: link.root, vault, vaultId: link.vaultId, mode: link.mode, ...documentOf(found) })
    output.say(
      `${shown(link.root)} — ${shown(vault)}: ${phrases[found.state]}${found.reason === '' ? '' : `, ${found.reason}`}`,
    )
    for (const line of table(rowsOf(found))) output.say(`  ${line}`)
    for (const trouble of found.troubles.slice(0, 20)) output.say(`  ${shown(trouble.path)}: ${shown(trouble.message)}`)
  }
  output.tell({ email: keys.email, server: keys.serverUrl, folders })
}

const phrases: Record<FolderState['state'], string> = {
  'in-step': 'in step',
  'not-in-step': 'not in step',
  'never-synced': 'not synced yet',
  missing: 'stopped',
  waiting: 'waiting for you',
  troubled: 'in step but for what is named below',
}

const isLinkedRoot = (state: State, typed: string): boolean => {
  const linked = findLinked(state, typed)
  return linked === null ? pickLink(state, typed) !== null : linked.path === ''
}

const tellPath = async (state: State, typed: string, output: Output): Promise<void> => {
  const linked = findLinked(state, typed)
  if (linked === null) return
  const { link, path } = linked
  const found = await pathState(state, await openNodeDisk(link.root), link, path)
  output.tell({ folder: link.root, vault: vaultName(state, link.vaultId), path, ...found })
  output.say(
    `${shown(path)}: ${found.state.replaceAll('-', ' ')}${found.reason === '' ? '' : `, ${shown(found.reason)}`}`,
  )
}

const documentOf = ({ turnNs, scanNs, head, ...rest }: FolderState) => ({
  ...rest,
  sequence: head?.sequence ?? 0,
  lastTurn: turnNs === null ? null : isoTime(turnNs),
  lastScan: scanNs === null ? null : isoTime(scanNs),
})

const rowsOf = ({ turnNs, scanNs, head, files }: FolderState): string[][] => [
  ['vault at', head === null ? 'nothing yet' : `snapshot ${head.sequence}`],
  ['here', counted(files, 'file')],
  ['last turn', turnNs === null ? 'never' : localTime(turnNs)],
  ['last full look', scanNs === null ? 'never' : localTime(scanNs)],
]
