import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededChance } from './chance.ts'

test('the same seed gives the same bytes, another seed others', () => {
  assert.deepEqual(seededChance(7).bytes(100), seededChance(7).bytes(100))
  assert.notDeepEqual(seededChance(7).bytes(100), seededChance(8).bytes(100))
})

test('the bytes of a seed are the same in every release, so that a failing seed stays failing', () => {
  assert.equal(seededChance(1).bytes(16).toHex(), 'd4197117e52d9681b39a60e37ac1bc7c')
})

test('bytes never repeat and lean to no value', () => {
  const chance = seededChance(1)
  const seen = new Set(Array.from({ length: 10_000 }, () => chance.bytes(24).toHex()))
  assert.equal(seen.size, 10_000)
  const counts = new Uint32Array(256)
  for (const byte of chance.bytes(256_000)) counts[byte] = (counts[byte] ?? 0) + 1
  assert.ok(Math.min(...counts) > 800 && Math.max(...counts) < 1200)
})

test('any length can be had', () => {
  const chance = seededChance(1)
  for (const length of [0, 1, 2, 3, 4, 5, 31, 32, 33]) assert.equal(chance.bytes(length).length, length)
})
