import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contentWorkSuite } from '@anysync/client/content/work.suite.ts'
import { ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { workInThreads } from './content-threads.ts'
import { allocateShared } from './thread-memory.ts'
import { createThreads } from './threads.ts'

/** Those of `testKeys()`. */
const vaultId = vaultIdFromBytes(new Uint8Array(16).fill(1))
const vaultKeyByEpoch = new Map([[0, new Uint8Array(32).fill(16)]])

contentWorkSuite(() => {
  const threads = createThreads({ count: 2, worthBytes: 0 })
  return {
    ...workInThreads(threads)(vaultId, vaultKeyByEpoch),
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  }
})

test('a thread that cannot do what it is asked says so, and goes on', async () => {
  await using threads = createThreads({ count: 1, worthBytes: 0 })
  await assert.rejects(threads.run('name', [vaultId, ContentKind.DATA, []]), /is told of a vault before/)
  threads.tell('openVault', [vaultId, vaultKeyByEpoch])
  assert.deepEqual(await threads.run('name', [vaultId, ContentKind.DATA, []]), [])
})

test('what is asked of threads that are closed is refused, what they had not answered too', async () => {
  const threads = createThreads({ count: 1, worthBytes: 0 })
  threads.tell('openVault', [vaultId, vaultKeyByEpoch])
  const asked = threads.run('join', [vaultId, [new Uint8Array(1 << 20)], allocateShared(1 << 20)])
  const refused = assert.rejects(asked, /a thread ended/)
  await threads[Symbol.asyncDispose]()
  await refused
  await assert.rejects(threads.run('join', [vaultId, [], allocateShared(0)]), /were closed/)
})

test('much that is told ahead is worth threads before it is asked for, and little does not count twice', async () => {
  await using threads = createThreads({ count: 1, worthBytes: 100 })
  threads.prepare(60)
  threads.prepare(60)
  assert.ok(!threads.areWorth(60))
  threads.prepare(60)
  assert.ok(threads.areWorth(1))
})

test('the first little work is not worth a thread', () => {
  const threads = createThreads({ worthBytes: 100 })
  assert.deepEqual([threads.areWorth(60), threads.areWorth(40), threads.areWorth(1)], [false, false, true])
})
