/** What a turn had set aside when its process died, and the database was lost: it gets a name of its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeIdFromBytes } from '@anysync/protocol/ids.ts'
import { assertAlike, household } from './household.suite.ts'
import { asideName } from './identify-node.ts'
import { filesOf, settle } from './world.suite.ts'

test('a file that nobody knows under the name of something set aside is kept under a name of its own', async () => {
  const world = await household({ keep: 'k' })
  const { a, b } = world
  const id = nodeIdFromBytes(new Uint8Array(16).fill(0xab))
  a.user.writeFile(`f/${asideName(id)}`, 'set aside')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'f/recovered abababab': 'set aside', keep: 'k' })
  await assertAlike(world)
})
