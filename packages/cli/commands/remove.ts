/**
 * `anysync remove`: unlinks a folder. Its files and the vault stay as they are. A daemon lets go of the folder first.
 */
import { isMarkerOf } from '@anysync/client/sync/marker.ts'
import { askDaemon, isDaemonThere } from '../daemon/ask.ts'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { pickLink } from '../folders.ts'
import { createOutput } from '../output/print.ts'
import { shown } from '../output/words.ts'
import { openNodeDisk } from '../ports/disk.ts'
import { openLocal, signedIn, vaultName, type CommonOptions } from '../local.ts'

export const removeFolder = async (folder: string, options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  const hasDaemon = await isDaemonThere(signedIn(options).account)
  await using local = await openLocal(options, !hasDaemon)
  const { state, account } = local
  const link = pickLink(state, folder)
  if (hasDaemon) await askDaemon(account, { ask: 'let-go', linkId: link.id })
  const name = vaultName(state, link.vaultId)
  const disk = await openNodeDisk(link.root)
  try {
    // The marker of another link, if one took its place, is not ours to remove.
    if (isMarkerOf(await disk.readMarker(), link.id)) await disk.removeMarker()
  } catch (error) {
    if (!isTrouble(error, 'missing')) throw error // The folder is gone, and its marker with it.
  }
  state.removeLink(link.id)
  output.tell({ folder: link.root, vaultId: link.vaultId, vault: name })
  output.say(`unlinked ${shown(link.root)} from the vault '${shown(name)}'; every file stays, here and in the vault`)
}
