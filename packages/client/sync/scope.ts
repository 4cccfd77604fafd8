/**
 * What a turn has to look at on the disk: everything, or the folders in which a watcher saw something. A scope only
 * saves work; a turn over everything finds what a scope left out.
 */

/** Paths of folders whose names or files may have changed ('' is the linked folder itself), or all of them. */
export type Scope = 'all' | ReadonlySet<string>

export const nothing: Scope = new Set<string>()

/** Both. More folders than `foldersMax` are cheaper looked at as everything. */
export const joinScopes = (a: Scope, b: Scope, foldersMax: number): Scope => {
  if (a === 'all' || b === 'all') return 'all'
  const both = new Set([...a, ...b])
  return both.size > foldersMax ? 'all' : both
}
