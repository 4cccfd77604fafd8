/** What the tests of a local state put into it, and how they ask. */
import { create } from '@bufbuild/protobuf'
import {
  Compression,
  ContentKind,
  IndexedPackSchema,
  type IndexedPack,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import {
  chunkIdFromBytes,
  nodeIdFromBytes,
  packIdFromBytes,
  recordHashFromBytes,
  rootNodeId,
  vaultIdFromBytes,
  type ChunkId,
} from '@anysync/protocol/ids.ts'
import type { Action } from '../action.ts'
import { type Absence, type AbsenceKind, type BaseNode, type DiskStat, type Link, type State } from '../ports.ts'

export type StateUnderTest = {
  state: State
  /** Closes the state and opens what it kept. */
  reopen(): State
  close(): void
}

export const bytesOf = (length: number, ...values: number[]): Uint8Array => {
  const bytes = new Uint8Array(length)
  bytes.set(values)
  return bytes
}
export const vaultId = vaultIdFromBytes(bytesOf(16, 1))
export const otherVaultId = vaultIdFromBytes(bytesOf(16, 2))
export const nodeIdOf = (number: number) => nodeIdFromBytes(bytesOf(16, 7, number >> 8, number & 255))
export const chunkIdOf = (number: number): ChunkId => chunkIdFromBytes(bytesOf(32, 9, number >> 8, number & 255))
export const idOf = ({ pack }: IndexedPack) => packIdFromBytes(pack)
export const hashOf = (number: number) => recordHashFromBytes(bytesOf(32, 3, number))
export const link: Link = { id: 'link-1', vaultId, root: '/home/someone/Documents', mode: 'sync' }

export const actionOf = (number: number, path = `file ${number}`): Action => ({
  timeNs: 1_795_437_261_123_456_789n + BigInt(number),
  path,
  what: 'pushed',
  why: 'changed here',
})

export const disk: DiskStat = {
  kind: 'file',
  size: 5_000_000_000,
  mode: 0o644,
  mtimeNs: 1_795_437_261_123_456_789n,
  ctimeNs: 1_795_437_261_987_654_321n,
  device: 2n ** 64n - 1n,
  inode: 2n ** 63n + 5n,
}
export const node: BaseNode = {
  id: nodeIdOf(1),
  parent: rootNodeId,
  name: 'Größe 🙂.txt',
  kind: 'file',
  mode: 0o640,
  mtimeNs: -1_000_000_000_000_000_001n,
  size: 9_007_199_254_740_991,
  content: Uint8Array.of(1, 2, 3),
  linkTarget: '',
  disk,
  absence: null,
}

export const chunk = (id: number, length: number) => ({ id: Uint8Array.fromHex(chunkIdOf(id)), length })

export const absenceOf = (kind: AbsenceKind): Absence => ({ kind, message: `not here: ${kind}` })

/** A pack with two segments: chunks a and b share the first, c has the second. */
export const packOf = (number: number, [a, b, c]: [number, number, number]): IndexedPack => {
  return create(IndexedPackSchema, {
    pack: bytesOf(32, 5, number),
    directory: {
      segments: [
        {
          kind: ContentKind.TREE,
          compression: Compression.ZSTD,
          sealedLength: 140,
          plainLength: 300,
          chunks: [chunk(a, 100), chunk(b, 200)],
        },
        {
          kind: ContentKind.DATA,
          compression: Compression.NONE,
          sealedLength: 440,
          plainLength: 400,
          chunks: [chunk(c, 400)],
        },
      ],
    },
  })
}
export const packIdOf = (pack: IndexedPack) => packIdFromBytes(pack.pack)
export const recordsOf = (state: State, from: number, to: number) =>
  [...state.records(vaultId, from, to)].map(({ sequence, hash, record }) => ({ sequence, hash, record: [...record] }))

/** Tests one fact on a state of its own. */
export type Check = (fact: string, work: (under: StateUnderTest) => void, options?: { cacheBytesMax: number }) => void
