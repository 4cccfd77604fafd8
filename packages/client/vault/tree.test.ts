import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromJson, toBinary, toJson } from '@bufbuild/protobuf'
import * as fc from 'fast-check'
import { NodeSchema, TreeSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { isTrouble } from '@anysync/protocol/errors.ts'
import vectors from '../../../vectors/tree.json' with { type: 'json' }
import { compareNames, parseTree, serializeTree } from './tree.ts'
import { contentOf, fileOf, folderOf, symlinkOf, trouble } from './vault.suite.ts'

for (const { what, nodes, hex } of vectors.valid) {
  test(`a tree is read and written alike: ${what}`, () => {
    const parsed = parseTree(Uint8Array.fromHex(hex))
    assert.deepEqual(
      parsed.map((node) => toJson(NodeSchema, node)),
      nodes,
    )
    const expected = nodes.map((node) => fromJson(NodeSchema, node))
    assert.equal(serializeTree(expected.toReversed()).toHex(), hex)
  })
}

for (const { why, hex } of vectors.invalid) {
  test(`a tree is refused: ${why}`, () => {
    assert.throws(() => parseTree(Uint8Array.fromHex(hex)), trouble('corrupt'))
  })
}

const bytesOrder = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

test('names are compared as their bytes are', () => {
  const name = fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => text.isWellFormed())
  fc.assert(fc.property(name, name, (a, b) => Math.sign(compareNames(a, b)) === bytesOrder(a, b)))
})

test('a tree that is damaged anywhere is refused or is another tree, and nothing else is ever thrown', () => {
  const nodes = [fileOf(1, 'a file.txt'), folderOf(2, 'folder', contentOf(50, 5)), symlinkOf(3, 'link', '../elsewhere')]
  const bytes = serializeTree(nodes)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice()
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    try {
      // What is accepted keeps every rule, so it is written back as it came.
      assert.deepEqual(serializeTree(parseTree(damaged)), damaged)
    } catch (error) {
      assert.ok(isTrouble(error, 'corrupt'), String(error))
    }
  }
})

test('errors name nodes by id, never by name', () => {
  const bytes = toBinary(TreeSchema, create(TreeSchema, { nodes: [fileOf(1, 'canary'), fileOf(2, 'canary')] }))
  assert.throws(
    () => parseTree(bytes),
    (error: Error) => /990{28}01|99.*01/.test(error.message) && !/canary/.test(error.message),
  )
  assert.throws(
    () => parseTree(Uint8Array.of(...bytes, 1)),
    (error: Error) => !/canary/.test(error.message),
  )
})

test('what shares a name or an id in one folder is a conflict, what cannot be is invalid', () => {
  assert.throws(() => serializeTree([fileOf(1, 'a'), fileOf(2, 'a')]), trouble('conflict'))
  assert.throws(() => serializeTree([fileOf(1, 'a'), fileOf(1, 'b')]), trouble('conflict'))
  assert.throws(() => serializeTree([fileOf(1, '../a')]), trouble('invalid'))
  assert.throws(() => serializeTree([fileOf(1, 'lone \ud800 surrogate')]), trouble('invalid'))
})
