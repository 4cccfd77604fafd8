/**
 * Who is who on the disk: which node of the base lies under a name now, by aside name, by name and inode, by inode
 * alone (it was moved), or by name alone (it was saved by rename). Looks at the disk; decides nothing else.
 */
import { idToBytes, parseNodeId, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { isSameStat, isUnwritten } from '../disk-stat.ts'
import { joinPath } from '../path.ts'
import type { BaseNode, Disk, DiskStat, State } from '../ports.ts'
import { lookAt } from './look-at.ts'

const asidePrefix = '.anysync-aside-'
/** Where apply puts a node for a moment, beside its place, when two nodes change names. */
export const asideName = (id: NodeId): string => asidePrefix + idToBytes(id).toHex()

/** The id in an aside name; null for any other name. */
export const asideId = (name: string): NodeId | null => {
  const hex = name.startsWith(asidePrefix) ? name.slice(asidePrefix.length) : ''
  return /^[0-9a-f]{32}$/.test(hex) ? parseNodeId(hex) : null
}
/** What becomes of a node under an aside name that nobody knows, because the database was lost: it gets a name of its own. */
export const recoveredName = (id: NodeId): string => `recovered ${id.slice(-8)}`

/** Something that was met in a folder. */
export type Found = { folder: NodeId; path: string; name: string; stat: DiskStat }

export type IdentifyParts = {
  disk: Disk
  state: State
  linkId: string
  /** Where a folder was found that is not, or no more, as the base has it; null for any other. */
  foundAt: (folder: NodeId) => string | null
}

/**
 * The node of the base that this is; null for a new one. `bases` are the nodes that the base has under this name in this
 * folder. `met` are those that were met already, except those that lie unmoved where the base has them with the inode
 * that it has: such a node is not taken for moved, because it is still there to be seen.
 */
export const identifyNode = async (
  parts: IdentifyParts,
  found: Found,
  bases: BaseNode[],
  met: ReadonlySet<NodeId>,
): Promise<BaseNode | null> => {
  const { state, linkId } = parts
  const asideOf = asideId(found.name)
  const aside = asideOf === null ? null : state.node(linkId, asideOf)
  // One that lies where the base has it was not set aside: this is what an earlier one left.
  if (aside !== null && !met.has(aside.id) && !(await isWhereItWas(parts, aside))) return aside
  const here = bases.filter(({ id, disk, kind }) => disk !== null && kind === found.stat.kind && !met.has(id))
  const ofInode = here.filter(({ disk }) => disk?.inode === found.stat.inode)
  // Inodes are used again: of two that had this one, it is the one that nothing was written to.
  const same = ofInode.find(({ disk }) => disk !== null && isUnwritten(disk, found.stat)) ?? ofInode[0]
  // The same name with another inode: editors that save by rename do this, and it is still the same file.
  return same ?? (await movedHere(parts, found, met)) ?? here[0] ?? null
}

/** Whether it is new without a doubt, as nearly all is of which the base has nothing: then nobody need look closer. */
export const isNew = (
  { state, linkId }: Pick<IdentifyParts, 'state' | 'linkId'>,
  { name, stat }: Found,
  bases: BaseNode[],
): boolean =>
  bases.length === 0 && asideId(name) === null && state.nodeByInode(linkId, stat.device, stat.inode) === null

/** The file that lies here untouched, as almost all do, without a closer look; null for anything else. */
export const fileAsItWas = ({ name, stat }: Found, bases: BaseNode[], met: ReadonlySet<NodeId>): BaseNode | null => {
  const [only, ...others] = bases
  if (stat.kind !== 'file' || only === undefined || others.length > 0) return null
  const isAsItWas = only.name === name && only.kind === 'file' && only.disk !== null && isSameStat(only.disk, stat)
  return isAsItWas && asideId(name) === null && !met.has(only.id) ? only : null
}

/** Whether a node still lies where the base has it. */
const isWhereItWas = async (parts: IdentifyParts, node: BaseNode): Promise<boolean> => {
  const { disk } = parts
  const path = unmovedPath(parts, node)
  const there = path === null ? null : await lookAt(disk, path)
  return there !== null && there !== 'closed' && there.inode === node.disk?.inode
}

/** The base node that was renamed to this place, or null. */
const movedHere = async (parts: IdentifyParts, found: Found, met: ReadonlySet<NodeId>): Promise<BaseNode | null> => {
  const { disk, state, linkId } = parts
  const known = state.nodeByInode(linkId, found.stat.device, found.stat.inode)
  if (known === null || known.disk === null || known.kind !== found.stat.kind || met.has(known.id)) return null
  // Inodes are used again, and a rename writes nothing.
  if (known.kind !== 'folder' && !isUnwritten(known.disk, found.stat)) return null
  const oldPath = unmovedPath(parts, known)
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

/** Where a node lies if it lies where it was in its folder, which may have moved. */
const unmovedPath = ({ state, linkId, foundAt }: IdentifyParts, node: BaseNode): string | null =>
  pathFrom(state, linkId, node, foundAt)

/** Where the base has a node, by the base's own names; null when a folder above it is not in the base. */
export const basePath = (state: State, linkId: string, node: BaseNode): string | null =>
  pathFrom(state, linkId, node, () => null)

const pathFrom = (
  state: State,
  linkId: string,
  node: BaseNode,
  pathOf: (folder: NodeId) => string | null,
): string | null => {
  let path = node.name
  for (let parent = node.parent; parent !== rootNodeId;) {
    const known = pathOf(parent)
    if (known !== null) return joinPath(known, path)
    const folder = state.node(linkId, parent)
    if (folder === null) return null
    path = joinPath(folder.name, path)
    parent = folder.parent
  }
  return path
}
