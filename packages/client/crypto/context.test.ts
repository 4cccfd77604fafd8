import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { concatBytes, equalBytes, u32, u64, utf8 } from './bytes.ts'
import { encodeContext, type ContextField } from './context.ts'

test('a context is the release, the kind and the fields, each behind its length', () => {
  assert.equal(
    encodeContext('grant', Uint8Array.of(0xaa, 0xbb), 7, 2n ** 40n, '').toHex(),
    concatBytes(
      u32(10),
      utf8('anysync/v1'),
      u32(5),
      utf8('grant'),
      u32(2),
      Uint8Array.of(0xaa, 0xbb),
      u32(8),
      u64(7),
      u32(8),
      u64(2n ** 40n),
      u32(0),
    ).toHex(),
  )
})

const asBytes = (field: ContextField): string =>
  typeof field === 'string' ? utf8(field).toHex() : field instanceof Uint8Array ? field.toHex() : ''

test('two lists of fields never make one context', () => {
  const field = fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.uint8Array({ maxLength: 4 }))
  fc.assert(
    fc.property(fc.array(field, { maxLength: 4 }), fc.array(field, { maxLength: 4 }), (one, two) => {
      const areSame = one.length === two.length && one.every((field, i) => asBytes(field) === asBytes(two[i] ?? ''))
      assert.equal(equalBytes(encodeContext(...one), encodeContext(...two)), areSame)
    }),
  )
  assert.notDeepEqual(encodeContext('ab', 'c'), encodeContext('a', 'bc'))
  assert.notDeepEqual(encodeContext('a'), encodeContext('a', ''))
})

test('a text that is not Unicode has no bytes', () => {
  assert.throws(() => encodeContext('\ud800'), /Unicode/)
  assert.throws(() => utf8('\ud800'), /Unicode/)
})

test('bytes are equal when all of them are', () => {
  assert.ok(equalBytes(new Uint8Array(), new Uint8Array()))
  assert.ok(equalBytes(utf8('abc'), utf8('abc')))
  for (const other of ['ab', 'abd', 'bbc', 'abcd']) assert.ok(!equalBytes(utf8('abc'), utf8(other)))
})
