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
import type { BenchOptions } from './options.ts'
import { costOf } from './process-cost.ts'
import type { Findings, Row } from './table.ts'

const filesEach = 1000

export const marks = async ({ sizes, say }: BenchOptions): Promise<Findings> => {
  const rows: Row[] = []
  for (const chunks of sizes) {
    const numberOf = new Map(Array.from({ length: Math.ceil(chunks / filesEach) }, (_, i) => [idOf(`tree ${i}`), i]))
    const folders = Array.from(numberOf.keys(), (id) => nodeOf(NodeKind.FOLDER, id))
    const startedMs = performance.now()
    const made = createMarks({
      cipher: nodeCipher,
      vault: {
        async tree(content) {
          const number = numberOf.get(chunkIdFromBytes(content.chunks[0] ?? new Uint8Array()))
          if (number === undefined) return folders
          return Array.from({ length: filesEach }, (_, i) => nodeOf(NodeKind.FILE, idOf(`${number}/${i}`)))
        },
        async *chunksOf(content) {
          yield content.chunks.map((id) => chunkIdFromBytes(id))
        },
        expect: () => undefined,
      },
    })
    await made.mark(contentOf(idOf('root')))
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

const idOf = (text: string): ChunkId => chunkIdFromBytes(createHash('sha256').update(text).digest())
const contentOf = (id: ChunkId): Content => makeContent(1, 0, [id])
const nodeOf = (kind: NodeKind, id: ChunkId): Node => create(NodeSchema, { kind, content: contentOf(id) })
