/**
 * Where the scans of one turn look, round by round. One that stopped because it found so much goes on where it stopped;
 * what a round could not carry out is looked at again; and folders that the turn moves are followed.
 */
import { roundChangesMax, scopeFoldersMax } from '@anysync/protocol/limits.ts'
import type { Where } from './look.ts'
import { nextRoundSize } from './round-size.ts'
import type { Round } from './round.ts'
import { pathsOf } from './scan-scope.ts'
import { followMoves, followTrees, joinScopes, type Move, type Scope } from './scope.ts'

export class ScanCourse {
  #scope: Scope
  /** Folders to look at with all that is below them, besides. */
  #whole: ReadonlySet<string>
  #isComplete = true
  readonly #changesAtOnceMax: number
  #changesMax: number
  /** By scans that stopped. */
  readonly #listed = new Set<string>()

  /** `whole`: folders to begin with besides, with all below; `changesAtOnceMax`: after how many changes a scan stops. */
  constructor(scope: Scope, whole: ReadonlySet<string>, changesAtOnceMax = roundChangesMax) {
    this.#scope = scope
    this.#whole = whole
    this.#changesAtOnceMax = changesAtOnceMax
    this.#changesMax = changesAtOnceMax
  }

  get where(): Pick<Where, 'scope' | 'whole' | 'changesMax'> {
    return { scope: this.#scope, whole: this.#whole, changesMax: this.#changesMax }
  }

  /** Whether there are folders to look at with all that is below them. */
  get hasWhole(): boolean {
    return this.#whole.size > 0
  }

  /** Whether every folder could be listed to which the scans came that stopped. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** The next round goes on where the scan of this one stopped, if it did. */
  goOn({ scanned, again, undone }: Round, moves: readonly Move[]): void {
    // What could not be carried out is found again, and must not keep the scan from what lies behind it. Nor must what
    // cannot be remembered yet: a scan that came to no other folder than before goes further next time.
    if (scanned.rest.length > 0) {
      const isStuck = scanned.listed.isSubsetOf(this.#listed)
      this.#changesMax = nextRoundSize(this.#changesMax, this.#changesAtOnceMax, { isStuck, undone })
      for (const path of scanned.listed) this.#listed.add(path)
    }
    // What could not be listed was to be looked at no less than what the scan did not come to.
    const left = [...scanned.rest, ...scanned.unlisted]
    this.#whole = followTrees(pathsOf(left, true), moves)
    this.#scope = followMoves(joinScopes(pathsOf(left, false), again, scopeFoldersMax), moves, scopeFoldersMax)
    this.#isComplete &&= scanned.isComplete
  }

  /** The next round looks at the same, and at what this one could not carry out. */
  lookAgain({ scanned, scope, again }: Round, moves: readonly Move[]): void {
    this.#whole = followTrees(this.#whole.union(pathsOf(scanned.unlisted, true)), moves)
    this.#scope = followMoves(joinScopes(scope, again, scopeFoldersMax), moves, scopeFoldersMax)
  }
}
