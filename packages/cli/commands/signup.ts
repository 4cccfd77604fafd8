/**
 * `anysync signup`: makes an account with an invitation, and signs this device in to it.
 */
import { signUp } from '@anysync/client/vault/account.ts'
import { toHex } from '@anysync/protocol/ids.ts'
import { scryptFloor, scryptStrong } from '@anysync/protocol/limits.ts'
import { accountHome, lockAccount, saveMasterKeys } from '../homes.ts'
import { readPassword, type PasswordOptions } from '../output/password.ts'
import { createOutput } from '../output/print.ts'
import { shown } from '../output/words.ts'
import { nodeChance } from '../ports/chance.ts'
import { nodeCipher } from '../ports/cipher.ts'
import { parseInvitationLink } from '../ports/link.ts'
import { homeOf, type CommonOptions } from '../local.ts'
import { proxyOf, type ProxyOptions } from './proxy-options.ts'
import { emailOf, enter, signIn } from './sign-in.ts'
import { openState } from '../ports/state.ts'

export type SignupOptions = CommonOptions &
  PasswordOptions &
  ProxyOptions & { email?: string; kdf: 'default' | 'strong'; device?: string }

export const signup = async (link: string, options: SignupOptions): Promise<void> => {
  const output = createOutput(options)
  const email = emailOf(options)
  const { server, invitation, fingerprint } = parseInvitationLink(link)
  const password = await readPassword(options, `New password for ${shown(email)}`, true)
  const home = homeOf(options)
  const proxy = await proxyOf(options)

  await using entrance = await enter(server, fingerprint, { home, email, proxy })
  const kdf = options.kdf === 'strong' ? scryptStrong : scryptFloor
  const parts = { door: entrance.door, cipher: nodeCipher, chance: nodeChance }
  const { userId, masterKeys } = await signUp({ ...parts, invitation, email, password, kdf })
  {
    const account = accountHome(home, userId)
    using _lock = lockAccount(account)
    saveMasterKeys(account, masterKeys)
  }
  // From here on the account exists: if signing in fails, `anysync login` with the same link does it later.
  const { device } = options
  const { account, keys } = await signIn(
    entrance,
    { home, email, password, ...(device === undefined ? {} : { device }) },
    output,
  )

  // From now on a state that is not there is one that was lost.
  openState(account.stateFile)[Symbol.dispose]()

  output.tell({
    email,
    server: keys.serverUrl,
    userId,
    deviceId: toHex(keys.deviceId),
    deviceName: keys.deviceName,
    masterKeys: account.masterKeysFile,
  })
  output.say(`the account of ${shown(email)} is made, and this device is signed in as '${shown(keys.deviceName)}'`)
  output.say(`keep the password safe: without it nobody, the server's owner included, can open your files`)
}
