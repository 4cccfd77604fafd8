/** What was told waits for who asks, in bounded memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { scopeFoldersMax } from '@anysync/protocol/limits.ts'
import { Hints } from './hints.ts'

const forever = new AbortController().signal

test('as many folders as the limit are told by name, one more as everything', async () => {
  const hints = new Hints()
  for (let index = 0; index < scopeFoldersMax; index++) hints.touch(`${index}`)
  const hint = await hints.next(forever)
  assert.ok(hint !== 'all' && hint.size === scopeFoldersMax)
  for (let index = 0; index <= scopeFoldersMax; index++) hints.touch(`${index}`)
  hints.touch('later')
  assert.equal(await hints.next(forever), 'all')
  hints.touch('again')
  assert.deepEqual(await hints.next(forever), new Set(['again']))
})

test('a failure is told to everyone who asks, until it is cleared with everything else', async () => {
  const hints = new Hints()
  hints.touch('before')
  hints.fail(new SyncError('test', 'unavailable', 'it broke'))
  await assert.rejects(hints.next(forever), /it broke/)
  await assert.rejects(hints.next(forever), /it broke/)
  hints.clear()
  hints.touch('after')
  assert.deepEqual(await hints.next(forever), new Set(['after']))
})
