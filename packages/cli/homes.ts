/**
 * Where the client keeps things: a home with one folder per account, its keys in it, and a lock so that one process at
 * a time works with an account. Knows files, not what is in `master.keys` or how one signs in.
 */
import { readdirSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseAccessKeys, serializeAccessKeys } from '@anysync/client/crypto/access-keys.ts'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import type { AccessKeys } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { parseUserId, toHex, type UserId } from '@anysync/protocol/ids.ts'
import { accessKeysBytesMax, masterKeysBytesMax } from '@anysync/protocol/limits.ts'
import { errorCode } from './ports/disk-errors.ts'
import { attemptOn, makePrivateFolder, readPrivateFile, removePrivateFile, writePrivateFile } from './private-files.ts'

const operation = 'home'

/** The places of one account. */
export type AccountHome = {
  readonly userId: UserId
  readonly folder: string
  readonly masterKeysFile: string
  /** Not there when the account is signed out. */
  readonly accessKeysFile: string
  readonly stateFile: string
  /** Not there while nothing was set. */
  readonly settingsFile: string
  readonly lockFile: string
}

export type SignedIn = { readonly account: AccountHome; readonly keys: AccessKeys }

/** `--home`, else ANYSYNC_HOME, else ~/.AnySync; absolute. */
export const homeFolder = (option: string | undefined, environment: NodeJS.ProcessEnv): string => {
  if (option === '') throw new SyncError(operation, 'invalid', '--home needs the path of a folder')
  const named = option ?? environment['ANYSYNC_HOME']
  if (named !== undefined && named !== '') return resolve(named)
  // HOME may be set to nothing, as some supervisors do: then the system's list of users knows.
  return join(homedir() || userInfo().homedir, '.AnySync')
}

/** Where an account lives, whether or not it is there yet. */
export const accountHome = (home: string, userId: UserId): AccountHome => {
  const folder = join(home, 'accounts', userId)
  return {
    userId,
    folder,
    masterKeysFile: join(folder, 'master.keys'),
    accessKeysFile: join(folder, 'access.keys'),
    stateFile: join(folder, 'state.db'),
    settingsFile: join(folder, 'client.toml'),
    lockFile: join(folder, 'lock.db'),
  }
}

/** Every account that has a folder in the home, signed in or not. */
export const listAccounts = (home: string): AccountHome[] => {
  const folder = join(home, 'accounts')
  const names = attemptOn(folder, 'read', () => {
    try {
      return readdirSync(folder)
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return []
      throw error
    }
  })
  return names
    .filter((name) => /^[0-9a-f]{32}$/.test(name))
    .sort()
    .map((name) => accountHome(home, parseUserId(name)))
}

/** The serialised file, for `parseMasterKeys`; null when there is none. */
export const readMasterKeys = (account: AccountHome): Uint8Array<ArrayBuffer> | null =>
  readPrivateFile(account.masterKeysFile, masterKeysBytesMax, damagedMasterKeys(account))

/** What to say when the file is not what it should be. */
export const damagedMasterKeys = ({ masterKeysFile }: AccountHome): string =>
  `${masterKeysFile} is damaged: move it away and log in again, the server keeps a copy`

export const saveMasterKeys = (account: AccountHome, masterKeys: Uint8Array): void =>
  writePrivateFile(account.masterKeysFile, masterKeys)

/** Null when the account is signed out. `corrupt` or `invalid` when the file cannot be used; the message names it. */
export const readAccessKeys = (account: AccountHome): AccessKeys | null => {
  const bytes = readPrivateFile(account.accessKeysFile, accessKeysBytesMax, damagedAccessKeys(account))
  if (bytes === null) return null
  const keys = parseNamed(account, bytes)
  if (toHex(keys.userId) !== account.userId) {
    const message = `${account.accessKeysFile} belongs to another account: put it back where it was, or log in again`
    throw new SyncError(operation, 'corrupt', message)
  }
  return keys
}

const parseNamed = (account: AccountHome, bytes: Uint8Array): AccessKeys => {
  try {
    return parseAccessKeys(bytes)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    const message =
      error.kind === 'corrupt' ? damagedAccessKeys(account) : `${account.accessKeysFile}: ${error.message}`
    throw new SyncError(operation, error.kind, message, error)
  }
}

const damagedAccessKeys = ({ accessKeysFile }: AccountHome): string =>
  `${accessKeysFile} is damaged: log in again with \`anysync login\` to make it anew`

export const saveAccessKeys = (account: AccountHome, keys: AccessKeys): void =>
  writePrivateFile(account.accessKeysFile, serializeAccessKeys(keys))

/** Signs the account out on this device. Harmless when it is. */
export const removeAccessKeys = (account: AccountHome): void => removePrivateFile(account.accessKeysFile)

/**
 * The account that a command is about: the one with this e-mail, or the only one. Throws `unauthorized` when nobody
 * such is signed in here, `invalid` when it is not clear who is meant.
 */
export const pickAccount = (home: string, email: string | undefined): SignedIn => {
  const wanted = email?.trim().toLowerCase()
  const signedIn: SignedIn[] = []
  const troubles: SyncError[] = []
  for (const account of listAccounts(home)) {
    try {
      const keys = readAccessKeys(account)
      if (keys !== null) signedIn.push({ account, keys })
    } catch (error) {
      if (!isTrouble(error, 'corrupt') && !isTrouble(error, 'invalid')) throw error
      troubles.push(error)
    }
  }
  const matching = signedIn.filter(({ keys }) => wanted === undefined || keys.email === wanted)
  // An account whose keys cannot be read may be the one that is meant.
  const [trouble] = troubles
  if (trouble !== undefined && (wanted === undefined || matching.length === 0)) throw trouble
  const [picked, ...others] = matching
  if (picked === undefined) throw nobody(home, wanted, signedIn)
  if (others.length > 0) throw ambiguous(matching, wanted)
  return picked
}

const nobody = (home: string, wanted: string | undefined, signedIn: SignedIn[]): SyncError => {
  const emails = signedIn.map(({ keys }) => keys.email).join(', ')
  const who = wanted === undefined ? 'nobody is' : `${wanted} is not`
  const others = emails === '' ? '' : ` (signed in: ${emails})`
  const advice = "make an account with 'anysync signup LINK' or sign in with 'anysync login LINK'"
  return new SyncError(operation, 'unauthorized', `${who} signed in at ${home}${others}: ${advice}`)
}

const ambiguous = (matching: SignedIn[], wanted: string | undefined): SyncError => {
  if (wanted === undefined) {
    const emails = matching.map(({ keys }) => keys.email).join(', ')
    return new SyncError(operation, 'invalid', `several accounts are signed in here (${emails}): add --account E-MAIL`)
  }
  const servers = matching.map(({ keys }) => keys.serverUrl).join(', ')
  return new SyncError(operation, 'invalid', `${wanted} is signed in at ${servers}: give each server its own --home`)
}

const sqliteBusy = 5
const sqliteFull = 13

/** Of two that begin at one moment each may find the other at it and give up: whoever waits so long finds out who has it. */
const lockMsMax = 100

/**
 * Takes the account for this process until it is disposed of. The system gives it back when the process dies, however
 * it dies. Throws `unavailable` when another process has it.
 */
export const lockAccount = (account: AccountHome): Disposable => {
  makePrivateFolder(account.folder)
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(account.lockFile, { timeout: lockMsMax })
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    throw lockTrouble(account, error)
  }
  const held = database
  let isHeld = true
  return {
    [Symbol.dispose]: () => {
      if (isHeld) held.close()
      isHeld = false
    },
  }
}

const lockTrouble = (account: AccountHome, error: unknown): unknown => {
  const code = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : null
  if (code === null) return error
  // The low byte is the primary result code (sqlite.org/rescode.html).
  if ((code & 0xff) === sqliteBusy) {
    const message =
      'another anysync is working with this account: wait for it to finish, or end the daemon with `anysync stop`'
    return new SyncError(operation, 'unavailable', message, error)
  }
  if ((code & 0xff) === sqliteFull) {
    return new SyncError(operation, 'full', `the disk is full: free some space where ${account.folder} is`, error)
  }
  const message = `${account.lockFile} cannot be locked (SQLite error ${code}): remove it and try again`
  return new SyncError(operation, 'unavailable', message, error)
}
