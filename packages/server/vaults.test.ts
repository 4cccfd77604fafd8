import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { RecordHeaderSchema, RecordSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { recordHashFromBytes, userIdFromBytes, vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { openDatabase } from './db/database.ts'
import { emptyHead, recordAfter } from './household.suite.ts'
import { hashToken, newToken } from './tokens.ts'
import { createVaults } from './vaults.ts'
import { createWatchHub, type LogHead, type Move } from './watch.ts'

const setUp = async (clock = { nowMs: () => 1 }) => {
  const database = openDatabase(':memory:', true)
  const moves: Move[] = []
  const hub = {
    ...createWatchHub({ aliveMs: 1000 }),
    moved: (users: unknown[], move: Move) => void (users.length > 0 && moves.push(move)),
  }
  const vaults = createVaults({ database, clock, hub })
  const newUser = async (email: string) => {
    const userId = userIdFromBytes(randomBytes(16))
    const key = randomBytes(32)
    await database
      .insertInto('account')
      .values({
        user_id: userId,
        email,
        login_public_key: key,
        kdf_n: 16_384,
        kdf_r: 8,
        kdf_p: 1,
        kdf_salt: randomBytes(16),
        token_hash: hashToken(newToken()),
        identity_public_key: key,
        box_public_key: key,
        master_keys: key,
        bytes_quota: null,
        bytes_used: 0,
        created_ms: 1,
      })
      .execute()
    return userId
  }
  const anna = await newUser('anna@example.org')
  const idBytes = randomBytes(16)
  const vaultId = vaultIdFromBytes(idBytes)
  await vaults.create(anna, vaultId, new Uint8Array([1]))
  moves.length = 0
  const append = (expected: LogHead, record: Uint8Array) =>
    vaults.append(anna, vaultId, { expected, record, packs: [], retired: [] })
  const after = (head: LogHead) =>
    recordAfter(
      idBytes,
      head === null ? emptyHead : { sequence: BigInt(head.sequence), hash: Uint8Array.fromHex(head.hash) },
    )
  return { database, vaults, anna, bob: await newUser('bob@example.org'), vaultId, idBytes, append, after, moves }
}

test('records follow each other; the head is the hash of the newest', async () => {
  const { append, after, vaults, anna, moves, vaultId } = await setUp()
  let head: LogHead = null
  const records = []
  for (let sequence = 1; sequence <= 40; sequence++) {
    const record = after(head)
    records.push(record)
    head = await append(head, record)
    assert.deepEqual(head, { sequence, hash: recordHashFromBytes(hash('sha256', record, 'buffer')) })
  }
  assert.deepEqual(await vaults.heads(anna), [{ vaultId, head }])
  assert.equal(moves.length, 40)
  for (const since of [0, 1, 15, 16, 17, 39, 40, 41]) {
    const got = []
    for await (const record of vaults.recordsSince(anna, vaultId, since, false)) got.push(Buffer.from(record))
    assert.deepEqual(
      got,
      records.slice(since).map((record) => Buffer.from(record)),
      `since ${since}`,
    )
  }
})

test('of two records after the same head one wins, and the other is told to pull', async () => {
  const { append, after } = await setUp()
  const first = await append(null, after(null))
  const results = await Promise.allSettled([append(first, after(first)), append(first, after(first))])
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  for (const result of results) if (result.status === 'rejected') assert.ok(isTrouble(result.reason, 'conflict'))
})

test('repeating the append that made the head answers the same and wakes nobody', async () => {
  const { append, after, moves } = await setUp()
  const record = after(null)
  const head = await append(null, record)
  assert.deepEqual(await append(null, record), head)
  assert.equal(moves.length, 1)
  const second = await append(head, after(head))
  await assert.rejects(append(null, record), { kind: 'conflict' })
  assert.equal(second?.sequence, 2)
})

test('a record that does not continue the log is refused and changes nothing', async () => {
  const { append, after, idBytes, vaults, anna } = await setUp()
  const head = await append(null, after(null))
  const good = after(head)
  const header = fromBinary(RecordHeaderSchema, fromBinary(RecordSchema, good).header)
  const withHeader = (change: object) =>
    toBinary(RecordSchema, {
      ...create(RecordSchema, { sealedBody: randomBytes(5), signature: randomBytes(64) }),
      header: toBinary(RecordHeaderSchema, { ...header, ...change }),
    })
  const bad = [
    withHeader({ version: 2 }),
    withHeader({ sequence: 1n }),
    withHeader({ sequence: 3n }),
    withHeader({ sequence: 0n }),
    withHeader({ sequence: 2n ** 63n }),
    withHeader({ previous: randomBytes(32) }),
    withHeader({ previous: randomBytes(31) }),
    withHeader({ vaultId: randomBytes(16) }),
    withHeader({ vaultId: idBytes.subarray(1) }),
    good.subarray(0, -1),
    randomBytes(100),
    new Uint8Array(),
    new Uint8Array(1024 * 1024 + 1),
  ]
  for (const [number, record] of bad.entries()) {
    await assert.rejects(append(head, record), { name: 'SyncError', kind: 'invalid' }, `number ${number}`)
  }
  assert.deepEqual((await vaults.heads(anna))[0]?.head, head)
  await append(head, withHeader({}))
})

test('the first record names the vault as what was before it', async () => {
  const { append, idBytes } = await setUp()
  const header = create(RecordHeaderSchema, {
    version: 1,
    vaultId: idBytes,
    sequence: 1n,
    previous: new Uint8Array(32),
    kind: 1,
  })
  const record = toBinary(
    RecordSchema,
    create(RecordSchema, { header: toBinary(RecordHeaderSchema, header), sealedBody: randomBytes(5) }),
  )
  await assert.rejects(append(null, record), { kind: 'invalid' })
})

test('a vault is made once; repeating it word for word is harmless, taking its id is a conflict', async () => {
  const { vaults, anna, bob, vaultId, moves } = await setUp()
  await vaults.create(anna, vaultId, new Uint8Array([1]))
  assert.equal(moves.length, 0)
  await assert.rejects(vaults.create(anna, vaultId, new Uint8Array([2])), { kind: 'conflict' })
  await assert.rejects(vaults.create(bob, vaultId, new Uint8Array([1])), { kind: 'conflict' })
  await assert.rejects(vaults.create(bob, vaultIdFromBytes(randomBytes(16)), new Uint8Array(4097)), { kind: 'invalid' })
  assert.deepEqual(await vaults.list(bob), [])
  assert.equal((await vaults.list(anna)).length, 1)
})

test("another account's vault answers like one that does not exist", async () => {
  const { vaults, bob, vaultId, after } = await setUp()
  const nowhere = vaultIdFromBytes(randomBytes(16))
  for (const id of [vaultId, nowhere]) {
    const request = { expected: null, record: after(null), packs: [], retired: [] }
    const message = `there is no vault ${id} for this account`
    await assert.rejects(vaults.append(bob, id, request), { kind: 'missing', message })
    await assert.rejects(vaults.recordsSince(bob, id, 0, false).next(), { kind: 'missing', message })
  }
})
