/** What a turn had set aside when its process died, and the database was lost: it gets a name of its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNodeId } from '@anysync/protocol/ids.ts'
import { assertAlike, household } from './household.suite.ts'
import { asideName } from './identify-node.ts'
import { filesOf, settle } from './world.suite.ts'

test('files that nobody knows under names of something set aside are kept, each under a name of its own', async () => {
  const world = await household({ keep: 'k' })
  const { a, b } = world
  // Made in one moment, so their ids begin alike.
  for (const end of ['1', '2']) a.user.writeFile(`f/${asideName(parseNodeId(`${'ab'.repeat(15)}c${end}`))}`, end)
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'f/recovered abababc1': '1', 'f/recovered abababc2': '2', keep: 'k' })
  await assertAlike(world)
})
