/**
 * Finds every chunk that snapshots need, from their roots down. Each tree is read once, however many snapshots have it;
 * what is remembered is a few bytes a chunk, and a few for each tree and each file of many chunks.
 */
import { NodeKind, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { chunkIdFromBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import { contentBytes } from '../content/content.ts'
import type { Cipher } from '../ports.ts'
import { IdSet } from './id-set.ts'
import type { Vault } from './vault-types.ts'

export type MarkParts = {
  cipher: Cipher
  vault: Pick<Vault, 'tree' | 'chunksOf' | 'expect'>
  /** Is told of every chunk when it is first found. What it throws ends the marking. */
  onChunk?: (id: ChunkId) => void
}

export type Marks = {
  /** Marks all that the tree of this root needs. After a throw the marks are of no use. */
  mark(root: Content): Promise<void>
  isLive(id: ChunkId): boolean
  chunks(): number
}

export const createMarks = ({ cipher, vault, onChunk = () => undefined }: MarkParts): Marks => {
  const chunks = new IdSet()
  // Contents whose chunks, and for trees all below, are marked or about to be. A file that lists its own chunks is told by
  // those, and is not among them: there are as many as chunks, and its chunks are marked again in no time.
  const contents = new IdSet()
  const isNew = (content: Content): boolean =>
    content.chunks.length > 0 && contents.add(cipher.sha256(contentBytes(content)).toHex())
  const markChunk = (id: ChunkId): void => {
    if (chunks.add(id)) onChunk(id)
  }
  const markContent = async (content: Content): Promise<void> => {
    for await (const ids of vault.chunksOf(content)) for (const id of ids) markChunk(id)
  }
  return {
    async mark(root) {
      const trees = isNew(root) ? [root] : []
      for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
        await markContent(tree)
        const folders: Content[] = []
        for (const { kind, content } of await vault.tree(tree)) {
          if (content === undefined) continue
          if (kind !== NodeKind.FOLDER && content.depth === 0) {
            for (const id of content.chunks) markChunk(chunkIdFromBytes(id))
          } else if (isNew(content)) {
            if (kind === NodeKind.FOLDER) folders.push(content)
            else await markContent(content)
          }
        }
        vault.expect(folders)
        trees.push(...folders.toReversed())
      }
    },
    isLive: (id) => chunks.has(id),
    chunks: () => chunks.size,
  }
}
