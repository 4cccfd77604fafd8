/**
 * Two devices that make the same name mean the same node: a new local node at the place of a new remote one takes
 * its id, folders first, so that what lies below is compared with what lies below. Nothing is decided here.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import { isUnwritten } from '../disk-stat.ts'
import type { BaseNode } from '../ports.ts'
import type { HeadChange } from './head-changes.ts'
import { placeKey } from './merge.ts'
import type { LocalChange } from './scan.ts'

/** The local changes with adopted ids, in the same order: parents before children. */
export const adopt = (
  local: ReadonlyMap<NodeId, LocalChange>,
  remote: ReadonlyMap<NodeId, HeadChange>,
  baseChildren: (folder: NodeId) => BaseNode[],
): Map<NodeId, LocalChange> => {
  const remoteIdsByPlace = new Map<string, NodeId>()
  remote.forEach((change, id) => {
    // One of the base that is still elsewhere on this disk cannot be what was found there. One that is gone from where it
    // was can: a turn that did not end may have put it there.
    const isNowhere = change.base === null || change.base.disk === null || local.get(id)?.local === null
    if (change.remote !== null && isNowhere) remoteIdsByPlace.set(placeKey(change.remote), id)
  })
  const absent = new AbsentNodes(remote, baseChildren)
  const adoptedIds = new Map<NodeId, NodeId>()
  /** Nodes that were found under another id. */
  const found = new Set<NodeId>()
  const result = new Map<NodeId, LocalChange>()
  local.forEach((change, id) => {
    if (change.local === null) {
      if (!found.has(id)) result.set(id, change)
      return
    }
    const parent = adoptedIds.get(change.local.parent) ?? change.local.parent
    const folder = adoptedIds.get(change.local.folder) ?? change.local.folder
    const place = { parent, name: change.local.name }
    const candidate =
      change.base === null
        ? (remoteIdsByPlace.get(placeKey(place)) ?? absent.at(parent, place.name))
        : replacementOf(change, remote, remoteIdsByPlace.get(placeKey(place)))
    const candidateKind =
      candidate === undefined ? null : (remote.get(candidate)?.remote?.kind ?? absent.kindOf(candidate))
    // A folder and a file of one name stay two nodes; the planner gives one of them another name.
    const isOfKind = (candidateKind === 'folder') === (change.local.kind === 'folder')
    // A node that is known already never changes its kind.
    const knownKind = candidate === undefined ? null : (remote.get(candidate)?.base?.kind ?? null)
    const isAdopted = candidate !== undefined && isOfKind && (knownKind === null || knownKind === change.local.kind)
    const newId = isAdopted ? candidate : id
    if (isAdopted) {
      adoptedIds.set(id, newId)
      found.add(newId)
      // Who it was before is gone on both sides.
      if (change.base !== null) result.set(id, { base: change.base, local: null })
    }
    const base = isAdopted ? (local.get(newId)?.base ?? null) : change.base
    const isAsBefore = newId === id && parent === change.local.parent && folder === change.local.folder
    result.set(newId, isAsBefore ? change : { base, local: { ...change.local, id: newId, parent, folder } })
  })
  return result
}

/**
 * The file that the head has at the place of one that it has removed: when that may hold just what was written here, the
 * two are one file. Else the one here lives on beside it, with the versions that it had.
 */
const replacementOf = (
  { base, local }: LocalChange,
  remote: ReadonlyMap<NodeId, HeadChange>,
  there: NodeId | undefined,
): NodeId | undefined => {
  if (base === null || local === null || base.kind !== 'file' || there === undefined) return undefined
  // What only looks touched, and was not written, goes with the deletion.
  if (isUnwritten(local, base)) return undefined
  const isRemoved = remote.get(base.id)?.remote === null
  return isRemoved && remote.get(there)?.remote?.size === local.size ? there : undefined
}

/** Nodes that are in the vault as before and not on this disk, by their place; read for the folders that are asked for. */
class AbsentNodes {
  readonly #remote: ReadonlyMap<NodeId, HeadChange>
  readonly #baseChildren: (folder: NodeId) => BaseNode[]
  readonly #folders = new Map<NodeId, Map<string, BaseNode>>()
  readonly #found = new Map<NodeId, BaseNode>()

  constructor(remote: ReadonlyMap<NodeId, HeadChange>, baseChildren: (folder: NodeId) => BaseNode[]) {
    this.#remote = remote
    this.#baseChildren = baseChildren
  }

  at(folder: NodeId, name: string): NodeId | undefined {
    let names = this.#folders.get(folder)
    if (names === undefined) {
      const absent = this.#baseChildren(folder).filter(({ id, disk }) => disk === null && !this.#remote.has(id))
      names = new Map(absent.map((node) => [node.name, node]))
      this.#folders.set(folder, names)
    }
    const node = names.get(name)
    if (node !== undefined) this.#found.set(node.id, node)
    return node?.id
  }

  kindOf(id: NodeId): BaseNode['kind'] | null {
    return this.#found.get(id)?.kind ?? null
  }
}
