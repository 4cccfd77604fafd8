/**
 * What is left out of sync on this device, and why: by pattern, by size, by age. Pure; whoever asks decides what becomes
 * of a node that is left out (it stays where it is, here and in the vault).
 *
 * Four lists of patterns speak, and the first that says anything of a path has the word: `.anysyncignore`, `include`,
 * `exclude`, the defaults. They are read as one file of git's, the first list last. So, as in git, an ignored folder
 * takes along all that is below it, and nothing below it can be brought back.
 */
import type { NodeState } from '../ports.ts'
import { ignoreFileName } from './ignore-file.ts'
import { compilePatterns } from './patterns.ts'

export type RuleSettings = {
  /** Patterns that bring back what `exclude` and the defaults leave out. */
  include: string[]
  exclude: string[]
  /** Of files only, and so are the ages, which count from the last change. */
  sizeBytesMax: number | null
  ageMsMin: number | null
  ageMsMax: number | null
}

/** `message` goes on from "not synced here, because". */
export type Refusal = { kind: 'excluded' | 'too-large' | 'too-young' | 'too-old'; message: string }

export type Rules = {
  /** Why a node at this path is not synced on this device; null when it is. `attributes` null: judge by the path alone. */
  refuse(
    path: string,
    kind: NodeState['kind'],
    attributes: { size: number; mtimeNs: bigint } | null,
    nowNs: bigint,
  ): Refusal | null
  /** A text that differs when any answer may differ, but for those that only time changes. */
  readonly fingerprint: string
}

export type RuleParts = {
  /** The text of `.anysyncignore`, null when there is none. */
  ignoreText: string | null
  settings: RuleSettings
  /** Patterns that hold unless the other lists say otherwise. */
  defaults: readonly string[]
}

export const compileRules = ({ ignoreText, settings, defaults }: RuleParts): Rules => {
  const ignored = linesOf(ignoreText ?? '')
  const { include, exclude } = settings
  const patterns = compilePatterns([
    { name: 'default-excludes', patterns: defaults },
    { name: 'exclude', patterns: exclude },
    { name: 'include', patterns: include.map((pattern) => `!${pattern}`) },
    { name: ignoreFileName, patterns: ignored },
  ])
  const { sizeBytesMax, ageMsMin, ageMsMax } = settings

  return {
    fingerprint: JSON.stringify([ignored, include, exclude, defaults, sizeBytesMax, ageMsMin, ageMsMax]),
    refuse(path, kind, attributes, nowNs) {
      // Else a line of it could hide it from the other devices, which would go on by an older one.
      if (path === ignoreFileName) return null
      const list = patterns.ignoredBy(path, kind === 'folder')
      if (list !== null) return { kind: 'excluded', message: excludedBy(list) }
      return kind === 'file' && attributes !== null ? refuseFile(settings, attributes, nowNs) : null
    },
  }
}

/** Lines that say something, as git takes them: not blank, no comments. */
const linesOf = (text: string): string[] =>
  text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'))

const excludedBy = (list: string): string =>
  list === ignoreFileName ? `a pattern in ${ignoreFileName} matches it` : `a pattern of the setting ${list} matches it`

const refuseFile = (
  { sizeBytesMax, ageMsMin, ageMsMax }: RuleSettings,
  { size, mtimeNs }: { size: number; mtimeNs: bigint },
  nowNs: bigint,
): Refusal | null => {
  if (sizeBytesMax !== null && size > sizeBytesMax) {
    return { kind: 'too-large', message: 'it is larger than the setting size-max' }
  }
  const ageMs = Number(nowNs - mtimeNs) / 1_000_000
  if (ageMsMin !== null && ageMs < ageMsMin) {
    return { kind: 'too-young', message: 'it was changed less than the setting age-min ago' }
  }
  if (ageMsMax !== null && ageMs > ageMsMax) {
    return { kind: 'too-old', message: 'it was last changed longer ago than the setting age-max' }
  }
  return null
}

/** What is wrong with one pattern of a setting, null when nothing is. Goes on from the pattern. */
export const refusePattern = (pattern: string, list: 'include' | 'exclude'): string | null => {
  if (pattern.trim() === '' || pattern.startsWith('#'))
    return 'would match nothing: write \\# for a name that begins so'
  if (/[\r\n\0]/.test(pattern)) return 'is more than one line: give each pattern by itself'
  if (list === 'include' && pattern.startsWith('!')) return 'begins with !: what shall not be synced goes into exclude'
  return null
}

/** Everything is synced. */
export const noRules: Rules = { refuse: () => null, fingerprint: '' }
