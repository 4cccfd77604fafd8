/**
 * `anysync logout`: ends this device's sign-in, here and at the server. Folders and their files stay as they are.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { lockAccount, removeAccessKeys } from '../homes.ts'
import { createOutput } from '../output/print.ts'
import { shown } from '../output/words.ts'
import { signedIn, type CommonOptions } from '../local.ts'
import { remoteOf } from '../session.ts'

export const logout = async (options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  const { account, keys } = signedIn(options)
  using _lock = lockAccount(account)
  await using remote = remoteOf({ account, keys })
  try {
    await remote.logout()
  } catch (error) {
    // A token that the server does not know any more has ended; anything else keeps the keys, to try again.
    if (!(error instanceof SyncError) || error.kind !== 'unauthorized') throw error
  }
  removeAccessKeys(account)
  output.tell({ email: keys.email, server: keys.serverUrl })
  output.say(`signed out of ${keys.serverUrl} as ${shown(keys.email)}; the files here stay where they are`)
}
