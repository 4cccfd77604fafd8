/**
 * `anysync config get`, `set` and `unset`: the settings of the account, and a folder's own. Asks no server, and may run
 * beside a daemon, which takes up what changed.
 */
import type { LinkMode } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { pickLink } from '../folders.ts'
import type { AccountHome } from '../homes.ts'
import { UsageError } from '../output/fail.ts'
import type { PasswordOptions } from '../output/password.ts'
import { createOutput, table } from '../output/print.ts'
import { shown } from '../output/words.ts'
import { openLocal, signedIn, type CommonOptions } from '../local.ts'
import { readWritten, writeSettings } from '../settings/settings-file.ts'
import { folderKeys, isFolderKey, keys, parseFolderKey, parseKey, valueOf, type Key } from '../settings/keys.ts'
import { checkSettings, type FolderWritten, type WrittenSettings } from '../settings/settings.ts'
import { modeSetting } from './mode.ts'
import { proxyFrom, writtenProxy } from './proxy-options.ts'

export type ConfigOptions = CommonOptions & PasswordOptions & { folder?: string }

/** Where a command reads and writes: the account's file, and the folder whose own settings are meant, with its mode. */
type Place = { account: AccountHome; root: string | null; mode: LinkMode | null }

export const getConfig = async (word: string | undefined, options: ConfigOptions): Promise<void> => {
  const output = createOutput(options)
  const { account, root, mode } = await placeOf(options)
  const written = readWritten(account)
  const own = root === null ? undefined : written.folders?.[root]
  const names = root === null ? Object.keys(keys) : Object.keys(folderKeys)
  const wanted = (word === undefined ? names : [word]).map(root === null ? parseKey : parseFolderKey)
  const found: Found[] = wanted.map((key) => lookUp(written, own, key))
  if (mode !== null && word === undefined) found.unshift({ key: 'mode', ...modeSetting(mode) })

  output.tell({
    ...(root === null ? {} : { folder: root }),
    settings: Object.fromEntries(found.map(({ key, value, from }) => [key, { value, from }])),
    ...(root === null && word === undefined ? { folders: written.folders ?? {} } : {}),
  })
  const [only] = found
  if (word !== undefined && only !== undefined) {
    for (const line of linesOf(only.value)) output.say(shown(line))
    return
  }
  for (const line of table(found.flatMap(rowsOf))) output.say(line)
  for (const [folder, values] of root === null ? Object.entries(written.folders ?? {}) : []) {
    output.say(`${shown(folder)}:`)
    const rows = Object.keys(values).map((key) => lookUp(written, values, parseKey(key)))
    for (const line of table(rows.flatMap(rowsOf))) output.say(`  ${line}`)
  }
}

export const setConfig = async (word: string, words: string[], options: ConfigOptions): Promise<void> => {
  const output = createOutput(options)
  const key = options.folder === undefined ? parseKey(word) : parseFolderKey(word)
  if (options.passwordFile !== undefined && key !== 'proxy') {
    throw new UsageError('--password-file goes with the setting proxy only')
  }
  const { account, root } = await placeOf(options)
  const value = key === 'proxy' ? await proxyValue(words.join(' '), options) : valueOf(key, words)
  change(account, root, key, value)
  output.tell({ key, ...(root === null ? {} : { folder: root }), ...lookUpAgain(account, root, key) })
  output.note(`${key} is set${root === null ? '' : ` for ${shown(root)}`}; what runs takes it up by itself`)
}

export const unsetConfig = async (word: string, options: ConfigOptions): Promise<void> => {
  const output = createOutput(options)
  const key = options.folder === undefined ? parseKey(word) : parseFolderKey(word)
  const { account, root } = await placeOf(options)
  change(account, root, key, undefined)
  output.tell({ key, ...(root === null ? {} : { folder: root }), ...lookUpAgain(account, root, key) })
  output.note(`${key} is as usual${root === null ? '' : ` for ${shown(root)}`}; what runs takes it up by itself`)
}

const placeOf = async (options: ConfigOptions): Promise<Place> => {
  if (options.folder === undefined) return { account: signedIn(options).account, root: null, mode: null }
  await using local = await openLocal(options, false)
  const { root, mode } = pickLink(local.state, options.folder)
  return { account: local.account, root, mode }
}

/** Undefined takes the proxy away. */
const proxyValue = async (address: string, options: ConfigOptions): Promise<WrittenSettings['proxy']> => {
  if (address === 'off' || address === 'none') return undefined
  return writtenProxy(await proxyFrom(address, options.passwordFile))
}

/** Sets one value, or takes it away; all of it is checked before it is written. */
const change = (account: AccountHome, root: string | null, key: Key, value: unknown): void => {
  const { folders = {}, ...values } = readWritten(account)
  const changed =
    root === null
      ? { ...without(values, key, value), folders }
      : { ...values, folders: { ...folders, [root]: without(folders[root] ?? {}, key, value) } }
  const filled = Object.entries(changed.folders).filter(([, own]) => Object.keys(own).length > 0)
  const { folders: _, ...others } = changed
  const next: unknown = filled.length === 0 ? others : { ...others, folders: Object.fromEntries(filled) }
  writeSettings(account, checked(key, next))
}

const without = (values: object, key: Key, value: unknown): object => {
  const others = Object.fromEntries(Object.entries(values).filter(([name]) => name !== key))
  return value === undefined ? others : { ...others, [key]: value }
}

/** What is wrong is wrong with this key: the file was right before. */
const checked = (key: Key, next: unknown): WrittenSettings => {
  try {
    return checkSettings(next, 'settings').written
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    const message = error.message.replace(/^settings: '.*?' /, `${key} `)
    throw new SyncError('config.set', 'invalid', `${message}; it takes ${keys[key].form}`, error)
  }
}

type Value = string | number | readonly string[]
type Found = { key: Key | 'mode'; value: Value; from: 'folder' | 'account' | 'default' }

/** What holds, and who says so. Never the user and password of a proxy. */
const lookUp = (written: WrittenSettings, own: FolderWritten | undefined, key: Key): Found => {
  const ofFolder = own !== undefined && isFolderKey(key) ? own[key] : undefined
  if (ofFolder !== undefined) return { key, value: ofFolder, from: 'folder' }
  const value = key === 'proxy' ? written.proxy?.address : written[key]
  if (value === undefined || value === 'on') return { key, value: keys[key].usual, from: 'default' }
  return { key, value, from: 'account' }
}

const lookUpAgain = (account: AccountHome, root: string | null, key: Key): Omit<Found, 'key'> => {
  const written = readWritten(account)
  const { value, from } = lookUp(written, root === null ? undefined : written.folders?.[root], key)
  return { value, from }
}

const linesOf = (value: Value): string[] => (typeof value === 'object' ? [...value] : [String(value)])

/** A row for each line of the value: the key stands at the first. */
const rowsOf = ({ key, value, from }: Found): string[][] => {
  const [first = 'none', ...rest] = linesOf(value)
  const note = from === 'default' ? '(as usual)' : ''
  return [[key, shown(first), note], ...rest.map((line) => ['', shown(line), ''])]
}
