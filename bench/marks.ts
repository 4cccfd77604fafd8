/**
 * What prune remembers of a vault: the marks of every chunk that kept snapshots need, for very many of them. Trees of 1,000
 * files of one chunk each are made as they are asked for; nothing is stored or fetched.
 */
import { createHash } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { makeContent } from '@anysync/client/content/content.ts'
import { createMarks } from '@anysync/client/vault/mark.ts'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { NodeKind, NodeSchema, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { chunkIdFromBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import { hashBytes } from '@anysync/protocol/limits.ts'
import type { BenchOptions } from './options.ts'
import { costOf } from './process-cost.ts'
import type { Findings, Row } from './table.ts'

const filesEach = 1000

export const marks = async ({ sizes, say }: BenchOptions): Promise<Findings> => {
  const rows: Row[] = []
  for (const chunks of sizes) {
    const trees = Math.ceil(chunks / filesEach)
    const root = contentOf(idOf('root'))
    const nodes = new Map<string, () => Node[]>([
      [root.chunks[0]?.toHex() ?? '', () => Array.from({ length: trees }, (_, i) => folderOf(contentOf(treeId(i))))],
    ])
    const numbers = new Map(Array.from({ length: trees }, (_, i) => [treeId(i).toString(), i]))
    const startedMs = performance.now()
    const made = createMarks({
      cipher: nodeCipher,
      vault: {
        tree: async (content) => {
          const id = content.chunks[0]?.toHex() ?? ''
          const special = nodes.get(id)
          if (special !== undefined) return special()
          const number = numbers.get(id) ?? 0
          return Array.from({ length: filesEach }, (_, i) => fileOf(contentOf(idOf(`${number}/${i}`))))
        },
        async *chunksOf(content) {
          yield content.chunks.map((id) => chunkIdFromBytes(id))
        },
        expect: () => undefined,
      },
    })
    await made.mark(root)
    rows.push({
      chunks: made.chunks(),
      s: (performance.now() - startedMs) / 1000,
      'peak MB': Math.round((costOf(process.pid)?.rssPeakBytes ?? 0) / 1e6),
    })
    say(JSON.stringify(rows.at(-1)))
  }
  return {
    bench: 'marks',
    settings: { sizes: sizes.join(' ') },
    rows,
    remarks: [
      'The peak is that of the process so far, with the trees that are made for it. Sizes count chunks of files.',
    ],
  }
}

const idOf = (text: string): ChunkId =>
  chunkIdFromBytes(createHash('sha256').update(text).digest().subarray(0, hashBytes))
const treeId = (index: number): ChunkId => idOf(`tree ${index}`)
const contentOf = (id: ChunkId): Content => makeContent(1, 0, [id])
const folderOf = (content: Content): Node => create(NodeSchema, { kind: NodeKind.FOLDER, content })
const fileOf = (content: Content): Node => create(NodeSchema, { kind: NodeKind.FILE, content })
