/** What the hold time protects, what is swept after it, and what a scrub finds. */
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { packIdFromBytes, vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { holdMsDefault } from '@anysync/protocol/limits.ts'
import {
  emptyHead,
  newDevice,
  newHome,
  newPack,
  newServer,
  newVault,
  objectPath,
  recordAfter,
  send,
} from './household.suite.ts'
import { createPackLocks } from './pack-locks.ts'
import { scrub } from './scrub.ts'
import { openDiskStore } from './store/disk.ts'
import { createSweep } from './sweep.ts'

type Head = { sequence: bigint; hash: Uint8Array }

const setUp = async (t: TestContext) => {
  const home = await newHome(t)
  const server = await newServer(t, { home })
  const { token, calls } = await newDevice(server, 'anna@example.org')
  const vaultId = await newVault(calls)
  const store = await openDiskStore({ folder: home.objects, reserveBytes: 0, isShared: true })
  const locks = createPackLocks()
  const { database } = server
  let nowMs = Date.now()
  let head: Head = emptyHead
  const clock = { nowMs: () => nowMs }
  return {
    home,
    store,
    locks,
    database,
    vaultId,
    sweep: createSweep({ database, store, clock, locks, holdMs: holdMsDefault }),
    later: (ms: number) => void (nowMs += ms),
    upload: async () => {
      const pack = newPack(10_000)
      const { status } = await send(server, 'PUT', objectPath(vaultId, pack.name), { token, body: pack.bytes })
      assert.equal(status, 201)
      return pack
    },
    again: async (pack: ReturnType<typeof newPack>) =>
      (await send(server, 'PUT', objectPath(vaultId, pack.name), { token, body: pack.bytes })).status,
    append: async (packs: Uint8Array[], retired: Uint8Array[] = []) => {
      const record = recordAfter(vaultId, head)
      const answer = await calls.vault.append({ vaultId, expected: head, record, packs, retired })
      head = answer.head ?? head
    },
    isThere: async (pack: ReturnType<typeof newPack>) =>
      (await send(server, 'HEAD', objectPath(vaultId, pack.name), { token })).status === 200,
    used: async () => Number((await calls.account.whoAmI({})).bytesUsed),
  }
}

test('a retired pack stays for the hold time, can be read, and goes after it with its quota', async (t) => {
  const { upload, append, sweep, later, isThere, used } = await setUp(t)
  const [kept, gone] = [await upload(), await upload()]
  await append([kept.id, gone.id])
  await append([], [gone.id])
  later(holdMsDefault - 60_000)
  assert.deepEqual(await sweep(), { packs: 0, bytes: 0 })
  assert.ok(await isThere(gone))
  // What is retired again keeps its time.
  await append([], [gone.id])
  later(120_000)
  assert.deepEqual(await sweep(), { packs: 1, bytes: 10_000 })
  assert.deepEqual([await isThere(kept), await isThere(gone), await used()], [true, false, 10_000])
  await assert.rejects(append([gone.id]), /not stored/)
})

test('a pack that a record brings again is not swept', async (t) => {
  const { upload, append, sweep, later, isThere } = await setUp(t)
  const pack = await upload()
  await append([pack.id])
  await append([], [pack.id])
  later(holdMsDefault - 60_000)
  await append([pack.id])
  later(holdMsDefault)
  assert.deepEqual(await sweep(), { packs: 0, bytes: 0 })
  assert.ok(await isThere(pack))
})

test('a pack that no record ever brought goes after the hold time, and may come again', async (t) => {
  const { upload, again, append, sweep, later, isThere, used } = await setUp(t)
  const pack = await upload()
  assert.equal((await sweep()).packs, 0)
  later(holdMsDefault + 60_000)
  assert.equal((await sweep()).packs, 1)
  assert.deepEqual([await isThere(pack), await used()], [false, 0])
  assert.equal(await again(pack), 201)
  await append([pack.id])
  later(holdMsDefault + 60_000)
  assert.equal((await sweep()).packs, 0)
})

test('what is being stored is not swept, and what is being swept is not stored', async (t) => {
  const { upload, append, sweep, later, locks, vaultId } = await setUp(t)
  const pack = await upload()
  await append([pack.id])
  await append([], [pack.id])
  later(holdMsDefault + 60_000)
  const [vault, name] = [vaultIdFromBytes(vaultId), packIdFromBytes(pack.id)]
  {
    using _one = locks.share(vault, name)
    using _two = locks.share(vault, name)
    assert.equal((await sweep()).packs, 0)
  }
  {
    using lock = locks.alone(vault, name)
    assert.ok(lock)
    assert.throws(() => locks.share(vault, name), { kind: 'unavailable' })
    assert.equal(locks.alone(vault, name), null)
  }
  assert.equal((await sweep()).packs, 1)
})

test('a scrub finds what is damaged or gone, sets it aside, and takes it again', async (t) => {
  const { home, upload, again, append, store, database, vaultId } = await setUp(t)
  const packs = [await upload(), await upload(), await upload()] as const
  await append(packs.map(({ id }) => id))
  assert.deepEqual((await scrub(database, store)).troubles, [])
  const [good, damaged, gone] = packs
  const fileOf = (name: string) => join(home.objects, vaultId.toHex(), name.slice(0, 2), name)
  const spoiled = Uint8Array.from(damaged.bytes)
  spoiled[5000]! ^= 1
  writeFileSync(fileOf(damaged.name), spoiled)
  await store.remove(vaultIdFromBytes(vaultId), packIdFromBytes(gone.id))
  const { troubles, packs: read } = await scrub(database, store)
  assert.equal(read, 3)
  assert.deepEqual(
    new Map(troubles.map(({ pack, what }) => [pack, what])),
    new Map([
      [packIdFromBytes(damaged.id), 'damaged'],
      [packIdFromBytes(gone.id), 'gone'],
    ]),
  )
  // Nothing is deleted: the damaged one may be the only copy of what it holds.
  assert.deepEqual(readdirSync(join(home.objects, '.damaged', vaultId.toHex())), [damaged.name])
  assert.deepEqual([await again(good), await again(damaged), await again(gone)], [200, 200, 200])
  assert.deepEqual((await scrub(database, store)).troubles, [])
})
