/**
 * What a turn has to look at on the disk: everything, or the folders in which a watcher saw something. A scope only
 * saves work; a turn over everything finds what a scope left out.
 */
import { isAtOrBelow } from '../path.ts'

/** Paths of folders whose names or files may have changed ('' is the linked folder itself), or all of them. */
export type Scope = 'all' | ReadonlySet<string>

export const nothing: Scope = new Set<string>()

/** Both. More folders than `foldersMax` are cheaper looked at as everything. */
export const joinScopes = (a: Scope, b: Scope, foldersMax: number): Scope => {
  if (a === 'all' || b === 'all') return 'all'
  const both = new Set([...a, ...b])
  return both.size > foldersMax ? 'all' : both
}

/** A folder that a turn itself moved on the disk. */
export type Move = { from: string; to: string }

/** The scope, and where moves have taken what it names: a hint of before a move tells of the old place. */
export const followMoves = (scope: Scope, moves: readonly Move[], foldersMax: number): Scope => {
  if (scope === 'all' || moves.length === 0) return scope
  return joinScopes(followPaths(scope, moves), nothing, foldersMax)
}

/** The paths, and where moves have taken them. */
const followPaths = (given: ReadonlySet<string>, moves: readonly Move[]): Set<string> => {
  const paths = new Set(given)
  // What a move adds is where it already was taken.
  for (const move of moves) for (const path of paths.values().toArray()) addMoved(paths, path, move)
  return paths
}

const addMoved = (paths: Set<string>, path: string, { from, to }: Move): void => {
  if (isAtOrBelow(path, from)) paths.add(to + path.slice(from.length))
}

/** Folders with all that is below them, and where moves have taken these or a part of what is below them. */
export const followTrees = (given: ReadonlySet<string>, moves: readonly Move[]): Set<string> => {
  const trees = new Set(given)
  for (const move of moves)
    for (const tree of trees.values().toArray()) {
      addMoved(trees, tree, move)
      if (isAtOrBelow(move.from, tree)) trees.add(move.to)
    }
  return trees
}
