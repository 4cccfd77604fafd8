/**
 * When two names are one on a disk. Systems differ in what they take for the same: the two cases of a letter, or the
 * ways in which Unicode composes it. Folds rather too much than too little: of two names that are taken for one, one
 * waits in the vault; of two that are not and are one, the second could never be stored.
 */

/** What a disk takes for the same. */
export type Folding = { isCaseFolded: boolean; isFormFolded: boolean }

/** The name that stands for all that this disk takes for the same. */
export const foldNameBy = ({ isCaseFolded, isFormFolded }: Folding, name: string): string => {
  const composed = isFormFolded ? name.normalize() : name
  if (!isCaseFolded) return composed
  // By way of the upper case, as the Unicode folding does it: ß and ss, σ and ς are one. Upper case may decompose.
  const folded = composed.toUpperCase().toLowerCase()
  return isFormFolded ? folded.normalize() : folded
}
