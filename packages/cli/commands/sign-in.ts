/**
 * The sign-in of this device, as `signup` and `login` share it: the server's keys and this device's are written to the
 * home, and a former sign-in of the same account here is ended.
 */
import { hostname } from 'node:os'
import { parseMasterKeys } from '@anysync/client/crypto/master-keys.ts'
import type { Door } from '@anysync/client/ports.ts'
import { logIn, parseEmail } from '@anysync/client/vault/account.ts'
import { demand, isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import type { AccessKeys } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { toHex, userIdFromBytes } from '@anysync/protocol/ids.ts'
import { deviceNameBytesMax } from '@anysync/protocol/limits.ts'
import {
  accountHome,
  damagedMasterKeys,
  listAccounts,
  lockAccount,
  readAccessKeys,
  readMasterKeys,
  saveAccessKeys,
  saveMasterKeys,
  type AccountHome,
  type SignedIn,
} from '../homes.ts'
import { UsageError } from '../output/fail.ts'
import type { Output } from '../output/print.ts'
import { shown } from '../output/words.ts'
import { nodeChance } from '../ports/chance.ts'
import { nodeCipher } from '../ports/cipher.ts'
import { nodeClock } from '../ports/clock.ts'
import { learnTrust } from '../ports/dial.ts'
import { openDoor } from '../ports/door.ts'
import { formatServerUrl, type ServerAddress } from '../ports/link.ts'
import { pinnedCertificate, type Trust } from '../ports/pin.ts'
import type { ProxyServer } from '../ports/proxy.ts'
import { remoteOf } from '../session.ts'
import { readSettings } from '../settings/settings-file.ts'
import { version } from '../version.ts'
import { saveProxy } from './proxy-options.ts'

export type SignInOptions = {
  home: string
  email: string
  password: string
  /** How the person calls this device; the computer's name unless told. */
  device?: string
  /** A copy of `master.keys` that the server's must continue. */
  masterKeys?: Uint8Array
}

/** The e-mail as the account has it. */
export const emailOf = ({ email }: { email?: string }): string => {
  if (email === undefined) throw new UsageError('say whose account it is: --email ADDRESS')
  return parseEmail(email)
}

/** `proxy`: one that the person named, to be kept for this account. */
export type Entrance = { server: ServerAddress; trust: Trust; door: Door; proxy: ProxyServer | null }

/**
 * Meets a server: learns whom to trust and opens the door, through the proxy that is named, else that of the former
 * sign-in of this account here. Sends no byte of the person's.
 */
export const enter = async (
  server: ServerAddress,
  fingerprint: Uint8Array | null,
  { home, email, proxy }: { home: string; email: string; proxy: ProxyServer | null },
) => {
  const former = formerSignIn(home, formatServerUrl(server), email)
  const used = proxy ?? (former === null ? null : readSettings(former.account).proxy)
  const trust = await learnTrust(server, fingerprint, { proxy: used })
  const door = openDoor(server, trust, { proxy: () => used })
  return { server, trust, door, proxy, [Symbol.asyncDispose]: () => door[Symbol.asyncDispose]() }
}

export const signIn = async (
  { server, trust, door, proxy }: Entrance,
  options: SignInOptions,
  output: Output,
): Promise<{ account: AccountHome; keys: AccessKeys }> => {
  const serverUrl = formatServerUrl(server)
  const former = formerSignIn(options.home, serverUrl, options.email)
  // Before anything is asked of the server, so that a running daemon does not lose its token.
  using stack = new DisposableStack()
  if (former !== null) stack.use(lockAccount(former.account))
  const local = options.masterKeys ?? (former === null ? null : localMasterKeys(former.account))

  const { masterKeys, accessKeys } = await logIn({
    door,
    cipher: nodeCipher,
    chance: nodeChance,
    clock: nodeClock,
    serverUrl,
    pinnedCertificate: pinnedCertificate(trust),
    email: options.email,
    password: options.password,
    clientVersion: version,
    deviceName: options.device ?? defaultDeviceName(),
    ...(local === null ? {} : { masterKeys: local }),
  })
  const account = accountHome(options.home, userIdFromBytes(accessKeys.userId))
  if (former?.account.userId !== account.userId) stack.use(lockAccount(account))
  checkContinues(account, masterKeys)
  saveMasterKeys(account, masterKeys)
  saveAccessKeys(account, accessKeys)
  if (proxy !== null) saveProxy(account, proxy)
  if (former !== null) await endFormer({ account, keys: former.keys }, output)
  return { account, keys: accessKeys }
}

/** The computer's name as far as a device name may be long. */
const defaultDeviceName = (): string => {
  let name = hostname()
  while (Buffer.byteLength(name) > deviceNameBytesMax) name = name.slice(0, -1)
  return name === '' ? 'device' : name
}

const formerSignIn = (
  home: string,
  serverUrl: string,
  email: string,
): { account: AccountHome; keys: AccessKeys } | null => {
  for (const account of listAccounts(home)) {
    const keys = usableKeys(account)
    if (keys?.serverUrl === serverUrl && keys.email === email) return { account, keys }
  }
  return null
}

/** Damaged keys are as good as none: this login makes them anew, if they are the account's. */
const usableKeys = (account: AccountHome): AccessKeys | null => {
  try {
    return readAccessKeys(account)
  } catch (error) {
    if (!isTrouble(error, 'corrupt')) throw error
    return null
  }
}

/** This device's copy, whole; null when it has none. A damaged one is named, for nothing can be compared with it. */
const localMasterKeys = (account: AccountHome): Uint8Array | null => {
  const bytes = readMasterKeys(account)
  if (bytes !== null) checkMasterKeys(bytes, damagedMasterKeys(account))
  return bytes
}

/** Throws `corrupt` with the message unless the bytes are a whole `master.keys`. */
export const checkMasterKeys = (bytes: Uint8Array, damaged: string): void => {
  try {
    parseMasterKeys(bytes)
  } catch (error) {
    if (!isTrouble(error, 'corrupt')) throw error
    throw new SyncError('account.login', 'corrupt', damaged, error)
  }
}

/** `logIn` compares with a signed-in account's keys; a signed-out one is only known by the user id that came back. */
const checkContinues = (account: AccountHome, masterKeys: Uint8Array): void => {
  const local = localMasterKeys(account)
  if (local === null) return
  const [before, now] = [parseMasterKeys(local), parseMasterKeys(masterKeys)]
  const isContinued =
    now.generation >= before.generation && toHex(now.identityPublicKey) === toHex(before.identityPublicKey)
  demand(
    isContinued,
    'account.login',
    'corrupt',
    `the server gave master.keys that do not continue ${account.masterKeysFile}: it may have been set back; ask its owner`,
  )
}

/** The token of before is of no more use, so it ends; when that fails, the person hears of it. */
const endFormer = async ({ account, keys }: SignedIn, output: Output): Promise<void> => {
  try {
    await using remote = remoteOf({ account, keys })
    await remote.logout()
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    if (error.kind === 'unauthorized') return // It had ended already.
    output.note(`the former sign-in of '${shown(keys.deviceName)}' goes on at the server: ${error.message}`)
  }
}
