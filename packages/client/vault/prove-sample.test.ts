/** A sampled proof reads a few packs, stays within its bounds, and forgets nothing that it found. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packIdFromBytes, rootNodeId, type PackId } from '@anysync/protocol/ids.ts'
import { seededChance } from '../memory/chance.ts'
import { createMemoryState } from '../memory/state.ts'
import type { Remote } from '../ports.ts'
import { proveSample, type FailedPack } from './prove-sample.ts'
import { fileOf, nodeIdOf } from './vault.suite.ts'
import { createVaultWorld, keepingPartsOf, push, type VaultWorld } from './world.suite.ts'

const filesPushed = 4

const makeVault = async () => {
  const world = await createVaultWorld()
  const { vault, state } = world.open(0)
  for (let number = 1; number <= filesPushed; number++) {
    const node = fileOf(number, `file ${number}`, await vault.writeFile(seededChance(number).bytes(700_000)))
    await push(vault, [{ id: nodeIdOf(number), from: null, to: { parent: rootNodeId, node } }])
  }
  return { world, packs: state.packIds(world.vaultId) }
}

type Wanted = { bytesMax?: number; failedBefore?: FailedPack[]; signal?: AbortSignal; seed?: number }

const prove = (world: VaultWorld, remote: Remote, wanted: Wanted = {}) => {
  const { bytesMax = 64_000_000, failedBefore = [], signal = new AbortController().signal, seed = 1 } = wanted
  const opened = world.open(0, createMemoryState(), remote)
  const parts = { ...keepingPartsOf(world, 0, opened, remote), chance: seededChance(seed) }
  return proveSample({ ...parts, bytesMax, failedBefore, signal })
}

const damaging = (remote: Remote, ...victims: PackId[]): Remote => ({
  ...remote,
  getPack: async (vaultId, pack, offset, length) => {
    const bytes = await remote.getPack(vaultId, pack, offset, length)
    return victims.includes(pack) && length > 1000
      ? bytes.map((byte, i) => (i === length >> 1 ? byte ^ 1 : byte))
      : bytes
  },
})

test('of a small vault one pack is read, and any may be it', async () => {
  const { world, packs } = await makeVault()
  const read = new Set<PackId>()
  const remote = world.remote(0)
  const watching: Remote = {
    ...remote,
    packLength: (vaultId, pack) => (read.add(pack), remote.packLength(vaultId, pack)),
  }
  for (let seed = 1; seed <= 40; seed++) {
    const report = await prove(world, watching, { seed })
    assert.deepEqual(
      [report.sequence, report.packs, report.packsRead, report.failed],
      [filesPushed, packs.length, 1, []],
    )
    assert.ok(report.bytesRead > 0)
  }
  assert.deepEqual(read, new Set(packs))
})

test('an empty vault is proven by reading nothing', async () => {
  const world = await createVaultWorld()
  const report = await prove(world, world.remote(0))
  assert.deepEqual(report, { sequence: 0, packs: 0, packsRead: 0, bytesRead: 0, failed: [] })
})

test('a damaged pack is found when it is read, and read again until it is well', async () => {
  const { world, packs } = await makeVault()
  const remote = damaging(world.remote(0), ...packs)
  const { failed } = await prove(world, remote)
  assert.equal(failed.length, 1)
  assert.match(failed[0]!.message, /name/)
  const [victim] = failed
  const healthy = packs.filter((pack) => pack !== victim!.pack)
  for (let seed = 1; seed <= 5; seed++) {
    const later = await prove(world, damaging(world.remote(0), victim!.pack), { failedBefore: failed, seed })
    assert.deepEqual(
      later.failed.map(({ pack }) => pack),
      [victim!.pack],
    )
  }
  const mended = await prove(world, world.remote(0), { failedBefore: failed })
  assert.deepEqual(mended.failed, [])
  assert.ok(healthy.length > 0)
})

test('no more is read than is wanted, and what failed and is not read stays failed', async () => {
  const { world, packs } = await makeVault()
  const failedBefore = packs.map((pack) => ({ pack, message: 'it was damaged' }))
  const report = await prove(world, world.remote(0), { bytesMax: 1, failedBefore })
  assert.equal(report.packsRead, 1)
  assert.deepEqual(report.failed, failedBefore.slice(1))
})

test('what is not in use any more is not missed', async () => {
  const { world } = await makeVault()
  const failedBefore = [{ pack: packIdFromBytes(seededChance(9).bytes(32)), message: 'it was damaged' }]
  assert.deepEqual((await prove(world, world.remote(0), { failedBefore })).failed, [])
})

test('a server that cannot be asked is no proof of anything, and neither is one that was ended', async () => {
  const { world } = await makeVault()
  world.server.setFault(({ operation }) => {
    if (operation === 'pack.get') throw Object.assign(new Error('unreached'))
  })
  await assert.rejects(prove(world, world.remote(0)), /unreached/)
  world.server.setFault(null)
  const signal = AbortSignal.abort()
  await assert.rejects(prove(world, world.remote(0), { signal }), { name: 'AbortError' })
})
