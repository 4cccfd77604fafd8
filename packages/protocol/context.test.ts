import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeContext } from './context.ts'

test('a context is its fields, each after its length', () => {
  const hex = encodeContext('login', new Uint8Array([1, 2]), 3, 4n, '').toHex()
  assert.equal(
    hex,
    '0000000a' +
      '616e7973796e632f7631' + // anysync/v1
      '00000005' +
      '6c6f67696e' +
      '00000002' +
      '0102' +
      '00000008' +
      '0000000000000003' +
      '00000008' +
      '0000000000000004' +
      '00000000',
  )
})

test('moving a byte from one field to the next makes another context', () => {
  assert.notEqual(encodeContext('ab', 'c').toHex(), encodeContext('a', 'bc').toHex())
  assert.notEqual(encodeContext('a', '').toHex(), encodeContext('a').toHex())
})

test('texts that are not Unicode are refused', () => {
  assert.throws(() => encodeContext('\uD800'), { kind: 'invalid' })
})
