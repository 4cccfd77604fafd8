/** What Remote promises of packs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packIdFromBytes, type PackId } from '@anysync/protocol/ids.ts'
import type { LogHead } from '../ports.ts'
import { fails, timeout, type RemoteWorld } from './remote-world.suite.ts'

export const testPacks = (world: RemoteWorld): void => {
  const { newPack, newRecord, newVault, chance } = world

  test('a pack comes back whole and in any range, never more or less', { timeout }, async () => {
    const vaultId = await newVault()
    const { id, bytes } = newPack(1_500_000)
    await world.remote.putPack(vaultId, id, bytes)
    assert.equal(await world.remote.packLength(vaultId, id), bytes.length)
    const ranges: [number, number][] = [
      [0, bytes.length],
      [0, 1],
      [bytes.length - 1, 1],
      [12, 70_000],
      [777_777, 222_222],
    ]
    for (const [offset, length] of ranges) {
      const got = await world.remote.getPack(vaultId, id, offset, length)
      assert.equal(Buffer.compare(got, bytes.subarray(offset, offset + length)), 0)
      const memory = new Uint8Array(new SharedArrayBuffer(length + 1)).fill(7)
      const there = await world.remote.getPack(vaultId, id, offset, length, memory)
      assert.deepEqual([there.buffer === memory.buffer, there.byteOffset, there.length], [true, 0, length])
      assert.deepEqual([Buffer.compare(got, memory.subarray(0, length)), memory[length]], [0, 7])
    }
  })

  test('what lies beyond the end of a pack is missing, and so is a pack that is not there', { timeout }, async () => {
    const vaultId = await newVault()
    const { id, bytes } = newPack(1000)
    await world.remote.putPack(vaultId, id, bytes)
    for (const [offset, length] of [
      [0, 1001],
      [999, 2],
      [1000, 1],
      [5000, 10],
    ] as const) {
      await assert.rejects(world.remote.getPack(vaultId, id, offset, length), fails('missing'))
    }
    const absent = packIdFromBytes(chance.bytes(32))
    await assert.rejects(world.remote.getPack(vaultId, absent, 0, 1), fails('missing'))
    assert.equal(await world.remote.packLength(vaultId, absent), null)
    await assert.rejects(world.remote.getPack(vaultId, id, 0, 0), fails('invalid'))
    await assert.rejects(world.remote.getPack(vaultId, id, -1, 10), fails('invalid'))
  })

  test('storing a pack twice, even at once, is harmless and counts once', { timeout }, async () => {
    const vaultId = await newVault()
    const { id, bytes } = newPack(100_000)
    const { bytesUsed } = await world.remote.whoAmI()
    await Promise.all([1, 2, 3].map(() => world.remote.putPack(vaultId, id, bytes)))
    await world.remote.putPack(vaultId, id, bytes)
    assert.equal((await world.remote.whoAmI()).bytesUsed, bytesUsed + bytes.length)
    const { vaults } = await world.remote.listVaults()
    assert.equal(vaults.find((vault) => vault.vaultId === vaultId)?.bytesStored, bytes.length)
  })

  test('bytes that are not what the name says are corrupt and not stored', { timeout }, async () => {
    const vaultId = await newVault()
    const { id, bytes } = newPack(100_000)
    const flipped = bytes.slice()
    flipped[50_000] = (flipped[50_000] ?? 0) ^ 1
    for (const wrong of [flipped, bytes.subarray(1), bytes.subarray(0, -1)]) {
      await assert.rejects(world.remote.putPack(vaultId, id, wrong), fails('corrupt'))
      assert.equal(await world.remote.packLength(vaultId, id), null)
    }
    await world.remote.putPack(vaultId, id, bytes)
    assert.equal(await world.remote.packLength(vaultId, id), bytes.length)
  })

  test('a vault says which packs it holds, of any number, and holds none of another vault', { timeout }, async () => {
    const vaultId = await newVault()
    const other = await newVault()
    const { id, bytes } = newPack(100)
    await world.remote.putPack(vaultId, id, bytes)
    const many = Array.from({ length: 2050 }, () => packIdFromBytes(chance.bytes(32)))
    assert.deepEqual(await world.remote.existingPacks(vaultId, [...many, id]), new Map([[id, 'kept']]))
    assert.deepEqual(await world.remote.existingPacks(vaultId, []), new Map())
    assert.deepEqual(await world.remote.existingPacks(other, [id]), new Map())
    assert.equal(await world.remote.packLength(other, id), null)
    await assert.rejects(world.remote.getPack(other, id, 0, 1), fails('missing'))
  })

  test('a vault says which packs it deletes later, until a record brings them again', { timeout }, async () => {
    const vaultId = await newVault()
    const { id, bytes } = newPack(100)
    await world.remote.putPack(vaultId, id, bytes)
    let head: LogHead | null = null
    const append = async (packs: PackId[], retired: PackId[]): Promise<void> => {
      head = await world.remote.append(vaultId, head, newRecord(vaultId, head).bytes, packs, retired)
    }
    for (const how of ['kept', 'retired', 'kept'] as const) {
      await (how === 'kept' ? append([id], []) : append([], [id]))
      assert.deepEqual(await world.remote.existingPacks(vaultId, [id]), new Map([[id, how]]))
    }
  })

  test('the packs in use are those that a record brought and none retired', { timeout }, async () => {
    const vaultId = await newVault()
    const packs = [newPack(10), newPack(20), newPack(30)]
    for (const { id, bytes } of packs) await world.remote.putPack(vaultId, id, bytes)
    const [a, b, c] = packs.map(({ id }) => id)
    assert(a !== undefined && b !== undefined && c !== undefined)
    assert.deepEqual(await world.remote.packsInUse(vaultId), [])
    const first = newRecord(vaultId, null)
    await world.remote.append(vaultId, null, first.bytes, [a, b])
    assert.deepEqual(await world.remote.packsInUse(vaultId), [a, b].sort())
    const second = newRecord(vaultId, first.head)
    await world.remote.append(vaultId, first.head, second.bytes, [c], [a])
    assert.deepEqual(await world.remote.packsInUse(vaultId), [b, c].sort())
    assert.deepEqual(await world.remote.packsInUse(await newVault()), [])
  })
}
