/**
 * Marks over trees that are made up: what is found, how often it is told, and how often something is read.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { NodeKind, NodeSchema, type Content, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { chunkIdFromBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import { makeContent } from '../content/content.ts'
import { cipher } from './vault.suite.ts'
import { createMarks } from './mark.ts'

const chunk = (number: number): ChunkId => chunkIdFromBytes(new Uint8Array(32).fill(number))
const content = (...numbers: number[]): Content => makeContent(1, 0, numbers.map(chunk))
const file = (content: Content): Node => create(NodeSchema, { kind: NodeKind.FILE, content })
const folder = (content: Content): Node => create(NodeSchema, { kind: NodeKind.FOLDER, content })

/** A vault of these trees, by the number of their one chunk; chunk 9 is a list of 7 and 8. */
const marksOver = (trees: Record<number, Node[]>) => {
  const told: ChunkId[] = []
  const read: ChunkId[] = []
  const note = ({ chunks: [first = new Uint8Array(32)] }: Content): ChunkId => {
    const id = chunkIdFromBytes(first)
    read.push(id)
    return id
  }
  const marks = createMarks({
    cipher,
    vault: {
      tree: async (tree) => trees[Number.parseInt(note(tree).slice(0, 2), 16)] ?? [],
      async *chunksOf({ depth, chunks }) {
        yield chunks.map((id) => chunkIdFromBytes(id))
        if (depth > 0) {
          read.push(chunk(9))
          yield [chunk(7), chunk(8)]
        }
      },
      expect: () => undefined,
    },
    onChunk: (id) => void told.push(id),
  })
  return { marks, told, read }
}

const large = makeContent(2, 1, [chunk(9)])

test('every chunk below a root is found, and told once', async () => {
  const { marks, told } = marksOver({
    1: [folder(content(2)), file(content(3, 4)), file(makeContent(0, 0, []))],
    2: [file(content(4, 5)), file(large)],
  })
  await marks.mark(content(1))
  assert.deepEqual(told.toSorted(), [1, 2, 3, 4, 5, 7, 8, 9].map(chunk))
  assert.equal(marks.chunks(), 8)
  for (const id of told) assert.ok(marks.isLive(id))
  assert.ok(!marks.isLive(chunk(6)))
})

test('what several snapshots have is read once', async () => {
  const { marks, told, read } = marksOver({
    1: [folder(content(2)), file(large)],
    2: [file(content(4))],
    3: [folder(content(2)), file(large), file(content(4)), file(content(5))],
  })
  await marks.mark(content(1))
  await marks.mark(content(3))
  await marks.mark(content(1))
  assert.deepEqual(read.toSorted(), [1, 2, 3, 9].map(chunk))
  assert.deepEqual(told.toSorted(), [1, 2, 3, 4, 5, 7, 8, 9].map(chunk))
})
