/**
 * The settings by name, as `anysync config` shows and takes them: what each is for, what holds when nothing was set, and
 * how words of a command become what the file holds.
 */
import { defaultExcludes } from '@anysync/client/sync/default-excludes.ts'
import { fetchesMax, storingPacksMax } from '@anysync/protocol/limits.ts'
import { UsageError } from '../output/fail.ts'
import { table } from '../output/print.ts'
import type { FolderWritten, WrittenSettings } from './settings.ts'

export type FolderKey = keyof FolderWritten
export type Key = Exclude<keyof WrittenSettings, 'folders'>

type About = {
  /** The allowed form, with an example. */
  form: string
  /** What holds unless something was set. */
  usual: string | readonly string[]
}

const pattern = "patterns as in .gitignore, each a word: '*.iso' 'build/'"

export const folderKeys: Record<FolderKey, About> = {
  include: { form: `${pattern}; bring back what the next two leave out`, usual: [] },
  exclude: { form: `${pattern}; are not synced on this device`, usual: [] },
  'default-excludes': {
    form: 'on, off, or the patterns that shall hold instead of the usual ones',
    usual: defaultExcludes,
  },
  'size-max': { form: 'a size: 4GB; larger files are not synced', usual: 'off' },
  'age-min': { form: 'a duration: 10m; files that changed since then are not synced yet', usual: 'off' },
  'age-max': { form: 'a duration: 30d; files that did not change since then are not synced', usual: 'off' },
  'scan-interval': { form: 'a duration: 1h; so often everything is looked at, whatever the watcher says', usual: '1h' },
  retention: {
    form: "usual, or rules as of `anysync forget`: 'keep-within 30d, keep-daily 90'; the daemon forgets by them weekly",
    usual: 'off',
  },
}

export const accountKeys: Record<Exclude<Key, FolderKey>, About> = {
  'upload-limit': { form: 'a rate: 2MB/s, or by local time: 08:00-18:00 1MB/s, else 20MB/s', usual: 'off' },
  'download-limit': { form: 'the same for what comes down', usual: 'off' },
  'transfer-threads': {
    form: 'a number from 1 to 16: so many transfers at once',
    usual: `${storingPacksMax} up, ${fetchesMax} down`,
  },
  'proof-size': {
    form: 'a size: 64MB; at most so much of each vault is read back and checked each day',
    usual: '64MB',
  },
  proxy: { form: 'http://HOST:PORT, https://…, socks5://… or socks5h://… (the proxy finds the server)', usual: 'off' },
}

export const keys: Record<Key, About> = { ...folderKeys, ...accountKeys }

const isKey = (word: string): word is Key => Object.hasOwn(keys, word)
export const isFolderKey = (key: Key): key is FolderKey => Object.hasOwn(folderKeys, key)

/** Throws UsageError with the keys that there are. */
export const parseKey = (word: string): Key => {
  if (isKey(word)) return word
  throw new UsageError(`there is no setting of that name: there are ${Object.keys(keys).join(', ')}`)
}

/** The same for a folder's own settings. */
export const parseFolderKey = (word: string): FolderKey => {
  const key = parseKey(word)
  if (isFolderKey(key)) return key
  throw new UsageError(`${key} holds for the whole account: leave --folder out`)
}

/** What the file shall hold for the words of a command. Whether it is right is seen when all of it is checked. */
export const valueOf = (key: Exclude<Key, 'proxy'>, words: readonly string[]): unknown => {
  const only = words.length === 1 ? words[0] : undefined
  const isOff = only === 'off' || only === 'none'
  if (key === 'include' || key === 'exclude') return isOff ? [] : [...words]
  if (key === 'default-excludes') return isOff || only === 'on' ? only : [...words]
  const value = words.join(' ').trim()
  return key === 'transfer-threads' && /^\d{1,6}$/.test(value) ? Number(value) : value
}

/** For `--help`: each key with the form of its value. */
export const keysHelp = (): string =>
  [
    '',
    'Of the account, or with --folder of one folder:',
    ...rowsOfHelp(folderKeys),
    'Of the account:',
    ...rowsOfHelp(accountKeys),
  ].join('\n')

const rowsOfHelp = (of: Record<string, { form: string }>): string[] =>
  table(Object.entries(of).map(([key, { form }]) => [`  ${key}`, form]))
