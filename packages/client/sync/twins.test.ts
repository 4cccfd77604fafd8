import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { foldsNames, twinsAmong } from './twins.ts'

const idOf = (number: number): NodeId => parseNodeId(number.toString(16).padStart(2, '0').repeat(16))
const lower = (name: string) => name.normalize().toLowerCase()
const bytes = (name: string) => name

/** Names that are there, names that come, and those of them that are twins. */
const table: [string[], string[], string[]][] = [
  [[], ['README', 'Readme', 'readme'], ['Readme', 'readme']],
  [['Readme'], ['README', 'readme', 'other'], ['README', 'readme']],
  [['readme'], ['README'], ['README']],
  [[], ['caf\u00e9', 'cafe\u0301'], ['caf\u00e9']],
  [['a', 'b'], ['c', 'd'], []],
  [[], ['\u{1f600}A', '\u{1f600}a', '\uff21', '\uff41'], ['\uff41', '\u{1f600}a']],
]

test('what is there keeps its place, else the first by the bytes of its name, in whatever order they come', () => {
  for (const [there, coming, twins] of table)
    for (const order of [coming, coming.toReversed()]) {
      const named = order.map((name) => ({ id: idOf(coming.indexOf(name) + 1), name }))
      const found = twinsAmong(
        there.map((name, index) => ({ id: idOf(100 + index), name })),
        named,
        lower,
      )
      assert.deepEqual(
        found.map((id) => named.find((each) => each.id === id)?.name),
        twins,
      )
      assert.deepEqual(twinsAmong([], named, bytes), [])
    }
})

test('a disk folds names when two cases or two Unicode forms are one', () => {
  assert.equal(foldsNames(lower), true)
  assert.equal(
    foldsNames((name) => name.normalize()),
    true,
  )
  assert.equal(
    foldsNames((name) => name.toLowerCase()),
    true,
  )
  assert.equal(foldsNames(bytes), false)
})
