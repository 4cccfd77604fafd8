/** A few of the simulator's histories, and the parts that it rests on. `npm run sim` plays as many as wanted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { cipherSuite } from '@anysync/client/memory/cipher.suite.ts'
import { zstdSuite } from '@anysync/client/memory/zstd.suite.ts'
import { rememberingCipher } from './cipher.ts'
import { actNames, historyOf, type History } from './history.ts'
import { mutants } from './mutants.ts'
import { checkMutant } from './mutate.ts'
import { play } from './play.ts'
import { shrink } from './shrink.ts'

cipherSuite('the remembering cipher', () => rememberingCipher(nodeCipher))
zstdSuite(
  'the remembering cipher',
  () => rememberingCipher(nodeCipher),
  () => [rememberingCipher(nodeCipher), nodeCipher],
)

test('histories end with all devices alike and nothing lost, and a seed is one history', async () => {
  for (let seed = 0; seed < 60; seed++) {
    const history = historyOf(seed)
    const first = await play(history)
    assert.equal(first.failure, null, `replay it with: npm run sim -- --seed ${seed}`)
    assert.equal((await play(history)).hash, first.hash, `seed ${seed} is not one history`)
  }
})

test('other histories have other traces', async () => {
  const hashes = new Set<number>()
  for (let seed = 0; seed < 10; seed++) hashes.add((await play(historyOf(seed))).hash)
  assert.equal(hashes.size, 10)
})

test('a failure is found, and made as short as it can be', async () => {
  const history = historyOf(3)
  const nobody = { device: 0, where: 1, how: 1, isNear: false }
  const broken: History = {
    ...history,
    // No act has this name, so that playing it fails.
    steps: [...history.steps, { kind: 'acts', acts: [{ ...nobody, what: 'vanish' as (typeof actNames)[number] }] }],
  }
  const { failure } = await play(broken)
  assert.match(failure ?? '', /^bug: /)
  const short = await shrink(broken, failure ?? '')
  assert.deepEqual(
    short.steps.map(({ kind }) => kind),
    ['acts'],
  )
  const said: string[] = []
  await play(short, (line) => said.push(line))
  assert.deepEqual(said, ['people act:'])
})

test('every mutant fits the sources', () => {
  for (const mutant of mutants) checkMutant(mutant)
  assert.ok(mutants.length >= 20)
})
