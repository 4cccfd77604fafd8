/**
 * Stores again what a server has lost, from what this device still has: files on its disk that are as they were synced,
 * and trees that it has kept. What nobody has stays lost and is told.
 */
import { create } from '@bufbuild/protobuf'
import { SyncError } from '@anysync/protocol/errors.ts'
import { ContentKind, RetireBodySchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import {
  chunkIdFromBytes,
  idToBytes,
  rootNodeId,
  type ChunkId,
  type NodeId,
  type PackId,
} from '@anysync/protocol/ids.ts'
import { chunkIdOf } from '../content/chunk-id.ts'
import { createIdentify, type ByteSource, type Chunk, type Portion } from '../content/identify.ts'
import { joinPath } from '../path.ts'
import type { Clock, Disk, Link } from '../ports.ts'
import { anew } from '../vault/anew.ts'
import { packsForBody } from '../vault/pack-index.ts'
import { createIndexWriter, createStore, type StoreParts } from '../vault/rewrite.ts'
import type { Vault } from '../vault/vault-types.ts'
import { readStable } from './read-file.ts'

export type RepairParts = StoreParts & { vault: Vault; clock: Clock; folders: { link: Link; disk: Disk }[] }

export type RepairReport = {
  /** Of the lost packs, by now stored again in others; and those that this device does not have. */
  chunksStored: number
  chunksMissing: number
}

/** Takes lost packs out of use and brings what of them is here. Nothing is deleted anywhere. */
export const repair = async (parts: RepairParts, lost: PackId[]): Promise<RepairReport> => {
  const { state, keys, vault } = parts
  vault.keepTrees()
  const wanted = wantedOf(parts, lost)
  const count = wanted.size
  const store = createStore(parts)
  const take = async (chunk: Chunk): Promise<void> => {
    // The memory that a file was read into is used again.
    if (wanted.delete(chunk.id)) await store.place({ ...chunk, plaintext: chunk.plaintext.slice() })
  }
  for (const [id, kind] of wanted) {
    const plaintext = state.cachedChunk(keys.vaultId, id)
    // The cache is not trusted.
    if (plaintext !== null && chunkIdOf(keys, kind, plaintext) === id) await take({ kind, id, plaintext })
  }
  for (const folder of parts.folders) await takeFiles(parts, folder, take)
  const copies = await store.finish()
  const { packs, indexPacks } = await packsForBody(copies, createIndexWriter(parts))
  await anew(vault, () => {
    const retired = lost.filter((id) => state.pack(keys.vaultId, id) !== null).toSorted()
    const body = create(RetireBodySchema, { retired: retired.map(idToBytes), packs, indexPacks })
    return vault.append(body, { brought: [...copies, ...indexPacks], retired })
  })
  return { chunksStored: count - wanted.size, chunksMissing: wanted.size }
}

/** The chunks that lie in lost packs alone. */
const wantedOf = ({ state, keys }: RepairParts, lost: PackId[]): Map<ChunkId, ContentKind> => {
  const wanted = new Map<ChunkId, ContentKind>()
  const isLost = new Set(lost)
  for (const id of lost) {
    for (const { kind, chunks } of state.pack(keys.vaultId, id)?.directory?.segments ?? []) {
      // An index is written anew with the next checkpoint.
      if (kind === ContentKind.INDEX) continue
      for (const chunk of chunks) {
        const chunkId = chunkIdFromBytes(chunk.id)
        const place = state.findChunk(keys.vaultId, chunkId)
        if (place === null || isLost.has(place.pack)) wanted.set(chunkId, kind)
      }
    }
  }
  return wanted
}

/** Reads every file that the base has on this disk, and gives its chunks. A file that is busy or gone has nothing to give. */
const takeFiles = async (
  parts: RepairParts,
  { link, disk }: RepairParts['folders'][number],
  take: (chunk: Chunk) => Promise<void>,
): Promise<void> => {
  const identify = createIdentify(parts.work)
  const takePortion = async ({ chunks }: Portion): Promise<void> => {
    for (const chunk of chunks) await take(chunk)
  }
  const visit = async (folder: NodeId, path: string): Promise<void> => {
    for (const node of parts.state.children(link.id, folder)) {
      const at = joinPath(path, node.name)
      if (node.disk === null) continue
      if (node.kind === 'folder') await visit(node.id, at)
      if (node.kind !== 'file') continue
      try {
        const giveChunks = (source: ByteSource) => identify(ContentKind.DATA, source, takePortion)
        await readStable({ disk, clock: parts.clock }, at, giveChunks)
      } catch (error) {
        if (!(error instanceof SyncError) || !error.operation.startsWith('disk.')) throw error
      }
    }
  }
  await visit(rootNodeId, '')
}
