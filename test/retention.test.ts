/**
 * What the daemon forgets by itself: nothing until a person sets rules, then by them, once a week; told by status, in the
 * log of actions and in the vault's log.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { daemonsOf, eventually, untilState } from './support/daemon.ts'
import { linkBoth, makeHousehold, sync } from './support/household.ts'
import { makeScratch } from './support/scratch.ts'

type History = { rules: string; applied: string | null; forgotten: number | null }

test('the daemon forgets by the rules that were set, once a week', { timeout: 240_000 }, async () => {
  using scratch = makeScratch('retention')
  await using house = await makeHousehold(scratch)
  const { desk, laptop, deskFolder, laptopFolder } = house
  await using _daemons = daemonsOf(desk, laptop)
  const write = (text: string) => writeFileSync(join(deskFolder, 'diary.txt'), text)
  write('day 0')
  await linkBoth(house)
  for (let day = 1; day < 5; day++) {
    write(`day ${day}`)
    await sync(desk)
  }
  const snapshots = async () =>
    (await desk.json<{ snapshots: { sequence: number }[] }>(['snapshots', deskFolder])).snapshots.length
  const history = async () => (await desk.json<{ folders: { history: History }[] }>(['status'])).folders[0]?.history
  const applied = async () => (await history())?.applied ?? null

  await desk.done(['start'])
  await untilState(desk, 'up-to-date')
  assert.deepEqual(await history(), { rules: 'off', applied: null, forgotten: null })
  assert.equal(await snapshots(), 5)
  assert.equal((await desk.run(['config', 'set', 'retention', 'keep-everything'])).exitCode, 1)

  await desk.done(['config', 'set', 'retention', 'keep-last', '2'])
  await desk.done(['sync'])
  const first = await eventually(history, (found) => found?.applied !== null)
  assert.deepEqual([first?.rules, first?.forgotten], ['keep-last 2', 3])
  assert.equal(await snapshots(), 2)
  await untilState(desk, 'up-to-date')
  assert.match((await desk.done(['log'])).stdout, /forgotten +3 old snapshots, by keep-last 2/)
  assert.match((await desk.done(['status'])).stdout, /history kept +keep-last 2 \(applied .*, 3 forgotten\)/)

  // Not again before a week has passed.
  write('day 5')
  await eventually(snapshots, (count) => count === 3)
  await desk.done(['sync'])
  assert.equal(await applied(), first?.applied)
  await desk.done(['stop'])
  {
    using database = new DatabaseSync(join(desk.account(), 'state.db'))
    database.exec("UPDATE facts SET value = '1 2 3' WHERE name = 'retained'")
  }
  await desk.done(['start'])
  await untilState(desk, 'up-to-date')
  assert.deepEqual([await snapshots(), (await history())?.forgotten], [2, 1])

  // Every device knows, and what was forgotten can be had back.
  await sync(laptop)
  const rescued = await laptop.json<{ rescued: object[] }>(['rescue', '--folder', laptopFolder, '--dry-run'])
  assert.equal(rescued.rescued.length, 4)
})
