/**
 * Where a daemon can be found: a socket in the account's folder, and beside it the file that says which process listens
 * and where. Neither proves that a daemon runs: only the account's lock does, and a socket that answers.
 */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { demand } from '@anysync/protocol/errors.ts'
import { socketPathBytesMax } from '@anysync/protocol/limits.ts'
import type { AccountHome } from '../homes.ts'
import { attemptOn, readPrivateFile, removePrivateFile, writePrivateFile } from '../private-files.ts'

export type DaemonPlace = { pid: number; socket: string }

const placeBytesMax = 8192

/** Its first line is the number of the process, as everywhere. */
const placeFile = ({ folder }: AccountHome): string => join(folder, 'daemon.pid')

export const logFile = ({ folder }: AccountHome): string => join(folder, 'daemon.log')

/**
 * Where the daemon of this account listens. Systems allow a socket's path about a hundred bytes, so for a home that
 * lies deep it is in the folder that the system has for such things.
 */
export const socketPath = (account: AccountHome, environment: NodeJS.ProcessEnv): string => {
  const name = createHash('sha256').update(account.folder).digest('hex').slice(0, 32)
  if (process.platform === 'win32') return `\\\\.\\pipe\\anysync-${name}`
  const beside = join(account.folder, 'daemon.sock')
  if (Buffer.byteLength(beside) <= socketPathBytesMax) return beside
  return join(runtimeFolder(environment), `${name}.sock`)
}

/** Of this user alone: anybody may have made a folder of that name in a place that all share. */
const runtimeFolder = (environment: NodeJS.ProcessEnv): string => {
  const given = environment['XDG_RUNTIME_DIR'] ?? ''
  const folder = join(given === '' ? tmpdir() : given, `anysync-${userInfo().uid}`)
  attemptOn(folder, 'made', () => mkdirSync(folder, { recursive: true, mode: 0o700 }))
  const stat = attemptOn(folder, 'read', () => lstatSync(folder))
  const isOurs = stat.isDirectory() && stat.uid === userInfo().uid && (stat.mode & 0o077) === 0
  demand(
    isOurs,
    'daemon.place',
    'unavailable',
    `${folder} is not a folder of yours alone: remove it, or give AnySync a home with a shorter path`,
  )
  return folder
}

export const writePlace = (account: AccountHome, { pid, socket }: DaemonPlace): void =>
  writePrivateFile(placeFile(account), Buffer.from(`${pid}\n${socket}\n`))

/** What was last written, by a daemon that may be gone; null when there is nothing of use. */
export const readPlace = (account: AccountHome): DaemonPlace | null => {
  const file = placeFile(account)
  const bytes = readPrivateFile(file, placeBytesMax, `${file} is damaged: remove it`)
  if (bytes === null) return null
  const [pid = '', socket = ''] = Buffer.from(bytes).toString().split('\n')
  return /^[1-9]\d{0,9}$/.test(pid) && socket !== '' ? { pid: Number(pid), socket } : null
}

export const removePlace = (account: AccountHome): void => removePrivateFile(placeFile(account))

/** A socket that a daemon left behind when it was killed would be in the way. Call only while holding the account. */
export const removeSocket = (socket: string): void => {
  if (process.platform !== 'win32') attemptOn(socket, 'removed', () => rmSync(socket, { force: true }))
}
