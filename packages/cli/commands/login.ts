/**
 * `anysync login`: enrols this device with the password alone.
 */
import { readFileSync, statSync } from 'node:fs'
import { SyncError } from '@anysync/protocol/errors.ts'
import { toHex } from '@anysync/protocol/ids.ts'
import { masterKeysBytesMax } from '@anysync/protocol/limits.ts'
import { readPassword, type PasswordOptions } from '../output/password.ts'
import { createOutput } from '../output/print.ts'
import { shown } from '../output/words.ts'
import { parseFingerprint, parseServerLink } from '../ports/link.ts'
import { attemptOn } from '../private-files.ts'
import { homeOf, type CommonOptions } from '../session.ts'
import { proxyOf, type ProxyOptions } from './proxy-options.ts'
import { checkMasterKeys, emailOf, enter, signIn } from './sign-in.ts'

export type LoginOptions = CommonOptions &
  PasswordOptions &
  ProxyOptions & { email?: string; device?: string; fingerprint?: string; masterKeys?: string }

export const login = async (address: string, options: LoginOptions): Promise<void> => {
  const output = createOutput(options)
  const email = emailOf(options)
  const link = parseServerLink(address)
  const fingerprint = options.fingerprint === undefined ? link.fingerprint : parseFingerprint(options.fingerprint)
  const { device } = options
  const masterKeys = options.masterKeys === undefined ? null : readKeys(options.masterKeys)
  const password = await readPassword(options, `Password of ${shown(email)}`, false)

  const home = homeOf(options)
  const proxy = await proxyOf(options)

  await using entrance = await enter(link.server, fingerprint, { home, email, proxy })
  const wanted = {
    home,
    email,
    password,
    ...(device === undefined ? {} : { device }),
    ...(masterKeys === null ? {} : { masterKeys }),
  }
  const { account, keys } = await signIn(entrance, wanted, output)
  output.tell({
    email,
    server: keys.serverUrl,
    userId: account.userId,
    deviceId: toHex(keys.deviceId),
    deviceName: keys.deviceName,
    masterKeys: account.masterKeysFile,
  })
  output.say(`signed in to ${keys.serverUrl} as ${shown(email)}; this device is called '${shown(keys.deviceName)}'`)
}

const readKeys = (path: string): Uint8Array =>
  attemptOn(path, 'read', () => {
    const { size } = statSync(path)
    if (size <= masterKeysBytesMax) {
      const bytes = readFileSync(path)
      checkMasterKeys(bytes, `${path} is damaged: give another copy of master.keys, or none`)
      return bytes
    }
    throw new SyncError('login.read', 'invalid', `${path} is not a master.keys file: it is ${size} bytes`)
  })
