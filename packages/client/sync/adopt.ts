/**
 * Two devices that make the same name mean the same node: a new local node at the place of a new remote one takes
 * its id, folders first, so that what lies below is compared with what lies below. Nothing is decided here.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import type { HeadChange } from './head-changes.ts'
import type { LocalChange } from './scan.ts'

/** The local changes with adopted ids, in the same order: parents before children. */
export const adopt = (
  local: ReadonlyMap<NodeId, LocalChange>,
  remote: ReadonlyMap<NodeId, HeadChange>,
): Map<NodeId, LocalChange> => {
  const remoteIdsByPlace = new Map<string, NodeId>()
  for (const [id, change] of remote) {
    // A base node without a place on this disk cannot be what was found there, unless it is found there now.
    if (change.remote !== null && change.base === null) remoteIdsByPlace.set(placeKey(change.remote), id)
  }
  const adoptedIds = new Map<NodeId, NodeId>()
  const result = new Map<NodeId, LocalChange>()
  for (const [id, change] of local) {
    if (change.local === null) {
      result.set(id, change)
      continue
    }
    const parent = adoptedIds.get(change.local.parent) ?? change.local.parent
    const folder = adoptedIds.get(change.local.folder) ?? change.local.folder
    const candidate =
      change.base === null ? remoteIdsByPlace.get(placeKey({ parent, name: change.local.name })) : undefined
    const candidateKind = candidate === undefined ? null : (remote.get(candidate)?.remote?.kind ?? null)
    // A folder and a file of one name stay two nodes; the planner gives one of them another name.
    const isAdopted = candidate !== undefined && (candidateKind === 'folder') === (change.local.kind === 'folder')
    const newId = isAdopted ? candidate : id
    if (isAdopted) adoptedIds.set(id, newId)
    result.set(newId, { base: change.base, local: { ...change.local, id: newId, parent, folder } })
  }
  return result
}

const placeKey = (place: { parent: NodeId; name: string }): string => `${place.parent}/${place.name}`
