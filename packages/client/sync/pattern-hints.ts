/**
 * A quick no: whether any of many patterns could match a path at all. A scan asks about every file, and nearly always no
 * pattern comes close; each pattern has letters that every path it matches holds as they are.
 */

/** Whether a path may be matched by one of these .gitignore patterns: false is certain, true is not. */
export const couldMatch = (patterns: readonly string[]): ((path: string) => boolean) => {
  const needed = patterns.filter((pattern) => !pattern.startsWith('!')).map(longestLiteral)
  if (needed.length === 0) return () => false
  if (needed.includes('')) return () => true
  const anyOfThem = new RegExp(needed.map((text) => RegExp.escape(text)).join('|'))
  return (path) => anyOfThem.test(path)
}

/** The longest run of plain characters in a pattern: whatever it matches holds them, one after the other. '' when there is none. */
const longestLiteral = (pattern: string): string => {
  // What stands behind a backslash or in brackets is left aside: it may stand for something else.
  const runs =
    pattern
      .replace(/\\./gs, '*')
      .replace(/\[.*?\]/gs, '*')
      .match(/[^*?[\]\\/\s]+/g) ?? []
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '')
}
