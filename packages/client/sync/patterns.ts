/**
 * Lists of .gitignore patterns, one laid over the other: which of them says that a path is ignored. Knows nothing of
 * what the lists are for. The matching itself is `ignore`'s, which follows git to the letter.
 */
import ignore, { type Ignore } from 'ignore'
import { couldMatch } from './pattern-hints.ts'

/** A list and its name; the patterns of a later list go before those of an earlier one. */
export type PatternList<Name extends string> = { name: Name; patterns: readonly string[] }

export type Patterns<Name extends string> = {
  /** The list that ignores the path, by itself or by a folder above it; null when none does. */
  ignoredBy(path: string, isFolder: boolean): Name | null
}

// The library remembers its answer for every path that it was ever asked about, without end; so it is begun anew in time.
const answersMax = 20_000

export const compilePatterns = <Name extends string>(lists: readonly PatternList<Name>[]): Patterns<Name> => {
  const nameByMark = new Map<string, Name>(lists.map(({ name }) => [name, name]))
  const marked = lists.flatMap(({ name, patterns }) => patterns.map((pattern) => ({ pattern, mark: name })))
  // Names that differ in case are different names in a vault, whatever this system makes of them.
  const begin = (patterns: Ignore | typeof marked): Ignore => ignore({ ignoreCase: false }).add(patterns)
  const isWorthAsking = couldMatch(marked.map(({ pattern }) => pattern))
  let matcher = begin(marked)
  let answers = 0

  return {
    ignoredBy(path, isFolder) {
      if (path === '' || !isWorthAsking(path)) return null
      if (++answers > answersMax) {
        matcher = begin(matcher)
        answers = 0
      }
      const { rule } = matcher.test(isFolder ? `${path}/` : path)
      return nameByMark.get(rule?.mark ?? '') ?? null
    },
  }
}
