/**
 * The local tree: what the disk holds now, compared with the base. Nothing is read but folders, stats and the
 * targets of symlinks; a file whose stat differs is reported with its content unknown, and whoever needs it reads it.
 *
 * A node keeps its id through a rename: what appears under a new name with the inode, size and time of a node that is
 * no longer where it was, is that node. What is absent from a folder that could be listed is reported as gone;
 * what could not be listed is reported as trouble, and nothing below it is said to be gone.
 *
 * What is remembered grows with what changed, not with what is there.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { joinPath } from '../path.ts'
import type { BaseNode, Disk, DiskEntry, NodeState, DiskStat, State } from '../ports.ts'
import { isOnTheWay, lookInside, passOver } from './descend.ts'
import { fileAsItWas, identifyNode, isNew, type Found } from './identify-node.ts'
import { foldersIfKnown, listingOf } from './known-folder.ts'
import { changeOf, withTarget } from './local-change.ts'
import { reportGone } from './missing.ts'
import { leftOut } from './left-out.ts'
import type { Trouble } from './report.ts'
import type { Rules } from './rules.ts'
import { foldersToList, type FolderToList } from './scan-scope.ts'
import type { Scope } from './scope.ts'
import { foldsNames } from './twins.ts'

/** A node as the disk holds it. `content` of a file is null until somebody reads it. */
export type LocalNode = NodeState & {
  /** Where it lies now, and in which folder. */
  path: string
  folder: NodeId
  disk: DiskStat
  /** Whether it lies under the name that apply gives to what it has moved out of the way. */
  isAside: boolean
}

/** A node that differs from the base. `local` is null for what is gone. */
export type LocalChange = { base: BaseNode | null; local: LocalNode | null }

export type Scan = {
  /** Parents before children. */
  changes: Map<NodeId, LocalChange>
  troubles: Trouble[]
  /** Whether every folder that was to be listed could be. */
  isComplete: boolean
  /** Folders that it did not come to, because so much was found; empty when it came to its end. */
  rest: readonly FolderToList[]
  /** Folders that could not be listed now. */
  unlisted: FolderToList[]
  /** Nodes of the base that lie here and are left out, with all below them. */
  leftOut: Set<NodeId>
  /** Nodes of the base that are left out, and are not here any more; with the reason. */
  leftOutGone: { node: BaseNode; message: string }[]
  /** Paths of the folders that were listed. */
  listed: Set<string>
  nodes: number
  /** Folders that hold something that is left out: what is not synced is not removed either. */
  heldFolders: Set<NodeId>
}

export type ScanParts = {
  disk: Disk
  state: State
  linkId: string
  newId: () => NodeId
  rules: Rules
  nowNs: bigint
  scope: Scope
  /** Folders to look at with all that is below them, besides. */
  whole?: ReadonlySet<string>
  /** A scan that found so many changes, and misses nothing, stops: what was found is carried out first. */
  changesMax: number
  onProgress?: (nodes: number) => void
}

/** What one scan gathers as it goes. */
type Walk = {
  parts: ScanParts
  result: Scan
  /** Nodes that were met elsewhere than unmoved at their place; see `identifyNode`. */
  met: Set<NodeId>
  missed: BaseNode[]
  /** Nodes whose name is, or was taken by, something that is left out. */
  hidden: Map<NodeId, BaseNode>
  /** Folders that were found in the one that is looked at, to be looked at next. */
  below: FolderToList[]
  /** Whether this disk takes different names for one. */
  areNamesFolded: boolean
  /** Folders in which all is as the base has it; the state does not know it yet. */
  known: { folder: NodeId; listing: string; folders: NodeId[] }[]
}

/** Scans what the scope names. Throws as `Disk.list` does when the linked folder itself cannot be listed. */
export const scan = async (parts: ScanParts): Promise<Scan> => {
  const result: Scan = {
    changes: new Map(),
    troubles: [],
    isComplete: true,
    rest: [],
    unlisted: [],
    leftOut: new Set(),
    leftOutGone: [],
    listed: new Set(),
    nodes: 0,
    heldFolders: new Set(),
  }
  const walk: Walk = {
    parts,
    result,
    met: new Set(),
    missed: [],
    hidden: new Map(),
    below: [],
    areNamesFolded: foldsNames((name) => parts.disk.foldName(name)),
    known: [],
  }
  const looked = new Set<NodeId>()
  const unlistable = new Set<string>()
  // Depth first: then few folders are left at any moment, however many there are.
  const left = (await foldersToList(parts, parts.scope, parts.whole)).toReversed()
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    // While something is missed, its new place may be in any folder: then all must be seen before anything is done.
    if (result.changes.size >= parts.changesMax && walk.missed.length === 0) {
      result.rest = [folder, ...left.toReversed()]
      break
    }
    // By its id: where Readme and README are one, a hint may still tell of the spelling before.
    if (looked.has(folder.id) || unlistable.has(folder.path)) continue
    // One that has just moved is looked at where it is met.
    if (await listOne(walk, folder)) looked.add(folder.id)
    else unlistable.add(folder.path)
    for (let found = walk.below.pop(); found !== undefined; found = walk.below.pop()) left.push(found)
    if (walk.known.length >= knownAtOnce) remember(walk)
    parts.onProgress?.(result.nodes)
  }
  remember(walk)
  // What was moved away before its name was taken is where it was met.
  for (const base of walk.hidden.values()) markWithBelow(parts.state, parts.linkId, base, walk.met, result.leftOut)
  reportGone(parts.state, parts.linkId, walk.missed, walk.met, result.changes)
  leaveOutEmptied(walk)
  return result
}

/** False when it could not be listed. */
const listOne = async (walk: Walk, folder: FolderToList): Promise<boolean> => {
  const { parts, result, met, missed } = walk
  const { state, linkId } = parts
  const entries = await listFolder(parts.disk, folder, result)
  if (entries === null) return false
  result.listed.add(folder.path)
  const isBase = !folder.isNew && !folder.isElsewhere
  const listing = isBase ? listingOf(parts.rules, folder.path, entries) : null
  const known = listing === null ? null : state.foldersListed(linkId, folder.id, listing)
  if (known !== null) {
    result.nodes += entries.length
    passOver(walk, folder, entries, known)
    return true
  }
  const children = folder.isNew ? [] : state.children(linkId, folder.id)
  // Two may have one name: one that the head has removed, and could not be removed here yet, and its successor.
  const basesByName = Map.groupBy(children, (node) => node.name)
  const basesBySpelling = walk.areNamesFolded ? respelledIn(parts.disk, entries, children) : null
  const identifying = { ...parts, foundAt: (id: NodeId): string | null => result.changes.get(id)?.local?.path ?? null }
  /** Nodes of this folder that lie where they lay. */
  const unmoved = new Set<NodeId>()
  for (const entry of entries) {
    const path = joinPath(folder.path, entry.name)
    const named = basesByName.get(entry.name) ?? []
    const respelled = basesBySpelling?.get(parts.disk.foldName(entry.name)) ?? []
    const bases = respelled.length === 0 ? named : [...named, ...respelled]
    const left = leftOut(parts, entry, path, bases)
    if (left !== null) {
      if (left.trouble !== null) result.troubles.push({ path, ...left.trouble })
      result.heldFolders.add(folder.id)
      for (const base of bases) walk.hidden.set(base.id, base)
      continue
    }
    if (entry.stat === null) continue
    const found: Found = { folder: folder.id, path, name: entry.name, stat: entry.stat }
    const asItWas = fileAsItWas(found, bases, met)
    if (asItWas !== null) {
      unmoved.add(asItWas.id)
      result.nodes += 1
      continue
    }
    const likely = isNew(parts, found, bases) ? null : await identifyNode(identifying, found, bases, met)
    const node = likely !== null && isOnTheWay(folder, likely) ? null : likely
    const id = node?.id ?? parts.newId()
    if (node !== null && bases.includes(node) && node.disk?.inode === found.stat.inode) unmoved.add(id)
    else met.add(id)
    result.nodes += 1
    if (found.stat.kind === 'folder') lookInside(walk, folder, node, id, found)
    const seen = changeOf(id, node, found)
    const change = seen?.local?.kind === 'symlink' ? await withTarget(parts.disk, seen, result) : seen
    if (change !== null) result.changes.set(id, change)
  }
  const absent = children.filter((node) => {
    if (node.disk === null || met.has(node.id) || unmoved.has(node.id) || walk.hidden.has(node.id)) return false
    const refusal = parts.rules.refuse(joinPath(folder.path, node.name), node.kind, null, parts.nowNs)
    if (refusal === null) return true
    // It was moved or deleted here while it was left out: that, too, stays here.
    result.leftOutGone.push({ node, message: refusal.message })
    return false
  })
  if (folder.isElsewhere && absent.length > 0) {
    result.isComplete = false
    result.troubles.push({ path: folder.path, kind: 'unreadable', message: elsewhereMessage })
    // The base goes on remembering the file system that was agreed on.
    result.changes.delete(folder.id)
    for (const base of absent) markWithBelow(state, linkId, base, met)
  } else missed.push(...absent)
  if (listing !== null && folder.isWhole && unmoved.size === entries.length) {
    const folders = foldersIfKnown(children, entries)
    if (folders !== null) walk.known.push({ folder: folder.id, listing, folders })
  }
  return true
}

/** So many are remembered in one transaction. */
const knownAtOnce = 256

const remember = ({ parts: { state, linkId }, known }: Walk): void => {
  if (known.length === 0) return
  state.transact(() => {
    for (const { folder, listing, folders } of known) state.putListing(linkId, folder, listing, folders)
  })
  known.length = 0
}

/** Where Readme and README are one, a node may be there under another spelling of its name. */
const respelledIn = (disk: Disk, entries: DiskEntry[], children: BaseNode[]): Map<string, BaseNode[]> => {
  const listed = new Set(entries.map(({ name }) => name))
  return Map.groupBy(
    children.filter(({ name }) => !listed.has(name)),
    ({ name }) => disk.foldName(name),
  )
}

const elsewhereMessage =
  'another file system lies here than before, and files are missing: nothing was deleted anywhere. Mount the one that ' +
  'was here, or delete the folder to delete its files'

/** Null, with the trouble noted, when a folder cannot be listed. */
const listFolder = async (disk: Disk, folder: FolderToList, result: Scan): Promise<DiskEntry[] | null> => {
  const { path } = folder
  try {
    return await disk.list(path)
  } catch (error) {
    // The root must be listed; a folder below it may have vanished since its parent was listed, or be closed to us.
    if (path === '' || !(error instanceof SyncError)) throw error
    result.isComplete = false
    result.unlisted.push(folder)
    result.troubles.push({ path, kind: 'unreadable', message: error.message })
    return null
  }
}

/** A new folder of which nothing is synced, because all that is in it is left out, is left out too. */
const leaveOutEmptied = ({ result }: Walk): void => {
  const { heldFolders } = result
  if (heldFolders.size === 0) return
  const lived = new Set<NodeId>()
  for (const [id, { base, local }] of [...result.changes].toReversed()) {
    if (local === null) continue
    const isEmptied = base === null && local.kind === 'folder' && heldFolders.has(id) && !lived.has(id)
    if (isEmptied) result.changes.delete(id)
    ;(isEmptied ? heldFolders : lived).add(local.folder)
  }
}

/** Counts a node as met, with all below it that was not met elsewhere, and adds them to the marks. */
const markWithBelow = (
  state: State,
  linkId: string,
  node: BaseNode,
  met: Set<NodeId>,
  marks: Set<NodeId> = new Set(),
): void => {
  const queue = [node]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (met.has(next.id)) continue
    met.add(next.id)
    marks.add(next.id)
    if (next.kind === 'folder') queue.push(...state.children(linkId, next.id))
  }
}
