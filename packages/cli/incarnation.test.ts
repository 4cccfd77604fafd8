import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryState } from '@anysync/client/memory/state.ts'
import { acknowledgeIncarnation, incarnationChangedNs, noteIncarnation } from './incarnation.ts'

const [first, second] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)]

test('another incarnation is a change until a person knows of it; the first one and the same one are none', () => {
  const state = createMemoryState()
  noteIncarnation(state, first, 10n)
  noteIncarnation(state, first, 20n)
  assert.equal(incarnationChangedNs(state), null)
  assert.equal(acknowledgeIncarnation(state), false)
  noteIncarnation(state, second, 30n)
  noteIncarnation(state, second, 40n)
  assert.equal(incarnationChangedNs(state), 30n)
  assert.equal(acknowledgeIncarnation(state), true)
  assert.equal(incarnationChangedNs(state), null)
  noteIncarnation(state, second, 50n)
  assert.equal(incarnationChangedNs(state), null)
})
