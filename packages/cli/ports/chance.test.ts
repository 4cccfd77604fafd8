/**
 * Bytes of chance that are drawn ahead: as many as were asked for, and no two of them the same.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeChance } from './chance.ts'

test('bytes of any length come, and none comes twice', () => {
  const seen = new Set<string>()
  for (let round = 0; round < 3000; round++) {
    for (const length of [8, 16, 24, 32]) {
      const bytes = nodeChance.bytes(length)
      assert.equal(bytes.length, length)
      // What was drawn ahead lies in one piece of memory: of two draws, neither may begin within the other.
      for (let start = 0; start + 8 <= length; start += 8) {
        const part = bytes.toHex().slice(2 * start, 2 * start + 16)
        assert.ok(!seen.has(part), `${part} came twice`)
        seen.add(part)
      }
    }
  }
})

test('nothing is asked of the system for no bytes, and many come as well', () => {
  assert.equal(nodeChance.bytes(0).length, 0)
  assert.ok(nodeChance.bytes(10_000).some((byte) => byte !== 0))
})

test('whoever was given bytes may change them', () => {
  const first = nodeChance.bytes(16)
  first.fill(0)
  assert.ok(nodeChance.bytes(16).some((byte) => byte !== 0))
})
