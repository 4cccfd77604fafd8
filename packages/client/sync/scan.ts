/**
 * The local tree: what the disk holds now, compared with the base. Nothing is read but folders, stats and the
 * targets of symlinks; a file whose stat differs is reported with its content unknown, and whoever needs it reads it.
 *
 * A node keeps its id through a rename: what appears under a new name with the inode, size and time of a node that is
 * no longer where it was, is that node. What is absent from a folder that could be listed is reported as gone;
 * what could not be listed is reported as trouble, and nothing below it is said to be gone.
 */
import { idToBytes, parseNodeId, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import type { BaseNode, Disk, DiskEntry, DiskStat, NodeState, State } from '../ports.ts'
import { isSameStat } from '../disk-stat.ts'
import type { Trouble } from './report.ts'

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
  /** Whether every folder could be listed. */
  isComplete: boolean
  nodes: number
}

export type ScanParts = {
  disk: Disk
  state: State
  linkId: string
  newId: () => NodeId
  onProgress?: (nodes: number) => void
}

export const joinPath = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`)

const asidePrefix = '.anysync-aside-'
/** Where apply puts a node for a moment, beside its place, when two nodes change names. */
export const asideName = (id: NodeId): string => asidePrefix + idToBytes(id).toHex()

type Folder = { id: NodeId; path: string; isElsewhere: boolean }
type Found = { folder: NodeId; path: string; name: string; stat: DiskStat }

/** Scans the whole linked folder. */
export const scan = async (parts: ScanParts): Promise<Scan> => {
  const { disk, state, linkId } = parts
  const result: Scan = { changes: new Map(), troubles: [], isComplete: true, nodes: 0 }
  const met = new Set<NodeId>()
  const missed: BaseNode[] = []
  const queue: Folder[] = [{ id: rootNodeId, path: '', isElsewhere: false }]

  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    const entries = await listFolder(disk, folder.path, result)
    if (entries === null) continue
    // Two may have one name: one that the head has removed, and could not be removed here yet, and its successor.
    const children = state.children(linkId, folder.id)
    const basesByName = Map.groupBy(children, (node) => node.name)
    for (const entry of entries) {
      const path = joinPath(folder.path, entry.name)
      const bases = basesByName.get(entry.name) ?? []
      const skipped = reasonToSkip(entry)
      if (skipped !== null) {
        result.troubles.push({ path, kind: 'skipped', message: skipped })
        for (const base of bases) markWithBelow(state, linkId, base, met)
        continue
      }
      if (entry.stat === null) continue
      const found: Found = { folder: folder.id, path, name: entry.name, stat: entry.stat }
      const { id, node } = await identify(parts, found, bases, met)
      met.add(id)
      result.nodes += 1
      if (found.stat.kind === 'folder') queue.push({ id, path, isElsewhere: isElsewhere(node, found.stat) })
      const change = await changeOf(disk, id, node, found, result)
      if (change !== null) result.changes.set(id, change)
    }
    const absent = children.filter(({ id, disk }) => disk !== null && !met.has(id))
    if (folder.isElsewhere && absent.length > 0) {
      result.isComplete = false
      result.troubles.push({ path: folder.path, kind: 'unreadable', message: elsewhereMessage })
      // The base goes on remembering the file system that was agreed on.
      result.changes.delete(folder.id)
      for (const base of absent) markWithBelow(state, linkId, base, met)
    } else missed.push(...absent)
    parts.onProgress?.(result.nodes)
  }

  reportGone(state, linkId, missed, met, result)
  return result
}

/**
 * Whether another file system lies under a folder's name: a disk was taken out, or mounted there. Systems number their
 * file systems anew at every start, but then the folder's inode stays. [Note: absence is not deletion]
 */
const isElsewhere = (base: BaseNode | null, stat: DiskStat): boolean => {
  const disk = base?.disk ?? null
  return disk !== null && disk.device !== stat.device && disk.inode !== stat.inode
}

const elsewhereMessage =
  'another file system lies here than before, and files are missing: nothing was deleted anywhere. Mount the one that ' +
  'was here, or delete the folder to delete its files'

/** Null, with the trouble noted, when a folder cannot be listed. */
const listFolder = async (disk: Disk, path: string, result: Scan): Promise<DiskEntry[] | null> => {
  try {
    return await disk.list(path)
  } catch (error) {
    // The root must be listed; a folder below it may have vanished since its parent was listed, or be closed to us.
    if (path === '' || !(error instanceof SyncError)) throw error
    result.isComplete = false
    result.troubles.push({ path, kind: 'unreadable', message: error.message })
    return null
  }
}

const reasonToSkip = (entry: DiskEntry): string | null => {
  if (entry.stat === null) return 'its name is not valid UTF-8: rename it to have it synced'
  if (entry.stat.kind === 'other')
    return 'it is neither file, folder nor symlink (a socket, pipe or device): it is not synced'
  return null
}

/** Which node this is: by aside name, by name, by inode, or a new one. */
const identify = async (
  parts: ScanParts,
  found: Found,
  bases: BaseNode[],
  met: Set<NodeId>,
): Promise<{ id: NodeId; node: BaseNode | null }> => {
  const { state, linkId } = parts
  if (found.name.startsWith(asidePrefix) && /^[0-9a-f]{32}$/.test(found.name.slice(asidePrefix.length))) {
    const aside = state.node(linkId, parseNodeId(found.name.slice(asidePrefix.length)))
    if (aside !== null && !met.has(aside.id)) return { id: aside.id, node: aside }
  }
  const here = bases.filter(({ id, disk, kind }) => disk !== null && kind === found.stat.kind && !met.has(id))
  const same = here.find(({ disk }) => disk?.inode === found.stat.inode)
  if (same !== undefined) return { id: same.id, node: same }
  const moved = await movedHere(parts, found, met)
  if (moved !== null) return { id: moved.id, node: moved }
  // The same name with another inode: editors that save by rename do this, and it is still the same file.
  const [saved] = here
  if (saved !== undefined) return { id: saved.id, node: saved }
  return { id: parts.newId(), node: null }
}

/** The base node that was renamed to this place, or null. */
const movedHere = async (
  { disk, state, linkId }: ScanParts,
  found: Found,
  met: Set<NodeId>,
): Promise<BaseNode | null> => {
  const known = state.nodeByInode(linkId, found.stat.device, found.stat.inode)
  if (known === null || known.disk === null || known.kind !== found.stat.kind || met.has(known.id)) return null
  // Inodes are used again; a rename changes neither size nor time.
  if (known.kind !== 'folder' && (known.disk.size !== found.stat.size || known.disk.mtimeNs !== found.stat.mtimeNs))
    return null
  const oldPath = basePath(state, linkId, known)
  if (oldPath === null || oldPath === found.path) return known
  const there = await lookAt(disk, oldPath)
  // Whether it is still where it was cannot be seen: then this is a new node, and nothing is said of the old one.
  if (there === 'closed') return null
  if (there === null || there.kind !== known.kind) return known
  // A hard link leaves the node where it was. A stranger under the old name is an editor's new version of the node,
  // and this its old one set aside; but a node known from elsewhere means that names were exchanged.
  if (there.inode === found.stat.inode) return null
  return state.nodeByInode(linkId, there.device, there.inode) === null ? null : known
}

/** Null also where a parent on the way is no folder any more; `closed` where we may not look. */
const lookAt = async (disk: Disk, path: string): Promise<DiskStat | null | 'closed'> => {
  try {
    return await disk.lstat(path)
  } catch (error) {
    if (isTrouble(error, 'conflict')) return null
    if (isTrouble(error, 'unavailable')) return 'closed'
    throw error
  }
}

/** Where the base has a node, by the base's own names; null when a folder above it is not in the base. */
export const basePath = (state: State, linkId: string, node: BaseNode): string | null => {
  let path = node.name
  for (let parent = node.parent; parent !== rootNodeId;) {
    const folder = state.node(linkId, parent)
    if (folder === null) return null
    path = joinPath(folder.name, path)
    parent = folder.parent
  }
  return path
}

/** Null also, with the trouble noted, for a link whose target cannot be read. */
const changeOf = async (
  disk: Disk,
  id: NodeId,
  base: BaseNode | null,
  found: Found,
  result: Scan,
): Promise<LocalChange | null> => {
  const { stat, path } = found
  if (stat.kind === 'other') return null
  const isAside = found.name === asideName(id) && base !== null
  const place = isAside ? { parent: base.parent, name: base.name } : { parent: found.folder, name: found.name }
  const isPlaceSame = base !== null && !isAside && base.parent === place.parent && base.name === place.name
  if (isPlaceSame && base.disk !== null && isSameStat(base.disk, stat)) return null
  const linkTarget = stat.kind === 'symlink' ? await readLink(disk, path, result) : ''
  if (linkTarget === null) return null
  const local: LocalNode = {
    id,
    ...place,
    kind: stat.kind,
    mode: stat.kind === 'symlink' ? 0 : stat.mode,
    mtimeNs: stat.mtimeNs,
    size: stat.kind === 'file' ? stat.size : 0,
    content: null,
    linkTarget,
    path,
    folder: found.folder,
    disk: stat,
    isAside,
  }
  return { base, local }
}

const readLink = async (disk: Disk, path: string, result: Scan): Promise<string | null> => {
  try {
    return await disk.readLink(path)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    result.troubles.push({ path, kind: 'unreadable', message: error.message })
    return null
  }
}

/** Says of every base node that was on this disk, was in a listed folder, and was met nowhere, that it is gone; with all below it. */
const reportGone = (state: State, linkId: string, missed: BaseNode[], met: Set<NodeId>, result: Scan): void => {
  const queue = missed.filter((node) => !met.has(node.id))
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    // What was never on this disk cannot be missing from it.
    if (node.disk === null || met.has(node.id)) continue
    met.add(node.id)
    result.changes.set(node.id, { base: node, local: null })
    if (node.kind === 'folder') queue.push(...state.children(linkId, node.id))
  }
}

const markWithBelow = (state: State, linkId: string, node: BaseNode, met: Set<NodeId>): void => {
  const queue = [node]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    met.add(next.id)
    if (next.kind === 'folder') queue.push(...state.children(linkId, next.id))
  }
}
