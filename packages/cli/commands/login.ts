/**
 * `anysync login`: enrols this device with the password alone.
 */
import { readFileSync, statSync } from 'node:fs'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { toHex } from '@anysync/protocol/ids.ts'
import { masterKeysBytesMax } from '@anysync/protocol/limits.ts'
import { headDocument, headLines, readHeads, type VaultHead } from '../heads.ts'
import type { SignedIn } from '../homes.ts'
import { readPassword, type PasswordOptions } from '../output/password.ts'
import { createOutput, type Output } from '../output/print.ts'
import { shown } from '../output/words.ts'
import { parseFingerprint, parseServerLink } from '../ports/link.ts'
import { openState } from '../ports/state.ts'
import { attemptOn } from '../private-files.ts'
import { homeOf, type CommonOptions } from '../local.ts'
import { remoteOf } from '../session.ts'
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
  output.say(`signed in to ${keys.serverUrl} as ${shown(email)}; this device is called '${shown(keys.deviceName)}'`)
  const heads = await headsOf({ account, keys }, output)
  for (const line of headLines(heads ?? [])) output.say(line)
  output.tell({
    email,
    server: keys.serverUrl,
    userId: account.userId,
    deviceId: toHex(keys.deviceId),
    deviceName: keys.deviceName,
    masterKeys: account.masterKeysFile,
    vaults: heads?.map(headDocument) ?? null,
  })
}

/** Null when the server does not answer now: this device is signed in all the same. */
const headsOf = async (signedIn: SignedIn, output: Output): Promise<VaultHead[] | null> => {
  try {
    await using remote = remoteOf(signedIn)
    using state = openState(signedIn.account.stateFile)
    return await readHeads({ keys: signedIn.keys, remote, state })
  } catch (error) {
    if (!isTrouble(error, 'unavailable')) throw error
    output.note(`how new the vaults are could not be asked: ${error.message}`)
    return null
  }
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
