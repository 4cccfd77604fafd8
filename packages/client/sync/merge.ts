/**
 * One node, seen three times: when both sides last agreed, on this disk, at the head. What it shall be on both.
 * Pure. [Note: the policy] An edit beats a deletion. Place, content, mode and time merge one by one; where both sides
 * changed the place, the mode or the time, the head wins, for it was first in the log. Two different contents are both
 * kept: the head's under the name, the disk's as a conflict copy.
 */
import type { NodeState } from '../ports.ts'

export type Sighting<S> = { base: S | null; local: S | null; remote: S | null }

/** `isKeptTwice`: both edits live on; `state` is the head's, and the local one wants a name of its own. */
export type Merged = { state: NodeState | null; isKeptTwice: boolean }

export type Choice = 'local' | 'remote' | 'both'

/** Which of three sightings of one aspect stands; equal ones count as the head's. */
export const choose = <S>(
  { base, local, remote }: { base: S; local: S; remote: S },
  isSame: (a: S, b: S) => boolean,
): Choice => {
  if (isSame(local, remote) || isSame(local, base)) return 'remote'
  if (isSame(remote, base)) return 'local'
  return 'both'
}

/** What a node shall be. A local file whose content is null was touched but not read: it counts as edited. */
export const mergeNode = (sighting: Sighting<NodeState>): Merged => {
  const { base, local, remote } = sighting
  if (local === null && remote === null) return kept(null)
  if (local === null) return kept(base !== null && remote !== null && isUnchanged(base, remote) ? null : remote)
  if (remote === null) return kept(base !== null && isUnchanged(base, local) ? null : local)

  const place = choose({ base, local, remote }, isSamePlaceOrNull) === 'local' ? local : remote
  const content = choose({ base, local, remote }, isSameContentOrNull)
  const mode = choose({ base, local, remote }, (a, b) => a?.mode === b?.mode) === 'local' ? local.mode : remote.mode
  const winner = content === 'local' ? local : remote
  const state: NodeState = {
    ...winner,
    id: remote.id,
    parent: place.parent,
    name: place.name,
    mode: content === 'both' ? remote.mode : mode,
    mtimeNs: mergeTime(sighting, content, local, remote),
    // The content of a folder is its tree, which follows from its nodes.
    content: remote.kind === 'folder' ? remote.content : winner.content,
  }
  return { state, isKeptTwice: content === 'both' }
}

const kept = (state: NodeState | null): Merged => ({ state, isKeptTwice: false })

/** A folder's time follows whatever happens in it, so it is taken from the head only when the head has a new one. */
const mergeTime = ({ base }: Sighting<NodeState>, content: Choice, local: NodeState, remote: NodeState): bigint => {
  if (remote.kind === 'folder') return base !== null && base.mtimeNs === remote.mtimeNs ? local.mtimeNs : remote.mtimeNs
  if (content !== 'remote') return content === 'local' ? local.mtimeNs : remote.mtimeNs
  if (base === null || !isSameContent(base, remote)) return remote.mtimeNs
  return choose({ base: base.mtimeNs, local: local.mtimeNs, remote: remote.mtimeNs }, (a, b) => a === b) === 'local'
    ? local.mtimeNs
    : remote.mtimeNs
}

/** A place as a key of maps. */
export const placeKey = ({ parent, name }: Pick<NodeState, 'parent' | 'name'>): string => `${parent}/${name}`

export const isSamePlace = (a: NodeState, b: NodeState): boolean => a.parent === b.parent && a.name === b.name

/** Equal bytes, equal target, or both folders. Content that nobody has read equals nothing. */
export const isSameContent = (a: NodeState, b: NodeState): boolean => {
  if (a.kind !== b.kind) return false
  if (a.kind === 'folder') return true
  if (a.kind === 'symlink') return a.linkTarget === b.linkTarget
  if (a.content === null || b.content === null || a.content.length !== b.content.length) return false
  for (let index = 0; index < a.content.length; index++) if (a.content[index] !== b.content[index]) return false
  return true
}

/** Whether two states say the same of a node. A folder's time says nothing. */
export const isUnchanged = (a: NodeState, b: NodeState): boolean =>
  isSamePlace(a, b) && isSameContent(a, b) && a.mode === b.mode && (a.kind === 'folder' || a.mtimeNs === b.mtimeNs)

const isSamePlaceOrNull = (a: NodeState | null, b: NodeState | null): boolean =>
  a === null || b === null ? a === b : isSamePlace(a, b)
const isSameContentOrNull = (a: NodeState | null, b: NodeState | null): boolean =>
  a === null || b === null ? a === b : isSameContent(a, b)
