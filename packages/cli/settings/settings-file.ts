/**
 * `client.toml` in an account's folder: read whenever it changed, written whole. It may hold the password of a proxy, so
 * it is readable by its owner only.
 */
import { statSync } from 'node:fs'
import { stringify } from 'smol-toml'
import { SyncError } from '@anysync/protocol/errors.ts'
import { settingsBytesMax } from '@anysync/protocol/limits.ts'
import type { AccountHome } from '../homes.ts'
import { attemptOn, readPrivateFile, writePrivateFile } from '../private-files.ts'
import { checkSettings, parseToml, type Settings, type WrittenSettings } from './settings.ts'

type File = Pick<AccountHome, 'settingsFile'>

/** The settings as they are now; all as usual when there is no file. `invalid` names the key that is wrong. */
export const readSettings = ({ settingsFile }: File): Settings =>
  checkSettings(parseToml(readText(settingsFile), settingsFile), settingsFile).settings

/** What the file holds, to change something of it. */
export const readWritten = ({ settingsFile }: File): WrittenSettings =>
  checkSettings(parseToml(readText(settingsFile), settingsFile), settingsFile).written

/** Like `readSettings`, and cheap enough for every turn: the file is read again only when it is another than before. */
export const settingsReader = (file: File): (() => Settings) => {
  let read: { look: string; settings: Settings } | null = null
  return () => {
    const look = lookAt(file.settingsFile)
    if (read?.look !== look) read = { look, settings: readSettings(file) }
    return read.settings
  }
}

/** Checks and writes. Comments that somebody made by hand are not kept. */
export const writeSettings = ({ settingsFile }: File, written: WrittenSettings): void => {
  checkSettings(written, 'the settings')
  writePrivateFile(settingsFile, Buffer.from(`# Written by \`anysync config set\`.\n${stringify(written)}`))
}

const readText = (file: string): string => {
  const damaged = `${file} is larger than settings can be: remove it, or correct it`
  const bytes = readPrivateFile(file, settingsBytesMax, damaged)
  try {
    return bytes === null ? '' : new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new SyncError('settings.read', 'invalid', `${file} is not UTF-8: save it as UTF-8`, error)
  }
}

/** A text that is another one when the file is. */
const lookAt = (file: string): string =>
  attemptOn(file, 'read', () => {
    const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
    return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`
  })
