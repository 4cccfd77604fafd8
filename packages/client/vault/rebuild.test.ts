/** An index is built again from a log of which the server has lost indexes, and from the packs alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeIdFromBytes, rootNodeId, type PackId } from '@anysync/protocol/ids.ts'
import { seededChance } from '../memory/chance.ts'
import { createMemoryState } from '../memory/state.ts'
import type { Remote, State } from '../ports.ts'
import { checkpointPacks, writeCheckpoint } from './checkpoint.ts'
import { addFile, kept } from './log.suite.ts'
import { checkPresence } from './presence.ts'
import { cipher, fileOf, trouble } from './vault.suite.ts'
import type { Vault } from './vault-types.ts'
import { createVaultWorld, keepingPartsOf, push, readFile, type VaultWorld } from './world.suite.ts'

/** So many chunks that the record names an index pack. */
const filesOfLargePush = 2500

const pushMany = async (vault: Vault) => {
  const edits = []
  for (let number = 1; number <= filesOfLargePush; number++) {
    const bytes = seededChance(number).bytes(100)
    const node = fileOf(number, `file ${number}`, await vault.writeFile(bytes))
    edits.push({ id: nodeIdFromBytes(node.id), from: null, to: { parent: rootNodeId, node } })
  }
  return push(vault, edits)
}

/** The remote without these packs, as after a disk of the server lost them. */
const losing = (remote: Remote, isLost: (pack: PackId) => boolean): Remote => ({
  ...remote,
  existingPacks: async (vaultId, packs) =>
    new Map([...(await remote.existingPacks(vaultId, packs))].filter(([pack]) => !isLost(pack))),
  packLength: async (vaultId, pack) => (isLost(pack) ? null : remote.packLength(vaultId, pack)),
  getPack: async (vaultId, pack, offset, length) => {
    if (isLost(pack)) throw new SyncError('pack.get', 'missing', `pack ${pack} is not stored`)
    return remote.getPack(vaultId, pack, offset, length)
  },
})

const isIndex = (state: State, world: VaultWorld, pack: PackId): boolean =>
  state.pack(world.vaultId, pack)?.directory?.segments.every(({ kind }) => kind === ContentKind.INDEX) === true

const makeLargeVault = async () => {
  const world = await createVaultWorld()
  const one = world.open(0)
  await one.vault.refresh()
  await addFile(one.vault, 9_001)
  await one.vault.refresh()
  const before = new Set(one.state.packIds(world.vaultId))
  await pushMany(one.vault)
  const packs = one.state.packIds(world.vaultId)
  const indexes = packs.filter((pack) => isIndex(one.state, world, pack))
  assert.ok(indexes.length > 0)
  return { world, one, packs, indexes, before }
}

const begin = (world: VaultWorld, remote: Remote) => world.open(1, createMemoryState(), remote)

/** Why the newest snapshot is not whole; null when it is. */
const faultOf = (world: VaultWorld, opened: ReturnType<VaultWorld['open']>, remote: Remote) =>
  checkPresence(keepingPartsOf(world, 1, opened, remote))(opened.vault.newest()!.root)

test('what a record cannot tell because its index is lost, the packs tell', async () => {
  const { world, one, packs, indexes, before } = await makeLargeVault()
  const remote = losing(world.remote(1), (pack) => indexes.includes(pack))
  const two = begin(world, remote)
  await assert.rejects(two.vault.refresh(), trouble('corrupt', /lost pack/))
  const rebuilt = await two.vault.rebuild()
  assert.deepEqual(rebuilt.unreadable, [])
  assert.equal(rebuilt.recordsWithoutIndex, 1)
  assert.equal(rebuilt.packsRead, packs.length - indexes.length - before.size)
  assert.deepEqual(new Set(two.state.packIds(world.vaultId)), new Set(packs.filter((pack) => !indexes.includes(pack))))
  assert.deepEqual(two.vault.snapshots(), one.vault.snapshots())
  assert.equal(await faultOf(world, two, remote), null)
  const nodes = await two.vault.tree(two.vault.newest()!.root)
  const last = nodes.find(({ name }) => name === `file ${filesOfLargePush}`)
  const expected = cipher.sha256(seededChance(filesOfLargePush).bytes(100))
  assert.deepEqual(cipher.sha256(await readFile(two.vault, last!.content!)), expected)
  // And it goes on from there like any other device.
  await addFile(one.vault, 9_002)
  assert.equal((await two.vault.refresh())?.sequence, 3)
  assert.equal((await addFile(two.vault, 9_003)).sequence, 4)
})

test('a checkpoint whose index is lost is passed over: the whole log says the same', async () => {
  const world = await createVaultWorld()
  const one = world.open(0)
  await one.vault.refresh()
  for (let number = 1; number <= 3; number++) await addFile(one.vault, number)
  const parts = keepingPartsOf(world, 0, one, world.remote(0))
  await writeCheckpoint(parts)
  assert.equal(checkpointPacks(parts).newest, 4)
  const two = begin(
    world,
    losing(world.remote(1), (pack) => isIndex(one.state, world, pack)),
  )
  await assert.rejects(two.vault.refresh(), trouble('corrupt', /lost pack/))
  const { records, packsRead, recordsWithoutIndex } = await two.vault.rebuild()
  assert.deepEqual([records, packsRead, recordsWithoutIndex], [4, 0, 0])
  assert.deepEqual(two.vault.snapshots(), one.vault.snapshots())
  assert.equal(await faultOf(world, two, world.remote(1)), null)
})

test('a pack that cannot be read is told, and all others are taken up', async () => {
  const { world, packs, indexes, before } = await makeLargeVault()
  const victim = packs.find((pack) => !indexes.includes(pack) && !before.has(pack))
  assert.ok(victim !== undefined)
  const lossy = losing(world.remote(1), (pack) => indexes.includes(pack))
  const remote: Remote = {
    ...lossy,
    getPack: async (vaultId, pack, offset, length) => {
      const bytes = await lossy.getPack(vaultId, pack, offset, length)
      return pack === victim ? bytes.map((byte, i) => (i === 100 ? byte ^ 1 : byte)) : bytes
    },
  }
  const two = begin(world, remote)
  const { unreadable } = await two.vault.rebuild()
  assert.deepEqual(
    unreadable.map(({ pack }) => pack),
    [victim],
  )
  assert.match(unreadable[0]!.message, /do not have its name/)
  assert.equal(two.state.pack(world.vaultId, victim), null)
  assert.notEqual(await faultOf(world, two, remote), null)
})

test('a log that is not the one which was seen, or that does not verify, changes nothing', async () => {
  const world = await createVaultWorld()
  const { vault, state } = world.open(0)
  await vault.refresh()
  const copy = world.server.snapshot()
  await addFile(vault, 1)
  await addFile(vault, 2)
  const before = kept(state, world)
  world.server.restore(copy, { isAnnounced: false })
  await assert.rejects(vault.rebuild(), trouble('corrupt', /another log/))
  assert.deepEqual(kept(state, world), before)
  await addFile(world.open(1).vault, 7)
  const remote = world.remote(0)
  const spoiled: Remote = {
    ...remote,
    async *recordsSince(vaultId, sequence) {
      for await (const record of remote.recordsSince(vaultId, sequence))
        yield record.map((byte, i) => (i === record.length >> 1 ? byte ^ 1 : byte))
    },
  }
  const fresh = world.open(0, createMemoryState(), spoiled)
  await assert.rejects(fresh.vault.rebuild(), trouble('corrupt', /./))
  assert.equal(fresh.state.head(world.vaultId), null)
})
