/**
 * What is wrong with single paths, kept from turn to turn: a turn that looked at a part of the folder says nothing of
 * the rest, and what it does not say again of the part that it looked at is over.
 */
import { standingTroublesMax } from '@anysync/protocol/limits.ts'
import { folderOf } from './identify-node.ts'
import type { Trouble } from './report.ts'
import type { Scope } from './scope.ts'

export class StandingTroubles {
  #troublesByPath = new Map<string, Trouble>()

  /** Takes over what a round over a scope told, in which these folders were listed. */
  note(scope: Scope, listed: ReadonlySet<string>, troubles: readonly Trouble[]): void {
    if (scope === 'all') this.#troublesByPath.clear()
    for (const path of this.#troublesByPath.keys())
      if (listed.has(folderOf(path)) || listed.has(path)) this.#troublesByPath.delete(path)
    for (const trouble of troubles)
      if (this.#troublesByPath.size < standingTroublesMax) this.#troublesByPath.set(trouble.path, trouble)
  }

  list(): Trouble[] {
    return [...this.#troublesByPath.values()]
  }
}
