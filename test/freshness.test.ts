/**
 * How new what a server shows is: a new device, which remembers nothing, tells a person of the newest snapshots, and a server
 * that says it was put back is told of.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { logIn, newDevice } from './support/device.ts'
import { linkBoth, makeHousehold, sync } from './support/household.ts'
import { assertDone, documentsOf } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'

test('a login shows number, time and device of the newest record of each vault', async () => {
  using scratch = makeScratch('freshness')
  await using household = await makeHousehold(scratch)
  const { desk, deskFolder, link, person } = household
  await desk.done(['vault', 'create', 'nothing yet'])
  await linkBoth(household)
  writeFileSync(join(deskFolder, 'file'), 'text')
  await sync(desk)
  const { stdout } = assertDone(await logIn(newDevice(scratch, 'phone'), link, person))
  assert.match(stdout, /the vault 'photos' is at record 1, made \d{4}-\d\d-\d\d \d\d:\d\d\S* by 'desk'\n/)
  assert.match(stdout, /the vault 'nothing yet' is empty\n/)
  assert.match(stdout, /if another device of yours shows newer ones, the server hides them/)
  const json = assertDone(await logIn(newDevice(scratch, 'tablet'), link, person, ['--json']))
  const [{ vaults }] = documentsOf(json) as [{ vaults: { vault: string; newest: { device: string } | null }[] }]
  assert.deepEqual(
    vaults.map(({ vault, newest }) => [vault, newest?.device ?? null]),
    [
      ['nothing yet', null],
      ['photos', 'desk'],
    ],
  )
})

test('a server that says it was put back is told of by status until a person knows', async () => {
  using scratch = makeScratch('incarnation')
  await using household = await makeHousehold(scratch)
  const { desk, server } = household
  await linkBoth(household)
  const changed = async () => (await desk.json<{ serverChanged: string | null }>(['status'])).serverChanged
  assert.equal(await changed(), null)
  await server.stop()
  {
    using database = new DatabaseSync(join(server.home, 'server/anysync.db'))
    database.exec("update setting set value = randomblob(16) where name = 'incarnation'")
  }
  await server.start()
  await sync(desk)
  assert.match((await changed()) ?? '', /^\d{4}-/)
  assert.match((await desk.done(['status'])).stdout, /the server says that it was put back from a backup/)
  await desk.done(['confirm'])
  assert.equal(await changed(), null)
  await sync(desk)
  assert.equal(await changed(), null)
})
