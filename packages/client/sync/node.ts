/**
 * A node in its two forms: the message that a tree stores, and the flat state that scan, plan and apply compare.
 * All comparisons of two states live here, so that "the same" means one thing.
 */
import { NodeKind, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { assert, SyncError } from '@anysync/protocol/errors.ts'
import { contentBytes, emptyContent, parseContent } from '../content/content.ts'
import type { Absence, BaseNode, DiskStat, NodeState } from '../ports.ts'

/** A node of a checked tree, as a state below its folder. Throws `corrupt` for the root's own id. */
export const nodeStateOf = (node: Node, parent: NodeId): NodeState => {
  const id = nodeIdFromBytes(node.id)
  if (id === rootNodeId)
    throw new SyncError('tree.read', 'corrupt', 'a tree holds a node with the id of the root folder')
  return {
    id,
    parent,
    name: node.name,
    kind: kindOf(node.kind),
    mode: node.mode,
    mtimeNs: node.mtimeNs,
    size: node.kind === NodeKind.FILE ? Number(node.content?.size ?? 0n) : 0,
    content: node.content === undefined ? null : contentBytes(node.content),
    linkTarget: node.linkTarget,
  }
}

const kindOf = (kind: NodeKind): NodeState['kind'] => {
  switch (kind) {
    case NodeKind.FILE:
      return 'file'
    case NodeKind.FOLDER:
      return 'folder'
    case NodeKind.SYMLINK:
      return 'symlink'
    case NodeKind.UNSPECIFIED:
      throw new SyncError('tree.read', 'corrupt', 'a tree holds a node of no kind')
  }
}

const kinds = { file: NodeKind.FILE, folder: NodeKind.FOLDER, symlink: NodeKind.SYMLINK } as const

/** The message for a state. A folder that is new has empty content; the tree's writer fills it in. */
export const nodeOf = (state: NodeState): Node => {
  const node: Node = {
    $typeName: 'anysync.v1.Node',
    id: idToBytes(state.id),
    name: state.name,
    kind: kinds[state.kind],
    mode: state.mode,
    mtimeNs: state.mtimeNs,
    linkTarget: state.kind === 'symlink' ? state.linkTarget : '',
  }
  if (state.kind !== 'symlink') node.content = state.content === null ? emptyContent() : parseContent(state.content)
  return node
}

export const sameBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean => {
  if (a === null || b === null) return a === b
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

/** What is remembered of the root folder's tree: it has no row of its own. */
export const rootContentFact = 'root-content'

/** A timestamp this close to the reading may hide a later write of the same tick (Linux stamps files every 4 ms, some systems every 10). */
const tickNsMax = 50_000_000n

/** Whether a write after the look could have left no trace: what was written so close to it may be written again in the same tick. */
export const isRacy = (stat: DiskStat, lookedNs: bigint): boolean =>
  stat.kind !== 'folder' && stat.ctimeNs > lookedNs - tickNsMax

/**
 * The stat to remember for a node whose content was looked at; `lookedNs` is a time before that. When it is racy, the
 * memory is made to differ: the next scan looks once more.
 */
export const rememberedDisk = (stat: DiskStat, lookedNs: bigint): DiskStat =>
  isRacy(stat, lookedNs) ? forgottenDisk(stat) : stat

/** A stat that fits nothing on the disk, so that the next scan looks at the node. */
export const forgottenDisk = (stat: DiskStat): DiskStat => ({ ...stat, ctimeNs: 0n })

/** A base row from what both sides now agree on. */
export const baseNodeOf = (state: NodeState, disk: DiskStat | null, absence: Absence | null): BaseNode => {
  assert((disk === null) === (absence !== null), 'what is not on this disk has a reason, and what is has none')
  return {
    id: state.id,
    parent: state.parent,
    name: state.name,
    kind: state.kind,
    mode: state.mode,
    mtimeNs: state.mtimeNs,
    size: state.size,
    content: state.content,
    linkTarget: state.linkTarget,
    disk,
    absence,
  }
}

/** Whether two states say the same of one node. A folder's content is compared by opening it, not here. */
export const sameNode = (a: NodeState, b: NodeState): boolean =>
  a.parent === b.parent &&
  a.name === b.name &&
  a.mode === b.mode &&
  a.mtimeNs === b.mtimeNs &&
  a.linkTarget === b.linkTarget &&
  (a.kind === 'folder' || sameBytes(a.content, b.content))
