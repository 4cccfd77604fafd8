/**
 * `anysync add`: links a folder to a vault. A daemon takes it up; without one nothing is synced yet.
 */
import { askDaemon, isDaemonThere } from '../daemon/ask.ts'
import { linkFolder, type LinkOptions } from '../link-folder.ts'
import { homeOf, signedIn, type CommonOptions } from '../local.ts'
import { createOutput } from '../output/print.ts'
import { shown } from '../output/words.ts'
import { openSession } from '../session.ts'

export const addFolder = async (folder: string, options: CommonOptions & LinkOptions): Promise<void> => {
  const output = createOutput(options)
  const hasDaemon = await isDaemonThere(signedIn(options).account)
  await using session = await openSession(options, !hasDaemon)
  const { link, vaultName } = await linkFolder(session, folder, homeOf(options), options)
  output.tell({ linkId: link.id, folder: link.root, vaultId: link.vaultId, vault: vaultName, mode: link.mode })
  const isTakenUp = hasDaemon && (await askDaemon(session.account, { ask: 'take-up', linkId: link.id })) !== null
  const next = isTakenUp ? 'the daemon brings them in step' : '`anysync sync` brings them in step'
  output.say(`linked ${shown(link.root)} to the vault '${shown(vaultName)}'; ${next}`)
}
