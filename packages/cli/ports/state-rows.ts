/**
 * Rows of the state database as values and back.
 */
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { SyncError } from '@anysync/protocol/errors.ts'
import { Compression, ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { bytesOfHex, parseNodeId, parsePackId, vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import {
  linkModes,
  type Absence,
  type AbsenceKind,
  type BaseNode,
  type ChunkPlace,
  type DiskKind,
  type DiskStat,
  type Link,
} from '@anysync/client/ports.ts'
import { deeds, type Action } from '@anysync/client/action.ts'
import { asBigint, asNumber, asText, bigintOf, blobOf, textOf, type List, type Row } from './state-database.ts'

const unknownWord = (what: string): SyncError =>
  new SyncError('state.read', 'invalid', `the state database holds an unknown ${what}: update AnySync`)

export const linkFromRow = (row: Row): Link => {
  const mode = linkModes.find((word) => word === textOf(row, 'mode'))
  if (mode === undefined) throw unknownWord('mode of a link')
  return { id: textOf(row, 'id'), vaultId: vaultIdFromBytes(blobOf(row, 'vault')), root: textOf(row, 'root'), mode }
}

export const actionFromRow = (row: Row): Action => {
  const word = textOf(row, 'what')
  const what = deeds.find((deed) => deed === word)
  if (what === undefined) throw unknownWord('action')
  return { timeNs: bigintOf(row, 'time_ns'), path: textOf(row, 'path'), what, why: textOf(row, 'why') }
}

/** In the order in which `nodeFromList` takes them. */
export const nodeColumns = `lower(hex(id)), lower(hex(parent)), name, kind, mode, mtime_ns, size,
  iif(content IS NULL, NULL, hex(content)), link_target,
  disk_kind, disk_size, disk_mode, disk_mtime_ns, disk_ctime_ns, disk_device, disk_inode, absence_kind, absence`

/** The node of a row of `nodeColumns`. */
export const nodeFromList = (list: List): BaseNode => {
  const [id, parent, name, kind, mode, mtimeNs, size, content = null, linkTarget] = list
  const isHere = list[firstOfDisk] !== null
  return {
    id: parseNodeId(asText(id)),
    parent: parseNodeId(asText(parent)),
    name: asText(name),
    kind: nodeKindOf(kind),
    mode: asNumber(mode),
    mtimeNs: asBigint(mtimeNs),
    size: asNumber(size),
    content: content === null ? null : bytesOfHex(asText(content)),
    linkTarget: asText(linkTarget),
    disk: isHere ? diskFromList(list) : null,
    absence: isHere ? null : absenceFromList(list),
  }
}

const firstOfDisk = 9
const firstOfAbsence = 16

/** Devices and inodes are unsigned 64-bit numbers, columns are signed: the same 64 bits go in and out. */
const diskFromList = (list: List): DiskStat => ({
  kind: kindOf(list[firstOfDisk]),
  size: asNumber(list[firstOfDisk + 1]),
  mode: asNumber(list[firstOfDisk + 2]),
  mtimeNs: asBigint(list[firstOfDisk + 3]),
  ctimeNs: asBigint(list[firstOfDisk + 4]),
  device: BigInt.asUintN(64, asBigint(list[firstOfDisk + 5])),
  inode: BigInt.asUintN(64, asBigint(list[firstOfDisk + 6])),
})

const absenceFromList = (list: List): Absence => {
  const kind = asText(list[firstOfAbsence])
  const known = absenceKinds.find((word) => word === kind)
  if (known === undefined) throw unknownWord('reason why a node is not here')
  return { kind: known, message: asText(list[firstOfAbsence + 1]) }
}

const absenceKinds: AbsenceKind[] = ['folder', 'name', 'twin', 'rules', 'mode']

const kindOf = (value: SQLOutputValue | undefined): DiskKind => {
  const kind = asText(value)
  if (kind === 'file' || kind === 'folder' || kind === 'symlink' || kind === 'other') return kind
  throw unknownWord('kind of a node')
}

const nodeKindOf = (value: SQLOutputValue | undefined): BaseNode['kind'] => {
  const kind = kindOf(value)
  if (kind === 'other') throw unknownWord('kind of a node')
  return kind
}

/** In the order of the columns, without the link. */
export const valuesOfNode = (node: BaseNode): SQLInputValue[] => {
  const { disk, absence } = node
  return [
    node.id,
    node.parent,
    node.name,
    node.kind,
    node.mode,
    node.mtimeNs,
    node.size,
    node.content?.toHex() ?? null,
    node.linkTarget,
    absence?.message ?? '',
    disk?.kind ?? null,
    disk?.size ?? null,
    disk?.mode ?? null,
    disk?.mtimeNs ?? null,
    disk?.ctimeNs ?? null,
    disk ? BigInt.asIntN(64, disk.device) : null,
    disk ? BigInt.asIntN(64, disk.inode) : null,
    absence?.kind ?? '',
  ]
}

const contentKinds = [ContentKind.DATA, ContentKind.TREE, ContentKind.LIST, ContentKind.INDEX]
const compressions = [Compression.NONE, Compression.ZSTD]

const wordOf = <Word extends number>(words: Word[], value: SQLOutputValue | undefined, what: string): Word => {
  const number = asNumber(value)
  const word = words.find((word) => word === number)
  if (word === undefined) throw unknownWord(what)
  return word
}

/** In the order in which `placeFromList` takes them. */
export const placeColumns = `lower(hex(packs.id)), segment_offset, sealed_length, plain_length, kind, compression,
  chunk_offset, chunk_length`

/** The place of a row of `placeColumns`. */
export const placeFromList = (list: List): ChunkPlace => {
  const [pack, segmentOffset, sealedLength, plainLength, kind, compression, offset, length] = list
  return {
    pack: parsePackId(asText(pack)),
    segmentOffset: asNumber(segmentOffset),
    sealedLength: asNumber(sealedLength),
    plainLength: asNumber(plainLength),
    kind: wordOf(contentKinds, kind, 'kind of a chunk'),
    compression: wordOf(compressions, compression, 'compression'),
    offset: asNumber(offset),
    length: asNumber(length),
  }
}
