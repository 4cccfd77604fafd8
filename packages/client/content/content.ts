/**
 * Content as a value: the bytes of a file or tree as the ids of their chunks. Two contents are equal exactly when
 * their bytes are, within one vault. A content of many chunks holds lists of ids, up to three levels deep.
 */
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { chunkIdFromBytes, idToBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import {
  chunkBytesMax,
  contentChunksMax,
  contentDepthMax,
  hashBytes,
  listChunkBytesMax,
} from '@anysync/protocol/limits.ts'
import type { Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { equalBytes } from '../crypto/bytes.ts'
import { MessageReader } from '../crypto/message-reader.ts'
import { MessageWriter } from '../crypto/message-writer.ts'

/** Ids that a list chunk holds at most. */
const listIdsMax = listChunkBytesMax / hashBytes

export const makeContent = (size: number, depth: number, chunks: ChunkId[]): Content => ({
  $typeName: 'anysync.v1.Content',
  size: BigInt(size),
  depth,
  chunks: chunks.map(idToBytes),
})

/** The content of no bytes. */
export const emptyContent = (): Content => makeContent(0, 0, [])

/** Its one serialised form. */
export const contentBytes = (content: Content): Uint8Array => {
  const writer = new MessageWriter(16 + content.chunks.length * (2 + hashBytes))
  writeContent(writer, content)
  return writer.finish()
}

/** Writes it as a message, or within one. */
export const writeContent = (writer: MessageWriter, { size, depth, chunks }: Content): void => {
  writer.uint64(1, size)
  writer.uint32(2, depth)
  for (const id of chunks) writer.bytes(3, id)
}

/** The content of these bytes; anything but the one form of a content within the limits is `corrupt`. */
export const parseContent = (bytes: Uint8Array): Content => {
  const content = readContent(new MessageReader(bytes, { operation: 'content.parse', name: 'a content' }))
  checkContent(content)
  return content
}

/** Reads one, by itself or within another message; it is not checked yet. */
export const readContent = (reader: MessageReader): Content => {
  const content: Content = { $typeName: 'anysync.v1.Content', size: 0n, depth: 0, chunks: [] }
  for (let field = reader.next(3); field !== 0; field = reader.next(3)) {
    if (field === 1) content.size = reader.uint64()
    else if (field === 2) content.depth = reader.uint32()
    else if (field === 3) content.chunks.push(reader.bytes())
    else reader.refuse()
  }
  return content
}

/** Throws `corrupt` for a content that no writer makes. For contents that came inside another message. */
export const checkContent = (content: Content): void => {
  const fault = faultOf(content)
  if (fault !== null) throw new SyncError('content.parse', 'corrupt', `a content is damaged: ${fault}`)
}

/** What is wrong with a content, or null: then nothing is written about it, for every node of every tree is asked. */
const faultOf = ({ size, depth, chunks }: Content): string | null => {
  if (chunks.length > contentChunksMax) return `${chunks.length} chunk ids, more than ${contentChunksMax}`
  if (depth > contentDepthMax) return `lists ${depth} levels deep, more than ${contentDepthMax}`
  for (const id of chunks) if (id.length !== hashBytes) return `a chunk id of ${id.length} bytes`
  if (chunks.length === 0 && depth > 0) return 'lists without a chunk'
  const sizeMax = Math.min(chunks.length * listIdsMax ** depth * chunkBytesMax, Number.MAX_SAFE_INTEGER)
  const isFitting = size >= chunks.length && size <= sizeMax
  return isFitting ? null : `${size} bytes in ${chunks.length} chunks of depth ${depth}`
}

/** Whether two contents are the same bytes. */
export const sameContent = (a: Content, b: Content): boolean =>
  a.size === b.size &&
  a.depth === b.depth &&
  a.chunks.length === b.chunks.length &&
  a.chunks.every((id, i) => equalBytes(id, b.chunks[i] ?? new Uint8Array(0)))

/**
 * The ids of the chunks that are the bytes, in order, a list's worth at a time. `readList` gives a checked list chunk;
 * a list that is not a list is `corrupt`.
 */
export async function* contentChunkIds(
  content: Content,
  readList: (id: ChunkId) => Promise<Uint8Array>,
): AsyncGenerator<ChunkId[], void, void> {
  yield* leaves(content.chunks.map(chunkIdFromBytes), content.depth, readList)
}

async function* leaves(
  ids: ChunkId[],
  depth: number,
  readList: (id: ChunkId) => Promise<Uint8Array>,
): AsyncGenerator<ChunkId[], void, void> {
  if (depth === 0) yield ids
  else for (const id of ids) yield* leaves(parseIds(await readList(id), id), depth - 1, readList)
}

/** The ids that a list chunk holds. */
const parseIds = (list: Uint8Array, listId: ChunkId): ChunkId[] => {
  const isList = list.length > 0 && list.length <= listChunkBytesMax && list.length % hashBytes === 0
  demand(isList, 'content.read', 'corrupt', `chunk ${listId} is ${list.length} bytes, not a list of chunk ids`)
  return Array.from({ length: list.length / hashBytes }, (_, i) =>
    chunkIdFromBytes(list.subarray(i * hashBytes, (i + 1) * hashBytes)),
  )
}
