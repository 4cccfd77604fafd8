/**
 * The tree of one folder: its nodes in byte order of their names. Whatever is read here came through the server and
 * maybe through a broken writer, so every rule of the format is checked before a node is believed. Errors name nodes
 * by id.
 */
import { NodeKind, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { demand, isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { rootNodeId, toHex } from '@anysync/protocol/ids.ts'
import { idBytes, linkTargetBytesMax, nameBytesMax, treeBytesMax, treeNodesMax } from '@anysync/protocol/limits.ts'
import { checkContent, readContent, writeContent } from '../content/content.ts'
import { MessageReader } from '../crypto/message-reader.ts'
import { MessageWriter } from '../crypto/message-writer.ts'

/** The permission bits there are. */
const modeMax = 0o7777

/** The nodes of a serialised tree. `corrupt` for anything but the one form of a tree that keeps every rule. */
export const parseTree = (bytes: Uint8Array): Node[] => {
  const operation = 'tree.parse'
  demand(bytes.length <= treeBytesMax, operation, 'corrupt', `a tree of ${bytes.length} bytes is more than is allowed`)
  const nodes = readNodes(new MessageReader(bytes, { operation, name: 'a tree' }))
  const fault = faultOf(nodes)
  demand(fault === null, operation, 'corrupt', `a tree is damaged: ${fault?.message ?? ''}`)
  return nodes
}

/**
 * The one serialised form of a folder's nodes, whatever their order. `conflict` when two share a name or an id,
 * `invalid` when a node or the whole is not what a tree may hold.
 */
export const serializeTree = (nodes: Node[]): Uint8Array => {
  const operation = 'tree.write'
  const sorted = nodes.toSorted((a, b) => compareNames(a.name, b.name))
  const fault = faultOf(sorted)
  if (fault !== null) {
    const kind = fault.isTwice ? 'conflict' : 'invalid'
    throw new SyncError(operation, kind, `a folder cannot be written: ${fault.message}`)
  }
  const writer = new MessageWriter(sorted.length * nodeBytesGuess)
  for (const node of sorted) writer.message(1, () => writeNode(writer, node))
  const bytes = writer.finish()
  demand(bytes.length <= treeBytesMax, operation, 'invalid', `a folder's tree would be ${bytes.length} bytes: split it`)
  return bytes
}

/** A file of one chunk with a name of a common length. */
const nodeBytesGuess = 112

/** Not checked yet, but for how many there are. */
const readNodes = (reader: MessageReader): Node[] => {
  const nodes: Node[] = []
  for (let field = reader.next(1); field !== 0; field = reader.next(1)) {
    if (field !== 1 || nodes.length > treeNodesMax) reader.refuse()
    nodes.push(readNode(reader.message()))
  }
  return nodes
}

const readNode = (reader: MessageReader): Node => {
  const node: Node = {
    $typeName: 'anysync.v1.Node',
    id: new Uint8Array(),
    name: '',
    kind: NodeKind.UNSPECIFIED,
    mode: 0,
    mtimeNs: 0n,
    linkTarget: '',
  }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) node.id = reader.bytes()
    else if (field === 2) node.name = reader.text()
    else if (field === 3) node.kind = reader.uint32()
    else if (field === 4) node.mode = reader.uint32()
    else if (field === 5) node.mtimeNs = reader.sint64()
    else if (field === 6) node.content = readContent(reader.message())
    else if (field === 7) node.linkTarget = reader.text()
    else reader.refuse()
  }
  return node
}

const writeNode = (writer: MessageWriter, node: Node): void => {
  const { content } = node
  writer.bytes(1, node.id)
  writer.text(2, node.name)
  writer.uint32(3, node.kind)
  writer.uint32(4, node.mode)
  writer.sint64(5, node.mtimeNs)
  if (content !== undefined) writer.message(6, () => writeContent(writer, content))
  writer.text(7, node.linkTarget)
}

/**
 * Byte order of the UTF-8 forms, which is the order of code points. UTF-16 units differ from it only where a surrogate
 * meets a unit above the surrogates.
 */
export const compareNames = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i)
    const unitB = b.charCodeAt(i)
    if (unitA !== unitB) return rank(unitA) - rank(unitB)
  }
  return a.length - b.length
}

const rank = (unit: number): number => (isSurrogate(unit) ? unit + 0x1_0000 : unit)
const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff

type Fault = { message: string; isTwice: boolean }

/** What is wrong with the nodes of a folder, or null. */
const faultOf = (nodes: Node[]): Fault | null => {
  if (nodes.length > treeNodesMax) return { message: `${nodes.length} nodes are too many`, isTwice: false }
  const ids = new Set<string>()
  let previous: Node | null = null
  for (const node of nodes) {
    const id = toHex(node.id)
    const why = faultOfNode(node, id)
    if (why !== null) return { message: `node ${id} ${why}`, isTwice: false }
    if (ids.has(id)) return { message: `node ${id} is there twice`, isTwice: true }
    ids.add(id)
    const order = previous === null ? -1 : compareNames(previous.name, node.name)
    const other = previous === null ? '' : toHex(previous.id)
    if (order === 0) return { message: `nodes ${other} and ${id} have one name`, isTwice: true }
    if (order > 0) return { message: `node ${id} is out of order`, isTwice: false }
    previous = node
  }
  return null
}

/** What is wrong with one node, whose id is this in hex, or null. */
const faultOfNode = (node: Node, id: string): string | null => {
  if (node.id.length !== idBytes || id === rootNodeId) return 'has an id that no node has'
  if (!isName(node.name)) return 'has a name that no node may have'
  if (node.mode > modeMax) return `has mode ${node.mode.toString(8)}, which holds more than permission bits`
  switch (node.kind) {
    case NodeKind.FILE:
      return faultOfContent(node, BigInt(Number.MAX_SAFE_INTEGER))
    case NodeKind.FOLDER:
      return faultOfContent(node, BigInt(treeBytesMax))
    case NodeKind.SYMLINK:
      if (node.mode !== 0 || node.content !== undefined) return 'is a symlink with a mode or content'
      return isLinkTarget(node.linkTarget) ? null : 'is a symlink whose target no symlink may have'
    case NodeKind.UNSPECIFIED:
      return 'is of no kind'
    default:
      return 'is of an unknown kind'
  }
}

const faultOfContent = ({ content, linkTarget }: Node, sizeMax: bigint): string | null => {
  if (linkTarget !== '') return 'has a link target but is no symlink'
  if (content === undefined) return 'has no content'
  if (content.size > sizeMax) return `has ${content.size} bytes of content, more than is allowed`
  try {
    checkContent(content)
    return null
  } catch (error) {
    if (isTrouble(error, 'corrupt')) return `cannot be: ${error.message}`
    throw error
  }
}

/** Whether a node may have this name: what a path can hold between two '/'. */
export const isName = (name: string): boolean =>
  name !== '' &&
  name !== '.' &&
  name !== '..' &&
  !name.includes('/') &&
  !name.includes('\0') &&
  isWithin(name, nameBytesMax)

const isLinkTarget = (target: string): boolean =>
  target !== '' && !target.includes('\0') && isWithin(target, linkTargetBytesMax)

const encoder = new TextEncoder()

/** Whether the text is well formed and its UTF-8 has at most so many bytes. */
const isWithin = (text: string, bytesMax: number): boolean =>
  text.isWellFormed() && (text.length * 3 <= bytesMax || encoder.encode(text).length <= bytesMax)
