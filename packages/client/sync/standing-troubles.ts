/**
 * What is wrong with single paths, kept from turn to turn: a turn that looked at a part of the folder says nothing of
 * the rest, and what it does not say again of the part that it looked at is over. So is what lay in a folder that is
 * not there any more.
 */
import { standingTroublesMax } from '@anysync/protocol/limits.ts'
import { folderOf, isBelowAny } from '../path.ts'
import type { Disk } from '../ports.ts'
import { lookAt } from './look-at.ts'
import type { Trouble } from './report.ts'
import type { Scope } from './scope.ts'

export class StandingTroubles {
  /** By path and kind. */
  #troubles = new Map<string, Trouble>()

  /** Takes over what a round over a scope told, in which these folders were listed. */
  note(scope: Scope, listed: ReadonlySet<string>, troubles: readonly Trouble[]): void {
    if (scope === 'all') this.#troubles.clear()
    for (const [key, { path }] of this.#troubles)
      if (listed.has(folderOf(path)) || listed.has(path)) this.#troubles.delete(key)
    for (const trouble of troubles)
      if (this.#troubles.size < standingTroublesMax) this.#troubles.set(`${trouble.kind} ${trouble.path}`, trouble)
  }

  /** Forgets what lay in folders that are gone: told by who listed a folder above, since nobody can list them again. */
  async forgetGone(disk: Disk, listed: ReadonlySet<string>): Promise<void> {
    const troubles = Map.groupBy(this.#troubles, ([, { path }]) => folderOf(path))
    for (const [folder, inIt] of troubles) {
      if (!isBelowAny(folder, listed)) continue
      const stat = await lookAt(disk, folder)
      if (stat === 'closed' || stat?.kind === 'folder') continue
      for (const [key] of inIt) this.#troubles.delete(key)
    }
  }

  list(): Trouble[] {
    return [...this.#troubles.values()]
  }
}
