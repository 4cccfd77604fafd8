/** The first decides, the others are ended, and none lives on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstToEnd } from './first-to-end.ts'

/** Work that ends only by its signal, and notes that. */
const endless = (ended: string[], name: string) => (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) =>
    signal.addEventListener('abort', () => {
      ended.push(name)
      reject(signal.reason)
    }),
  )

test('what ends first is the result, and the others have ended by then', async () => {
  const ended: string[] = []
  const { signal } = new AbortController()
  assert.equal(await firstToEnd(signal, [endless(ended, 'a'), async () => 'done', endless(ended, 'b')]), 'done')
  assert.deepEqual(ended, ['a', 'b'])
})

test('what fails first is thrown, after the others have ended', async () => {
  const ended: string[] = []
  await assert.rejects(
    firstToEnd(new AbortController().signal, [endless(ended, 'a'), () => Promise.reject(new Error('broken'))]),
    /broken/,
  )
  assert.deepEqual(ended, ['a'])
})

test('an abort ends all of them with its reason', async () => {
  const ended: string[] = []
  const abort = new AbortController()
  const all = firstToEnd(abort.signal, [endless(ended, 'a'), endless(ended, 'b')])
  abort.abort(new Error('stop'))
  await assert.rejects(all, /stop/)
  assert.deepEqual(ended, ['a', 'b'])
})
