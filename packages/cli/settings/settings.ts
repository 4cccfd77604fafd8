/**
 * What a person may decide about syncing on this device: `client.toml`, parsed. Every key is optional, an unknown key is
 * an error, and every error says which key, what is wrong with it, and the form it should have. A folder's own value goes
 * before the account's.
 */
import { parse, TomlError } from 'smol-toml'
import * as v from 'valibot'
import { defaultExcludes } from '@anysync/client/sync/default-excludes.ts'
import { refusePattern, type RuleSettings } from '@anysync/client/sync/rules.ts'
import { parseRules } from '@anysync/client/vault/parse-rules.ts'
import type { KeepRules } from '@anysync/client/vault/retention.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { fullScanMs, fullScanMsMin, proofBytesMax, transfersMaxCeiling } from '@anysync/protocol/limits.ts'
import { parseDuration, parseSize } from '@anysync/protocol/sizes.ts'
import type { FlowLimits } from '../ports/flow.ts'
import { parseProxy, type ProxyServer } from '../ports/proxy.ts'
import { parseRates, unlimited } from './rates.ts'

export type FolderSettings = {
  rules: RuleSettings
  /** Patterns that hold unless others say otherwise. */
  defaultExcludes: readonly string[]
  /** How often everything is looked at, whatever the watcher says. */
  fullScanMs: number
  /** By which the daemon forgets old snapshots every week; null: it forgets none. */
  retention: KeepRules | null
}

export type Settings = {
  /** Of all folders that have none of their own. */
  account: FolderSettings
  /** By the absolute path of the linked folder. */
  folders: ReadonlyMap<string, FolderSettings>
  flow: FlowLimits
  proxy: ProxyServer | null
  /** So much of a vault is read back and checked each day, at most; null for nothing. */
  proofBytesMax: number | null
}

/** The settings of a linked folder. */
export const settingsOfFolder = ({ account, folders }: Settings, root: string): FolderSettings =>
  folders.get(root) ?? account

/** A text, as `parse` takes it; what it throws is the complaint. */
const text = <Value>(parse: (text: string) => Value) =>
  v.pipe(
    v.string('must be a text in quotes'),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value)
      } catch (error) {
        if (!(error instanceof SyncError)) throw error
        addIssue({ message: `is not right: ${error.message}` })
        return NEVER
      }
    }),
  )

const isOff = (value: string): boolean => value === 'off' || value === 'none'

const textOrOff = <Value>(parse: (text: string) => Value) => text((value) => (isOff(value) ? null : parse(value)))

const patterns = (list: 'include' | 'exclude') =>
  v.array(
    v.pipe(
      v.string('must be a list of texts such as ["*.iso"]'),
      v.check(
        (pattern) => refusePattern(pattern, list) === null,
        ({ input }) => `holds a pattern that ${refusePattern(input, list) ?? ''}`,
      ),
    ),
    'must be a list of texts such as ["*.iso"]',
  )

const scanInterval = (value: string): number => {
  const ms = parseDuration(value)
  if (ms >= fullScanMsMin) return ms
  throw new SyncError('settings', 'invalid', `'${value}' is too often: write a duration of 1m or more, as in 1h`)
}

const threadsRule = `must be a whole number from 1 to ${transfersMaxCeiling}`

const folderEntries = {
  include: v.optional(patterns('include')),
  exclude: v.optional(patterns('exclude')),
  'default-excludes': v.optional(
    v.union(
      [patterns('exclude'), v.picklist(['on', 'off', 'none'])],
      'must be "on", "off" or a list of patterns such as [".DS_Store"]',
    ),
  ),
  'size-max': v.optional(textOrOff(parseSize)),
  'age-min': v.optional(textOrOff(parseDuration)),
  'age-max': v.optional(textOrOff(parseDuration)),
  'scan-interval': v.optional(text(scanInterval)),
  retention: v.optional(textOrOff(parseRules)),
}

const folderSchema = v.strictObject(folderEntries)

const schema = v.strictObject({
  ...folderEntries,
  'upload-limit': v.optional(textOrOff(parseRates)),
  'download-limit': v.optional(textOrOff(parseRates)),
  'transfer-threads': v.optional(
    v.pipe(
      v.number(threadsRule),
      v.integer(threadsRule),
      v.minValue(1, threadsRule),
      v.maxValue(transfersMaxCeiling, threadsRule),
    ),
  ),
  'proof-size': v.optional(textOrOff(parseSize)),
  proxy: v.optional(
    v.strictObject({ address: text(parseProxy), user: v.optional(v.string()), password: v.optional(v.string()) }),
  ),
  folders: v.optional(v.record(v.string(), folderSchema)),
})

type FolderValues = v.InferOutput<typeof folderSchema>

/** What stands in the file, checked: the shape that `parseToml` gives and that is written back. */
export type WrittenSettings = v.InferInput<typeof schema>
export type FolderWritten = v.InferInput<typeof folderSchema>

/** Throws `invalid` for what the text says; `file` is how the error calls it. */
export const parseSettings = (source: string, file: string): Settings =>
  checkSettings(parseToml(source, file), file).settings

/** The same of what a file would hold, with that as it may be written. */
export const checkSettings = (written: unknown, file: string): { settings: Settings; written: WrittenSettings } => {
  const result = v.safeParse(schema, written)
  if (!result.success) {
    const [issue] = result.issues
    const message = `${file}: '${keyOf(issue)}' ${wording(issue)}`
    throw new SyncError('settings.read', 'invalid', message)
  }
  if (!v.is(schema, written)) throw new Error('bug: what was parsed is not what it was parsed from')
  const { folders = {}, proxy, 'transfer-threads': transfersMax = null, ...values } = result.output
  const { 'upload-limit': upload, 'download-limit': download, 'proof-size': proof, ...account } = values
  const login = proxy?.user === undefined ? null : { user: proxy.user, password: proxy.password ?? '' }
  const settings = {
    account: folderSettings(account),
    folders: new Map(Object.entries(folders).map(([root, own]) => [root, folderSettings({ ...account, ...own })])),
    flow: { uploadRates: upload ?? unlimited, downloadRates: download ?? unlimited, transfersMax },
    proxy: proxy === undefined ? null : { ...proxy.address, login },
    proofBytesMax: proof === undefined ? proofBytesMax : proof,
  }
  return { settings, written }
}

export const parseToml = (source: string, file: string): unknown => {
  try {
    return parse(source)
  } catch (cause) {
    const where = cause instanceof TomlError ? ` at line ${cause.line}` : ''
    throw new SyncError('settings.read', 'invalid', `${file} is not valid TOML${where}: correct it`, cause)
  }
}

const folderSettings = (values: FolderValues): FolderSettings => {
  const defaults = values['default-excludes'] ?? 'on'
  return {
    rules: {
      include: values.include ?? [],
      exclude: values.exclude ?? [],
      sizeBytesMax: values['size-max'] ?? null,
      ageMsMin: values['age-min'] ?? null,
      ageMsMax: values['age-max'] ?? null,
    },
    defaultExcludes: typeof defaults !== 'string' ? defaults : defaults === 'on' ? defaultExcludes : [],
    fullScanMs: values['scan-interval'] ?? fullScanMs,
    retention: values.retention ?? null,
  }
}

/** The key that a person finds in the file. */
const keyOf = (issue: v.BaseIssue<unknown>): string =>
  (issue.path ?? [])
    .map(({ key }) => key)
    .filter((key) => typeof key === 'string')
    .join('.')

const wording = (issue: v.BaseIssue<unknown>): string => {
  if (issue.type === 'strict_object' && issue.expected === 'never') return 'is not a setting: see `anysync config get`'
  if (issue.type === 'strict_object' || issue.type === 'record') return 'is missing or not a table'
  return issue.message
}
