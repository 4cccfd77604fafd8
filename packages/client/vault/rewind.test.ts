/** A log goes back to what device and server both have, and only when what the server has after it verifies. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryState } from '../memory/state.ts'
import type { Remote } from '../ports.ts'
import { addFile, forge, kept, showing } from './log.suite.ts'
import { lowestSince, noteRewind, parseRewinds, rewindsFact } from './rewind.ts'
import { bodyOf, contentOf, trouble } from './vault.suite.ts'
import { createVaultWorld } from './world.suite.ts'

const flip = (record: Uint8Array) => record.map((byte, i) => (i === record.length >> 1 ? byte ^ 1 : byte))

const nineThenFork = async () => {
  const world = await createVaultWorld()
  const { vault, state } = world.open(0)
  for (let number = 1; number <= 3; number++) await addFile(vault, number)
  const copy = world.server.snapshot()
  for (let number = 4; number <= 9; number++) await addFile(vault, number)
  world.server.restore(copy, { isAnnounced: false })
  return { world, vault, state }
}

test('a log goes back to the newest record that both have, and can be continued', async () => {
  const { world, vault, state } = await nineThenFork()
  await assert.rejects(vault.refresh(), trouble('corrupt', /older state/))
  assert.deepEqual(await vault.rewind(), { sequence: 3, lostRecords: 6 })
  assert.equal(vault.newest()?.sequence, 3)
  assert.equal(vault.snapshots().length, 3)
  assert.deepEqual(parseRewinds(state.fact(world.vaultId, rewindsFact)), { count: 1, sequences: [3] })
  assert.equal((await addFile(vault, 10)).sequence, 4)
  const other = world.open(1).vault
  assert.equal((await other.refresh())?.sequence, 4)
})

test('what the server has after it is taken over, and packs that it lost are forgotten', async () => {
  const { world, vault, state } = await nineThenFork()
  const other = world.open(1).vault
  await other.refresh()
  await addFile(other, 20)
  const before = state.packIds(world.vaultId)
  await assert.rejects(vault.refresh(), trouble('corrupt', /another record|older state/))
  await vault.rewind()
  assert.equal(vault.newest()?.hash, other.newest()?.hash)
  const stored = await world.remote(0).existingPacks(world.vaultId, before)
  for (const pack of before) assert.equal(state.packIds(world.vaultId).includes(pack), stored.has(pack))
  assert.ok(stored.size < before.length)
})

test('a pack that the log names and the server lost is not taken for stored', async () => {
  const { world, state } = await nineThenFork()
  const remote = world.remote(0)
  const [lost] = state.packIds(world.vaultId)
  assert.ok(lost)
  const lacking: Remote = {
    ...remote,
    existingPacks: async (vaultId, packs) =>
      new Map([...(await remote.existingPacks(vaultId, packs))].filter(([pack]) => pack !== lost)),
  }
  const { vault } = world.open(0, state, lacking)
  await vault.rewind()
  assert.equal(state.packIds(world.vaultId).includes(lost), false)
  assert.equal(state.packIds(world.vaultId).length, 2)
})

test('the newest common record is found however far back it lies', async () => {
  for (const common of [0, 1, 2, 60]) {
    const world = await createVaultWorld()
    let previous = null
    for (let number = 1; number <= common; number++)
      previous = await forge(world, previous, bodyOf({ root: contentOf(0), label: `${number}` }))
    const copy = world.server.snapshot()
    for (let number = common + 1; number <= 70; number++)
      previous = await forge(world, previous, bodyOf({ root: contentOf(0), label: `${number}` }))
    const { vault } = world.open(0)
    await vault.refresh()
    world.server.restore(copy, { isAnnounced: true })
    assert.deepEqual(await vault.rewind(), { sequence: common, lostRecords: 70 - common })
  }
})

test('a history after the common record that does not verify is refused, and nothing is changed', async () => {
  const { world, vault, state } = await nineThenFork()
  const other = world.open(1).vault
  await other.refresh()
  for (const number of [20, 21]) await addFile(other, number)
  const before = kept(state, world)
  for (const spoil of [
    (records: Uint8Array[]) => records.with(4, flip(records[4]!)),
    (records: Uint8Array[]) => [...records.slice(0, 3), ...records.slice(4)],
  ]) {
    const lying = world.open(0, createMemoryState({ restore: state.snapshot() }), showing(world.remote(0), spoil))
    await assert.rejects(lying.vault.rewind(), trouble('corrupt'))
    assert.deepEqual(kept(lying.state, world), before)
  }
  await vault.rewind()
  assert.equal(vault.newest()?.sequence, 5)
})

test('a second rewind is counted, and both sequences are known', async () => {
  const { world, vault, state } = await nineThenFork()
  await vault.rewind()
  const copy = world.server.snapshot()
  await addFile(vault, 30)
  world.server.restore(copy, { isAnnounced: true })
  await vault.rewind()
  assert.deepEqual(parseRewinds(state.fact(world.vaultId, rewindsFact)), { count: 2, sequences: [3, 3] })
})

test('the lowest sequence since so many rewinds is told, also of many', () => {
  let fact: string | null = null
  for (const sequence of [5, 2, 9]) fact = noteRewind(fact, sequence)
  const lowest = [0, 1, 2, 3, 4].map((seen) => lowestSince(parseRewinds(fact), seen))
  assert.deepEqual(lowest, [2, 2, 9, null, null])
  for (let sequence = 100; sequence < 140; sequence++) fact = noteRewind(fact, sequence)
  assert.deepEqual(
    [0, 3, 28, 42, 43].map((seen) => lowestSince(parseRewinds(fact), seen)),
    [2, 2, 125, 139, null],
  )
  assert.ok((fact ?? '').length < 100)
})
