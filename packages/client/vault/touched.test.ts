/** What a snapshot says that it touched: never less than what differs, and nothing by its length. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { TouchedSchema, type Node, type Touched } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { touchedIdsMax } from '@anysync/protocol/limits.ts'
import { rootNodeOf } from './find.ts'
import { joinTouched, mayAppear, mayDiffer, padTouched, touchedBy, troubleOfTouched } from './touched.ts'
import { contentOf, fileOf, folderOf, nodeIdOf } from './vault.suite.ts'
import type { TreeEdit } from './vault-types.ts'

const content = contentOf(100, 0x77)
const other = contentOf(200, 0x78)
const file = (number: number, name: string) => fileOf(number, name, content)
const root = rootNodeOf(content)

/** Folder 1 `docs` with file 10 `a` in it and file 11 `b`; at the root file 12 `c`. */
const found = new Map<NodeId, Node>(
  [folderOf(1, 'docs'), file(10, 'a'), file(11, 'b'), file(12, 'c')].map((node) => [nodeIdFromBytes(node.id), node]),
)
const folders = { docs: nodeIdOf(1), root: rootNodeId }
type Place = keyof typeof folders | null
const edit = (from: Place, number: number, to: Place, node?: Node): TreeEdit => ({
  id: nodeIdOf(number),
  from: from === null ? null : folders[from],
  to: to === null || node === undefined ? null : { parent: folders[to], node },
})

const ways = {
  docs: [root, folderOf(1, 'docs')],
  a: [root, folderOf(1, 'docs'), file(10, 'a')],
  b: [root, folderOf(1, 'docs'), file(11, 'b')],
  c: [root, file(12, 'c')],
}
/** What each of them may be, and whether something may be new in `docs` (`+docs`) or at the root (`+`). */
const said = (touched: Touched | null): string[] => [
  ...Object.entries(ways).flatMap(([name, way]) => (mayDiffer(touched, way) ? [name] : [])),
  ...(mayAppear(touched, ways.docs) ? ['+docs'] : []),
  ...(mayAppear(touched, [root]) ? ['+'] : []),
]

const inDocs = [nodeIdOf(1), rootNodeId]
const table: [string, TreeEdit[], NodeId[], string[]][] = [
  ['an edit', [edit('docs', 10, 'docs', fileOf(10, 'a', other))], inDocs, ['docs', 'a']],
  ['a rename', [edit('docs', 10, 'docs', file(10, 'x'))], inDocs, ['docs', 'a', '+docs', '+']],
  ['a removal', [edit('docs', 10, null)], inDocs, ['docs', 'a', '+docs', '+']],
  ['a new file', [edit(null, 13, 'docs', file(13, 'd'))], inDocs, ['docs', '+docs', '+']],
  ['a new file at the root', [edit(null, 13, 'root', file(13, 'd'))], [rootNodeId], ['+']],
  ['a move out', [edit('docs', 10, 'root', file(10, 'a'))], inDocs, ['docs', 'a', '+docs', '+']],
  ['another mode of the folder', [edit('root', 1, 'root', folderOf(1, 'docs'))], inDocs, ['docs']],
  ['another name of it', [edit('root', 1, 'root', folderOf(1, 'x'))], [rootNodeId], ['docs', 'a', 'b', '+docs', '+']],
  ['it becomes a file', [edit('root', 1, 'root', file(1, 'docs'))], [rootNodeId], ['docs', 'a', 'b', '+docs', '+']],
  ['it is removed', [edit('root', 1, null)], [rootNodeId], ['docs', 'a', 'b', '+docs', '+']],
  ['nothing', [], [rootNodeId], []],
]
for (const [name, edits, written, wanted] of table) {
  test(`what is touched: ${name}`, () => assert.deepEqual(said(touchedBy(edits, found, written)), wanted))
}

test('of a new folder, and of one that goes, what is in it need not be named', () => {
  const many = Array.from({ length: 1000 }, (_, i) => i + 100)
  const comes = many.map((number) => edit(null, number, 'docs', file(number, `${number}`)))
  const touched = touchedBy([edit(null, 1, 'root', folderOf(1, 'docs')), ...comes], new Map(), inDocs)
  assert.deepEqual(said(touched), ['docs', 'a', 'b', '+docs', '+'])
  const goes = many.map((number) => edit('docs', number, null))
  const gone = touchedBy([edit('root', 1, null), ...goes], found, [rootNodeId])
  assert.equal(gone?.placed.length, 16)
})

const touching = (start: number, count: number) =>
  touchedBy(
    Array.from({ length: count }, (_, i) => edit(null, start + i, 'root', file(start + i, `${start + i}`))),
    new Map(),
    [rootNodeId],
  )

test('what is too much to say is not said, alone or together', () => {
  assert.equal(touching(0, touchedIdsMax)?.placed.length, touchedIdsMax * 16)
  assert.equal(touching(0, touchedIdsMax + 1), null)
  assert.equal(joinTouched(touching(0, 100), touching(50, 70))?.placed.length, touchedIdsMax * 16)
  assert.equal(joinTouched(touching(0, 100), touching(50, 71)), null)
  assert.equal(joinTouched(null, touching(0, 1)), null)
  assert.equal(joinTouched(touching(0, 1), null), null)
  assert.equal(mayDiffer(null, ways.a), true)
  assert.equal(mayAppear(null, ways.docs), true)
})

const ids = (count: number) => new Uint8Array(count * 16).fill(1)

test('its length says no more than how many there are about', () => {
  for (let placed = 0; placed <= touchedIdsMax; placed++) {
    for (const written of [0, 1, 2, touchedIdsMax - placed]) {
      if (written < 0 || placed + written > touchedIdsMax) continue
      const touched = create(TouchedSchema, { placed: ids(placed), written: ids(written) })
      const padded = padTouched(touched)
      assert.equal(troubleOfTouched(padded), null)
      const { length } = toBinary(TouchedSchema, padded)
      assert.ok([256, 512, 1024, 2048].includes(length), `${placed} and ${written}: ${length}`)
      assert.ok(length === 256 || length < 2 * (placed + written + 2) * 16)
    }
  }
})

const trouble = (fields: MessageInitShape<typeof TouchedSchema>) => troubleOfTouched(create(TouchedSchema, fields))

test('what no writer says is told', () => {
  assert.equal(trouble({ placed: ids(40), edited: ids(40), written: ids(40) }), null)
  assert.match(trouble({ placed: ids(41), edited: ids(40), written: ids(40) }) ?? '', /more than/)
  for (const field of ['placed', 'edited', 'written'])
    assert.match(trouble({ [field]: new Uint8Array(15) }) ?? '', /half/)
  assert.match(trouble({ padding: Uint8Array.of(0, 1) }) ?? '', /padded/)
  assert.match(trouble({ padding: new Uint8Array(2049) }) ?? '', /padded/)
})
