import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromJson, toBinary, toJson, type MessageInitShape } from '@bufbuild/protobuf'
import * as fc from 'fast-check'
import { NodeKind, NodeSchema, TreeSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { demand, isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { damaged } from '../crypto/damage.suite.ts'
import { parseMessage } from '../crypto/message.ts'
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

const anyNode = fc
  .record({
    id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    name: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 9 }),
      fc.constantFrom('a'.repeat(127), 'a'.repeat(128), '\ufeffa'),
    ),
    kind: fc.constantFrom(NodeKind.FILE, NodeKind.FOLDER, NodeKind.SYMLINK),
    mode: fc.nat(0o7777),
    mtimeNs: fc.oneof(fc.bigInt({ min: -3n, max: 3n }), fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })),
    size: fc.integer({ min: 1, max: 4_000_000 }),
  })
  .map(({ size, ...fields }): MessageInitShape<typeof NodeSchema> =>
    fields.kind === NodeKind.SYMLINK
      ? { ...fields, mode: 0, linkTarget: fields.name.repeat(30) }
      : { ...fields, content: contentOf(size, size & 0xff) },
  )

/** What is written for nodes, or that they are refused. */
const outcome = (work: () => Uint8Array): string => {
  try {
    return work().toHex()
  } catch (error) {
    if (error instanceof SyncError) return 'refused'
    throw error
  }
}

test('a tree is written and read as by the library', () => {
  let written = 0
  fc.assert(
    fc.property(fc.array(anyNode, { maxLength: 4 }), (inits) => {
      const nodes = inits.map((init) => create(NodeSchema, init)).sort((a, b) => bytesOrder(a.name, b.name))
      const hex = outcome(() => serializeTree(nodes))
      if (hex === 'refused') return
      written += 1
      assert.equal(hex, toBinary(TreeSchema, create(TreeSchema, { nodes })).toHex())
      assert.deepEqual(
        parseTree(Uint8Array.fromHex(hex)).map((node) => toJson(NodeSchema, node)),
        nodes.map((node) => toJson(NodeSchema, node)),
      )
    }),
    { numRuns: 1000 },
  )
  assert.ok(written > 200, `${written} trees`)
})

test('a tree that is damaged is read, or refused, as by the library', () => {
  const nodes = [fileOf(1, 'a file.txt'), folderOf(2, 'folder', contentOf(50, 5)), symlinkOf(3, 'link', '../elsewhere')]
  const trees = [[], nodes, [fileOf(4, 'ü'.repeat(70))]].map(serializeTree)
  fc.assert(
    fc.property(damaged(...trees), (given) => {
      const byLibrary = outcome(() => {
        const written = serializeTree(parseMessage(TreeSchema, given, 'a', 'b').nodes)
        demand(written.toHex() === given.toHex(), 'a', 'corrupt', 'the nodes are out of order')
        return written
      })
      assert.equal(
        outcome(() => serializeTree(parseTree(given))),
        byLibrary,
      )
    }),
    { numRuns: 3000 },
  )
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
