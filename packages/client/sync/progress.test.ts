import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededChance } from '../memory/chance.ts'
import { createEngine } from './engine.ts'
import type { Progress } from './report.ts'
import { createWorld, type Device, type World } from './world.suite.ts'

/** A turn of the device's own, whose progress is kept. */
const watchedTurn = async ({ clock, chance }: World, { disk, state, vault, name }: Device): Promise<Progress[]> => {
  const [link] = state.links()
  assert.ok(link)
  const told: Progress[] = []
  const onProgress = (progress: Progress) => void told.push(progress)
  await createEngine({ disk, state, clock, chance, vault, link, deviceName: name, onProgress }).turn()
  return told
}

test('every file that travels is told of by name, with how much of it is through', async () => {
  const world = await createWorld(1)
  const [first, second] = world.devices
  assert.ok(first && second)
  const size = 8_000_000
  first.user.writeFile('docs/large', seededChance(5).bytes(size))
  for (const [phase, device] of [
    ['push', first],
    ['pull', second],
  ] as const) {
    const told = (await watchedTurn(world, device)).filter((progress) => progress.phase === phase)
    const steps = told.flatMap(({ current = [] }) => current)
    assert.deepEqual(new Set(steps.map((step) => `${step.path} of ${step.size}`)), new Set([`docs/large of ${size}`]))
    assert.ok(steps.some(({ bytes }) => bytes > 0 && bytes < size))
    assert.equal(steps.at(-1)?.bytes, size)
    assert.deepEqual(told.at(-1)?.current, [], 'what is through is told of no more')
  }
})

test('whoever does the work is told how much there is before it is asked for', async () => {
  const world = await createWorld(1)
  const [first, second] = world.devices
  assert.ok(first && second)
  first.user.writeFile('large', new Uint8Array(3_000_000))
  first.user.writeFile('small', 'small')
  for (const device of [first, second]) {
    const told: string[] = []
    const { vault } = device
    const watched: Device['vault'] = {
      ...vault,
      prepare: (bytes) => void (bytes > 0 && told.push(`prepare ${bytes}`)),
      writeFile: (source) => (told.push('work'), vault.writeFile(source)),
      stream: (content) => (told.push('work'), vault.stream(content)),
    }
    await watchedTurn(world, { ...device, vault: watched })
    assert.deepEqual(told.slice(0, 2), ['prepare 3000005', 'work'])
  }
})

test('a pull comes to its end in its progress, also where links and modes travel', async () => {
  const world = await createWorld(1)
  const [first, second] = world.devices
  assert.ok(first && second)
  for (const name of ['a', 'b', 'c']) first.user.writeFile(name, name)
  await watchedTurn(world, first)
  await watchedTurn(world, second)
  first.user.chmod('a', 0o600)
  first.user.symlink('a', 'link')
  first.user.writeFile('b', 'longer')
  await watchedTurn(world, first)
  const last = (await watchedTurn(world, second)).findLast(({ phase }) => phase === 'pull')
  assert.deepEqual([last?.files, last?.filesTotal, last?.bytes, last?.bytesTotal], [3, 3, 6, 6])
})
