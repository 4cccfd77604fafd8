/**
 * Rows of the state database as values and back.
 */
import type { SQLInputValue } from 'node:sqlite'
import { SyncError } from '@anysync/protocol/errors.ts'
import { Compression, ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, nodeIdFromBytes, packIdFromBytes, vaultIdFromBytes } from '@anysync/protocol/ids.ts'
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
import { bigintOf, blobOf, numberOf, textOf, type Row } from './state-database.ts'

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

export const nodeFromRow = (row: Row): BaseNode => {
  const kind = kindOf(row, 'kind')
  if (kind === 'other') throw unknownWord('kind of a node')
  return {
    id: nodeIdFromBytes(blobOf(row, 'id')),
    parent: nodeIdFromBytes(blobOf(row, 'parent')),
    name: textOf(row, 'name'),
    kind,
    mode: numberOf(row, 'mode'),
    mtimeNs: bigintOf(row, 'mtime_ns'),
    size: numberOf(row, 'size'),
    content: row['content'] === null ? null : blobOf(row, 'content'),
    linkTarget: textOf(row, 'link_target'),
    disk: row['disk_kind'] === null ? null : diskFromRow(row),
    absence: row['disk_kind'] === null ? absenceFromRow(row) : null,
  }
}

/** Devices and inodes are unsigned 64-bit numbers, columns are signed: the same 64 bits go in and out. */
const diskFromRow = (row: Row): DiskStat => ({
  kind: kindOf(row, 'disk_kind'),
  size: numberOf(row, 'disk_size'),
  mode: numberOf(row, 'disk_mode'),
  mtimeNs: bigintOf(row, 'disk_mtime_ns'),
  ctimeNs: bigintOf(row, 'disk_ctime_ns'),
  device: BigInt.asUintN(64, bigintOf(row, 'disk_device')),
  inode: BigInt.asUintN(64, bigintOf(row, 'disk_inode')),
})

const absenceFromRow = (row: Row): Absence => {
  const kind = textOf(row, 'absence_kind')
  const known = absenceKinds.find((word) => word === kind)
  if (known === undefined) throw unknownWord('reason why a node is not here')
  return { kind: known, message: textOf(row, 'absence') }
}

const absenceKinds: AbsenceKind[] = ['folder', 'name', 'twin', 'rules', 'mode']

const kindOf = (row: Row, column: string): DiskKind => {
  const kind = textOf(row, column)
  if (kind === 'file' || kind === 'folder' || kind === 'symlink' || kind === 'other') return kind
  throw unknownWord('kind of a node')
}

/** In the order of the columns, without the link. */
export const valuesOfNode = ({ disk, absence, ...node }: BaseNode): SQLInputValue[] => [
  idToBytes(node.id),
  idToBytes(node.parent),
  node.name,
  node.kind,
  node.mode,
  node.mtimeNs,
  node.size,
  node.content,
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

const contentKinds = [ContentKind.DATA, ContentKind.TREE, ContentKind.LIST, ContentKind.INDEX]
const compressions = [Compression.NONE, Compression.ZSTD]

const wordOf = <Word extends number>(words: Word[], row: Row, column: string): Word => {
  const value = numberOf(row, column)
  const word = words.find((word) => word === value)
  if (word === undefined) throw unknownWord(column)
  return word
}

export const placeFromRow = (row: Row): ChunkPlace => ({
  pack: packIdFromBytes(blobOf(row, 'pack_id')),
  segmentOffset: numberOf(row, 'segment_offset'),
  sealedLength: numberOf(row, 'sealed_length'),
  plainLength: numberOf(row, 'plain_length'),
  kind: wordOf(contentKinds, row, 'kind'),
  compression: wordOf(compressions, row, 'compression'),
  offset: numberOf(row, 'chunk_offset'),
  length: numberOf(row, 'chunk_length'),
})
