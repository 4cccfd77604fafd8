/** A proof finds whatever a server lost, changed or hides, and says nothing of what is whole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootNodeId, type PackId } from '@anysync/protocol/ids.ts'
import { seededChance } from '../memory/chance.ts'
import { createMemoryState } from '../memory/state.ts'
import type { Remote } from '../ports.ts'
import { verify } from './verify.ts'
import { writeCheckpoint } from './checkpoint.ts'
import { fileOf, nodeIdOf } from './vault.suite.ts'
import { createVaultWorld, keepingPartsOf, push, type VaultWorld } from './world.suite.ts'

const open = (world: VaultWorld, remote = world.remote(0), state = createMemoryState()) => {
  const opened = world.open(0, state, remote)
  return { ...opened, parts: keepingPartsOf(world, 0, opened, remote) }
}

const makeVault = async () => {
  const world = await createVaultWorld()
  const { vault, state } = open(world)
  for (let number = 1; number <= 4; number++) {
    const node = fileOf(number, `file ${number}`, await vault.writeFile(seededChance(number).bytes(700_000)))
    await push(vault, [{ id: nodeIdOf(number), from: null, to: { parent: rootNodeId, node } }])
  }
  return { world, packs: state.packIds(world.vaultId) }
}

test('a whole vault is whole, with as many packs read as are wanted', async () => {
  const { world, packs } = await makeVault()
  const none = await verify({ ...open(world).parts, share: 0 })
  assert.deepEqual(
    [none.records, none.snapshots, none.packs, none.packsRead, none.troubles],
    [4, 4, packs.length, 0, []],
  )
  const all = await verify({ ...open(world).parts, share: 1 })
  assert.deepEqual([all.packsRead, all.troubles], [packs.length, []])
  assert.ok(all.bytesRead > 2_800_000)
  const begun = open(world)
  await begun.vault.refresh()
  await writeCheckpoint(begun.parts)
  const later = await verify({ ...open(world).parts, share: 1 })
  assert.deepEqual([later.records, later.snapshots, later.troubles], [1, 4, []])
})

const spoiling = (
  world: VaultWorld,
  packs: PackId[],
  spoil: Partial<Pick<Remote, 'getPack' | 'packLength'>>,
): Remote => {
  const remote = world.remote(0)
  const [, victim] = packs
  return {
    ...remote,
    getPack: (vaultId, pack, offset, length) =>
      (pack === victim && spoil.getPack ? spoil : remote).getPack!(vaultId, pack, offset, length),
    packLength: (vaultId, pack) => (pack === victim && spoil.packLength ? spoil : remote).packLength!(vaultId, pack),
  }
}

test('a pack that is gone, of another size, or changed in any place is found', async () => {
  const { world, packs } = await makeVault()
  const real = world.remote(0)
  const flipAt =
    (at: number): Remote['getPack'] =>
    async (vaultId, pack, offset, length) => {
      const bytes = await real.getPack(vaultId, pack, offset, length)
      if (at >= offset && at < offset + length) bytes[at - offset]! ^= 1
      return bytes
    }
  const length = (await real.packLength(world.vaultId, packs[1]!))!
  const cases: [Partial<Pick<Remote, 'getPack' | 'packLength'>>, number][] = [
    [{ packLength: () => Promise.resolve(null) }, 0],
    [{ packLength: () => Promise.resolve(length - 1) }, 0],
    ...[0, 5, 100, length >> 1, length - 100, length - 1].map((at) => [{ getPack: flipAt(at) }, 1] as [object, number]),
  ]
  for (const [spoil, share] of cases) {
    const { lost, troubles } = await verify({ ...open(world, spoiling(world, packs, spoil)).parts, share })
    assert.deepEqual(lost, [packs[1]])
    assert.ok(troubles.some(({ what, id }) => what === 'pack' && id === packs[1]))
  }
})

test('a snapshot whose tree or file is in no pack is named, and the others are proven', async () => {
  const { world, packs } = await makeVault()
  const { vault, state, parts } = open(world)
  await vault.refresh()
  state.removePack(world.vaultId, packs[3]!)
  const { troubles } = await verify({ ...parts, share: 0 })
  assert.deepEqual(
    troubles.map(({ what, id }) => `${what} ${id}`),
    ['snapshot 4'],
  )
})

test('a record that was changed in the local state is found', async () => {
  const { world } = await makeVault()
  const { vault, state, parts } = open(world)
  await vault.refresh()
  const records = [...state.records(world.vaultId, 1, 10)]
  state.removeRecordsAfter(world.vaultId, 2)
  for (const { sequence, hash, record } of records.slice(2)) {
    const spoiled = sequence === 3 ? record.map((byte, i) => (i === record.length - 5 ? byte ^ 1 : byte)) : record
    state.putRecord(world.vaultId, sequence, hash, spoiled)
  }
  const { troubles } = await verify({ ...parts, share: 0 })
  assert.deepEqual(
    troubles.map(({ what, id }) => `${what} ${id}`),
    ['record 3'],
  )
})
