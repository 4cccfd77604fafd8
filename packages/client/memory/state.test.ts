import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryState, type MemoryState } from './state.ts'
import { stateSuite } from './state.suite.ts'

stateSuite('the local state in memory', (options) => {
  let state: MemoryState = createMemoryState(options)
  return {
    state,
    reopen() {
      const restore = state.snapshot()
      state[Symbol.dispose]()
      state = createMemoryState({ ...options, restore })
      return state
    },
    close: () => state[Symbol.dispose](),
  }
})

test('a crash before a commit takes the transaction back, a crash after it does not', () => {
  let crash: 'before' | 'after' | null = null
  const onCommit = (moment: 'before' | 'after') => {
    if (moment === crash) throw new Error('crash')
  }
  const state = createMemoryState({ onCommit })
  state.putFact('scope', 'name', 'one')
  crash = 'before'
  assert.throws(() => state.putFact('scope', 'name', 'two'), /crash/)
  assert.throws(() => state.transact(() => state.putFact('scope', 'other', 'two')), /crash/)
  const before = createMemoryState({ restore: state.snapshot() })
  assert.equal(before.fact('scope', 'name'), 'one')
  assert.equal(before.fact('scope', 'other'), null)
  crash = 'after'
  assert.throws(() => state.putFact('scope', 'name', 'two'), /crash/)
  const after = createMemoryState({ restore: state.snapshot() })
  assert.equal(after.fact('scope', 'name'), 'two')
})

test('a snapshot does not follow what happens later', () => {
  const state = createMemoryState()
  state.putFact('scope', 'name', 'one')
  const snapshot = state.snapshot()
  state.putFact('scope', 'name', 'two')
  assert.equal(createMemoryState({ restore: snapshot }).fact('scope', 'name'), 'one')
})
