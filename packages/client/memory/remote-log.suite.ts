/** What Remote promises of vaults and their logs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packIdFromBytes, recordHashFromBytes } from '@anysync/protocol/ids.ts'
import type { LogHead } from '../ports.ts'
import { collect, fails, timeout, type RemoteWorld } from './remote-world.suite.ts'

export const testLogs = (world: RemoteWorld): void => {
  const { newVaultId, newPack, newRecord, newVault, appendOne, chance } = world

  test(
    'a new vault is listed last, with its grant and no head; repeating its creation is harmless, its id is taken',
    { timeout },
    async () => {
      const vaultId = newVaultId()
      const grant = chance.bytes(4096)
      const before = await world.remote.listVaults()
      await world.remote.createVault(vaultId, grant)
      await world.remote.createVault(vaultId, grant)
      await assert.rejects(world.remote.createVault(vaultId, chance.bytes(4096)), fails('conflict'))
      const { vaults, incarnation } = await world.remote.listVaults()
      assert.equal(incarnation.length, 16)
      assert.equal(incarnation.toHex(), before.incarnation.toHex())
      assert.equal(vaults.length, before.vaults.length + 1)
      const vault = vaults.at(-1)
      assert(vault !== undefined)
      assert.equal(vault.vaultId, vaultId)
      assert.equal(vault.grant.toHex(), grant.toHex())
      assert.equal(vault.head, null)
      assert.equal(vault.bytesStored, 0)
    },
  )

  test('a grant is 1 to 4096 bytes', { timeout }, async () => {
    await assert.rejects(world.remote.createVault(newVaultId(), new Uint8Array()), fails('invalid'))
    await assert.rejects(world.remote.createVault(newVaultId(), chance.bytes(4097)), fails('invalid'))
  })

  test('records append one by one and come back in order, byte for byte', { timeout }, async () => {
    const vaultId = await newVault()
    let head: LogHead | null = null
    const records: string[] = []
    for (let i = 0; i < 20; i++) {
      const record = newRecord(vaultId, head, { bodyBytes: 5000 })
      head = await world.remote.append(vaultId, head, record.bytes, [])
      assert.deepEqual(head, record.head)
      records.push(record.bytes.toHex())
    }
    const since = async (sequence: number): Promise<string[]> =>
      (await collect(world.remote.recordsSince(vaultId, sequence))).map((record) => record.toHex())
    assert.deepEqual(await since(0), records)
    assert.deepEqual(await since(18), records.slice(18))
    assert.deepEqual(await since(20), [])
    assert.deepEqual(await since(1000), [])
    const { vaults } = await world.remote.listVaults()
    assert.deepEqual(vaults.find((vault) => vault.vaultId === vaultId)?.head, head)
  })

  test('who expects another head is told of a conflict', { timeout }, async () => {
    const vaultId = await newVault()
    const first = await appendOne(vaultId, null)
    await assert.rejects(appendOne(vaultId, null), fails('conflict'))
    const second = await appendOne(vaultId, first)
    await assert.rejects(appendOne(vaultId, first), fails('conflict'))
    const fork = { sequence: second.sequence, hash: first.hash }
    await assert.rejects(appendOne(vaultId, fork), fails('conflict'))
    const future = { sequence: second.sequence + 1, hash: second.hash }
    await assert.rejects(appendOne(vaultId, future), fails('conflict'))
    assert.equal((await collect(world.remote.recordsSince(vaultId, 0))).length, 2)
  })

  test('of several appends to one head, one wins', { timeout }, async () => {
    const vaultId = await newVault()
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => appendOne(vaultId, null)))
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const result of results) if (result.status === 'rejected') fails('conflict')(result.reason)
    assert.equal((await collect(world.remote.recordsSince(vaultId, 0))).length, 1)
  })

  test('repeating the append that made the head is harmless; later it is a conflict', { timeout }, async () => {
    const vaultId = await newVault()
    const { bytes, head } = newRecord(vaultId, null)
    assert.deepEqual(await world.remote.append(vaultId, null, bytes, []), head)
    assert.deepEqual(await world.remote.append(vaultId, null, bytes, []), head)
    assert.equal((await collect(world.remote.recordsSince(vaultId, 0))).length, 1)
    await appendOne(vaultId, head)
    await assert.rejects(world.remote.append(vaultId, null, bytes, []), fails('conflict'))
  })

  test('a record whose header does not continue the log is invalid', { timeout }, async () => {
    const vaultId = await newVault()
    const head = await appendOne(vaultId, null)
    const wrong = [
      newRecord(vaultId, head, { sequence: 3 }).bytes,
      newRecord(vaultId, { ...head, hash: recordHashFromBytes(chance.bytes(32)) }).bytes,
      newRecord(newVaultId(), head).bytes,
      new Uint8Array([255, 255, 255]),
      new Uint8Array(),
    ]
    for (const record of wrong) await assert.rejects(world.remote.append(vaultId, head, record, []), fails('invalid'))
    assert.equal((await collect(world.remote.recordsSince(vaultId, 0))).length, 1)
  })

  test('a record is at most 1 MiB and brings at most 4096 packs', { timeout }, async () => {
    const vaultId = await newVault()
    const large = newRecord(vaultId, null, { bodyBytes: 1024 * 1024 - 1000 })
    const head = await world.remote.append(vaultId, null, large.bytes, [])
    assert.deepEqual(head, large.head)
    const [back] = await collect(world.remote.recordsSince(vaultId, 0))
    assert.equal(back?.toHex(), large.bytes.toHex())
    const tooLarge = newRecord(vaultId, head, { bodyBytes: 1024 * 1024 })
    await assert.rejects(world.remote.append(vaultId, head, tooLarge.bytes, []), fails('invalid'))
    const packs = Array.from({ length: 4097 }, () => packIdFromBytes(chance.bytes(32)))
    await assert.rejects(world.remote.append(vaultId, head, newRecord(vaultId, head).bytes, packs), fails('invalid'))
  })

  test('a record is refused until every pack that it needs is stored', { timeout }, async () => {
    const vaultId = await newVault()
    const here = newPack(100)
    const absent = newPack(200)
    const record = newRecord(vaultId, null)
    await world.remote.putPack(vaultId, here.id, here.bytes)
    await assert.rejects(world.remote.append(vaultId, null, record.bytes, [here.id, absent.id]), fails('missing'))
    assert.deepEqual(await collect(world.remote.recordsSince(vaultId, 0)), [])
    await world.remote.putPack(vaultId, absent.id, absent.bytes)
    assert.deepEqual(await world.remote.append(vaultId, null, record.bytes, [here.id, absent.id]), record.head)
  })
}
