/**
 * Which nodes a snapshot touched, as its record says it, so that the versions of one file among thousands of snapshots are
 * found without reading a tree of each. What is named may be unchanged; what is not named is.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { assert } from '@anysync/protocol/errors.ts'
import { NodeKind, TouchedSchema, type Node, type Touched } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { idBytes, touchedIdsMax } from '@anysync/protocol/limits.ts'
import { equalBytes } from '../crypto/bytes.ts'
import { paddingOfRoom } from '../crypto/padding.ts'
import type { TreeEdit } from './vault-types.ts'

/** The message in a record has one of these lengths. */
const paddedBytes = [256, 512, 1024, 2048]
const paddedBytesMax = Math.max(...paddedBytes)

/** What edits touch, given the nodes that they found and the folders that were written. Null: too much to say. */
export const touchedBy = (
  edits: readonly TreeEdit[],
  found: ReadonlyMap<NodeId, Node>,
  folders: Iterable<NodeId>,
): Touched | null => {
  const added = new Set<NodeId>()
  for (const { id, from } of edits) if (from === null) added.add(id)
  const placed: NodeId[] = []
  const edited: NodeId[] = []
  for (const { id, from, to } of edits) {
    const before = found.get(id)
    // Of what comes or goes together with its folder, the folder is enough.
    if (to === null ? before === undefined : from === null && added.has(to.parent)) continue
    ;(to !== null && before !== undefined && isInPlace(before, to, from) ? edited : placed).push(id)
  }
  return touchedOf({ placed, edited, written: [...folders].filter((id) => id !== rootNodeId) })
}

const isInPlace = (before: Node, { parent, node }: { parent: NodeId; node: Node }, from: NodeId | null): boolean =>
  from === parent && before.name === node.name && isFolder(before) === isFolder(node)

const isFolder = (node: Node): boolean => node.kind === NodeKind.FOLDER

/** What both touched together. Null when one of them does not say, or it is too much to say. */
export const joinTouched = (a: Touched | null, b: Touched | null): Touched | null => {
  if (a === null || b === null) return null
  const both = (field: keyof Ids): NodeId[] => [...new Set([...idsOf(a[field]), ...idsOf(b[field])])]
  return touchedOf({ placed: both('placed'), edited: both('edited'), written: both('written') })
}

type Ids = { placed: NodeId[]; edited: NodeId[]; written: NodeId[] }

const touchedOf = ({ placed, edited, written }: Ids): Touched | null => {
  if (placed.length + edited.length + written.length > touchedIdsMax) return null
  return create(TouchedSchema, { placed: endToEnd(placed), edited: endToEnd(edited), written: endToEnd(written) })
}

const endToEnd = (ids: readonly NodeId[]): Uint8Array => {
  const bytes = new Uint8Array(ids.length * idBytes)
  for (const [i, id] of ids.entries()) bytes.set(idToBytes(id), i * idBytes)
  return bytes
}

const idsOf = (bytes: Uint8Array): NodeId[] =>
  Array.from({ length: bytes.length / idBytes }, (_, i) =>
    nodeIdFromBytes(bytes.subarray(i * idBytes, (i + 1) * idBytes)),
  )

/** May the node at the end of this way from the root, or the way, be another than in the snapshot before? */
export const mayDiffer = (touched: Touched | null, way: readonly Node[]): boolean => {
  const node = way.at(-1)
  if (touched === null || node === undefined || way.length === 1) return true
  if (way.some(({ id }) => has(touched.placed, id)) || has(touched.edited, node.id)) return true
  return isFolder(node) && has(touched.written, node.id)
}

/** May there be something at a path where there is nothing in the snapshot before, or the reverse, given the way as far as it goes? */
export const mayAppear = (touched: Touched | null, way: readonly Node[]): boolean => {
  const last = way.at(-1)
  if (touched === null || last === undefined) return true
  if (touched.placed.length === 0) return false
  return way.length === 1 || has(touched.written, last.id) || way.some(({ id }) => has(touched.placed, id))
}

const has = (ids: Uint8Array, id: Uint8Array): boolean => {
  for (let at = 0; at < ids.length; at += idBytes) if (equalBytes(ids.subarray(at, at + idBytes), id)) return true
  return false
}

/** As a record says it. */
export const padTouched = (touched: Touched): Touched => {
  const { length } = toBinary(TouchedSchema, touched)
  const padding = paddedBytes.map((bytes) => paddingOfRoom(bytes - length)).find((found) => found !== null)
  assert(padding !== undefined, 'what is named leaves room for padding')
  return { ...touched, padding: new Uint8Array(padding) }
}

/** As it is remembered. */
export const unpadTouched = (touched: Touched | undefined): Touched | null =>
  touched === undefined ? null : { ...touched, padding: new Uint8Array() }

/** Why no writer says this; null: one may. */
export const troubleOfTouched = ({ placed, edited, written, padding }: Touched): string | null => {
  const lengths = [placed, edited, written].map(({ length }) => length)
  if (lengths.some((length) => length % idBytes !== 0)) return 'it touches half a node'
  const count = lengths.reduce((sum, length) => sum + length / idBytes, 0)
  if (count > touchedIdsMax) return `it touches ${count} nodes, more than are named`
  const isPadding = padding.length <= paddedBytesMax && padding.every((byte) => byte === 0)
  return isPadding ? null : 'what it touches is padded with something'
}
