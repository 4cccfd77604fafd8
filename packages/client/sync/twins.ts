/**
 * Twins: nodes of one folder whose names this disk takes for one (Readme and README, or two Unicode forms). The vault
 * holds them all, the disk one. Pure: who keeps the place follows from what is on the disk, then from the names, and
 * not from the order in which things arrive.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import { compareNames } from '../vault/tree.ts'
import type { Absence } from '../ports.ts'

export const twinAbsence: Absence = {
  kind: 'twin',
  message:
    'its name differs only in case or Unicode form from another name here, and this system cannot hold both: rename ' +
    'one of them',
}

export type Named = { id: NodeId; name: string }

/** Of those that want to come into a folder, the ones that cannot: beside what is there, or beside each other. */
export const twinsAmong = (there: Iterable<Named>, coming: Named[], foldName: (name: string) => string): NodeId[] => {
  const taken = new Set([...there].map(({ name }) => foldName(name)))
  const twins: NodeId[] = []
  for (const { id, name } of coming.toSorted((a, b) => compareNames(a.name, b.name))) {
    const folded = foldName(name)
    if (taken.has(folded)) twins.push(id)
    taken.add(folded)
  }
  return twins
}

/** Whether a disk folds names at all: where none are one, nobody has to compare. */
export const foldsNames = (foldName: (name: string) => string): boolean =>
  foldName('A') !== 'A' || foldName('e\u0301') !== 'e\u0301'
