/** Random histories, see `history.suite.ts`. `SEEDS=1000` runs more, from `FIRST=500` on, `SEED=7` one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play } from './history.suite.ts'

const one = process.env['SEED']
const first = Number(process.env['FIRST'] ?? '0')
const count = Number(process.env['SEEDS'] ?? '60')
const seeds = one === undefined ? Array.from({ length: count }, (_, index) => first + index) : [Number(one)]

test(`${seeds.length} random histories end with all devices alike and nothing lost`, async () => {
  for (const seed of seeds) {
    try {
      await play(seed)
    } catch (error) {
      throw new Error(
        `seed ${seed} failed; replay it with: SEED=${seed} node --test packages/client/sync/history.test.ts`,
        { cause: error },
      )
    }
  }
})

test(`${seeds.length} random histories in which modes change lose nothing, and are alike once all sync`, async () => {
  for (const seed of seeds) {
    try {
      await play(seed, true)
    } catch (error) {
      throw new Error(
        `seed ${seed} failed with modes; replay it with: SEED=${seed} node --test packages/client/sync/history.test.ts`,
        { cause: error },
      )
    }
  }
})

test('one seed is one history', async () => {
  assert.deepEqual(await play(seeds[0] ?? 0), await play(seeds[0] ?? 0))
})
