import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededChance } from '../memory/chance.ts'
import { IdSet } from './id-set.ts'

test('a set holds what was added and nothing else, through all its sizes', () => {
  const chance = seededChance(1)
  const ids = Array.from({ length: 20_000 }, () => chance.bytes(32).toHex())
  const set = new IdSet()
  for (const id of ids) assert.equal(set.add(id), true)
  for (const id of ids) assert.equal(set.add(id), false)
  assert.equal(set.size, ids.length)
  assert.ok(ids.every((id) => set.has(id)))
  for (let i = 0; i < 20_000; i++) assert.equal(set.has(chance.bytes(32).toHex()), false)
})

test('ids that begin alike are told apart, and zeros are an id like others', () => {
  const set = new IdSet()
  const ids = ['', '1', '01', '0001'].map((start) => start.padEnd(64, '0'))
  for (const id of ids) assert.equal(set.has(id), false)
  for (const id of ids) assert.equal(set.add(id), true)
  for (const id of ids) assert.equal(set.has(id), true)
  assert.equal(set.size, ids.length)
})
