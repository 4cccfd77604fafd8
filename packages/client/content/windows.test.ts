import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWindows } from './windows.ts'

/** How often memory was asked for. */
const counting = () => {
  let count = 0
  const allocate = (length: number): Uint8Array => {
    count += 1
    return new Uint8Array(length)
  }
  return { allocate, count: () => count }
}

test('memory that nobody holds any more is taken again, and never before', () => {
  const { allocate, count } = counting()
  const windows = createWindows(allocate)
  const first = windows.take(50_000)
  first.hold()
  first.release()
  const second = windows.take(50_000)
  assert.notEqual(second.memory.buffer, first.memory.buffer)
  first.release()
  assert.equal(windows.take(49_000).memory.buffer, first.memory.buffer)
  assert.equal(count(), 2)
})

test('passing windows are kept while some memory is in use, and let go with the last', () => {
  const { allocate, count } = counting()
  const windows = createWindows(allocate, { isPassing: true })
  const [first, second] = [windows.take(50_000), windows.take(50_000)]
  first.release()
  const third = windows.take(50_000)
  assert.equal(third.memory.buffer, first.memory.buffer)
  third.hold()
  second.release()
  third.release()
  assert.equal(windows.take(50_000).memory.buffer, second.memory.buffer, 'the third is held still')
  assert.equal(count(), 2)
})

test('of passing windows that nobody holds none is kept', () => {
  const { allocate, count } = counting()
  const windows = createWindows(allocate, { isPassing: true })
  windows.take(50_000).release()
  windows.take(50_000).release()
  assert.equal(count(), 2)
})
