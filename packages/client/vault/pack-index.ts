/**
 * How a record tells which packs it brings: their directories in the record itself while they are small, else in packs
 * of their own that the record names. Both are checked alike when they are read.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { demand, isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import {
  ContentKind,
  IndexedPackSchema,
  PackIndexSchema,
  type IndexedPack,
  type PackIndex,
  type SnapshotBody,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { ChunkId, PackId } from '@anysync/protocol/ids.ts'
import { chunkBytesMax, inlineDirectoriesBytesMax } from '@anysync/protocol/limits.ts'
import { makeContent } from '../content/content.ts'
import { placesOf } from '../content/places.ts'
import { createContentReader } from '../content/read.ts'
import type { ContentWork } from '../content/work.ts'
import type { ContentWriter } from '../content/write.ts'
import { parseMessage } from '../crypto/message.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { ChunkPlace } from '../ports.ts'

/** Room for the tag and length of a field around a directory. */
const fieldBytesMax = 8

/** The part of a body that names packs. Large directories are written as index packs first. */
export const packsForBody = async (
  packs: IndexedPack[],
  writer: Pick<ContentWriter, 'write' | 'finish'>,
): Promise<Pick<SnapshotBody, 'packs' | 'indexPacks'>> => {
  const groups = groupBySize(packs)
  const [only] = groups
  if (groups.length === 1 && only && only.bytes <= inlineDirectoriesBytesMax) return { packs, indexPacks: [] }
  if (groups.length === 0) return { packs, indexPacks: [] }
  for (const group of groups) {
    const index = toBinary(PackIndexSchema, create(PackIndexSchema, { packs: group.packs }))
    await writer.write(ContentKind.INDEX, index)
  }
  return { packs: [], indexPacks: await writer.finish() }
}

/** Groups whose index fits one chunk. */
const groupBySize = (packs: IndexedPack[]): { packs: IndexedPack[]; bytes: number }[] => {
  const groups: { packs: IndexedPack[]; bytes: number }[] = []
  for (const pack of packs) {
    const bytes = toBinary(IndexedPackSchema, pack).length + fieldBytesMax
    const last = groups.at(-1)
    if (last && last.bytes + bytes <= chunkBytesMax) {
      last.packs.push(pack)
      last.bytes += bytes
    } else {
      groups.push({ packs: [pack], bytes })
    }
  }
  return groups
}

export type IndexParts = {
  keys: VaultKeys
  work: ContentWork
  fetch: (pack: PackId, offset: number, length: number) => Promise<Uint8Array>
}

/** What these index packs hold, one index at a time. */
export async function* readIndexes(
  parts: IndexParts,
  indexPacks: readonly IndexedPack[],
): AsyncGenerator<PackIndex, void, void> {
  for (const indexPack of indexPacks) {
    const places = new Map<ChunkId, ChunkPlace>()
    for (const { id, place } of placesOf(indexPack)) places.set(id, place)
    // The reader refuses segments that are of another kind than asked for.
    const reader = createContentReader({ ...parts, locate: (id) => places.get(id) ?? null })
    for (const [id, place] of places) {
      yield await readIndex(() => reader.bytes(ContentKind.INDEX, makeContent(place.length, 0, [id])), place.pack)
    }
  }
}

const readIndex = async (read: () => Promise<Uint8Array>, pack: PackId): Promise<PackIndex> => {
  try {
    const index = parseMessage(PackIndexSchema, await read(), 'log.index', `the index in pack ${pack}`)
    // Walking the places checks a directory as a whole.
    for (const indexed of index.packs) placesOf(indexed)
    return index
  } catch (error) {
    if (!isTrouble(error, 'corrupt')) throw error
    const message = `an index of the vault cannot be read (${error.message}): \`anysync doctor --rebuild\` does without it`
    throw new SyncError('log.index', 'corrupt', message, error)
  }
}

/** Every pack that a body brings: those it lists, its index packs, and those that they list. Throws `corrupt` for what no writer makes. */
export const packsOfBody = async (
  parts: IndexParts,
  body: Pick<SnapshotBody, 'packs' | 'indexPacks'>,
): Promise<IndexedPack[]> => {
  const packs = [...body.packs, ...body.indexPacks]
  for (const pack of packs) placesOf(pack)
  for await (const index of readIndexes(parts, body.indexPacks)) {
    demand(index.snapshots.length === 0, 'log.index', 'corrupt', 'an index of packs lists snapshots')
    packs.push(...index.packs)
  }
  return packs
}
