/**
 * The contract of a pack store, as tests: every implementation passes it, or its fake proves nothing.
 */
import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { packIdFromBytes, parseVaultId, type PackId } from '@anysync/protocol/ids.ts'
import type { PackStore } from './store.ts'

export const vaultId = parseVaultId('00112233445566778899aabbccddeeff')
const otherVaultId = parseVaultId('ffeeddccbbaa99887766554433221100')

export const nameOf = (bytes: Uint8Array): PackId => packIdFromBytes(hash('sha256', bytes, 'buffer'))

/** The bytes in pieces, as a socket would bring them. */
export async function* inPieces(bytes: Uint8Array, pieceBytes = 16_384): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) yield bytes.subarray(offset, offset + pieceBytes)
}

async function* broken(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* inPieces(bytes)
  throw new SyncError('test', 'unavailable', 'the line broke')
}

const readAll = async (store: PackStore, pack: PackId, range: { first: number; last: number } | null = null) => {
  const stream = await store.get(vaultId, pack, range)
  return stream === null ? null : Buffer.concat(await stream.toArray())
}

export const testPackStore = (name: string, open: (t: TestContext) => Promise<PackStore>): void => {
  test(`${name}: what was put is there, whole and in parts, at every size`, async (t) => {
    const store = await open(t)
    for (const length of [1, 2, 16_383, 16_384, 16_385, 524_288, 524_289, 1_500_000]) {
      const bytes = randomBytes(length)
      const pack = nameOf(bytes)
      await store.put(vaultId, pack, inPieces(bytes), length)
      assert.equal(await store.head(vaultId, pack), length)
      assert.deepEqual(await readAll(store, pack), bytes)
      assert.deepEqual(await readAll(store, pack, { first: 0, last: 0 }), bytes.subarray(0, 1))
      assert.deepEqual(await readAll(store, pack, { first: length - 1, last: length - 1 }), bytes.subarray(-1))
      const [first, last] = [Math.floor(length / 3), Math.floor((length * 2) / 3)]
      assert.deepEqual(await readAll(store, pack, { first, last }), bytes.subarray(first, last + 1))
    }
  })

  test(`${name}: what was not put is not there, nor in another vault`, async (t) => {
    const store = await open(t)
    const bytes = randomBytes(100)
    const pack = nameOf(bytes)
    assert.equal(await store.head(vaultId, pack), null)
    assert.equal(await store.get(vaultId, pack, null), null)
    await store.put(vaultId, pack, inPieces(bytes), bytes.length)
    assert.equal(await store.head(otherVaultId, pack), null)
  })

  test(`${name}: bytes of another name, too few, too many or interrupted leave nothing`, async (t) => {
    const store = await open(t)
    const bytes = randomBytes(700_000)
    const pack = nameOf(bytes)
    const refused = async (body: AsyncIterable<Uint8Array>, length: number, kind: string) => {
      await assert.rejects(store.put(vaultId, pack, body, length), { name: 'SyncError', kind })
      assert.equal(await store.head(vaultId, pack), null)
    }
    await refused(inPieces(randomBytes(700_000)), bytes.length, 'corrupt')
    await refused(inPieces(bytes), bytes.length + 1, 'invalid')
    await refused(inPieces(bytes), bytes.length - 1, 'invalid')
    await refused(inPieces(new Uint8Array()), bytes.length, 'invalid')
    await refused(broken(bytes), bytes.length, 'unavailable')
    await store.put(vaultId, pack, inPieces(bytes), bytes.length)
  })

  test(`${name}: putting a pack twice, and at once, is harmless`, async (t) => {
    const store = await open(t)
    const bytes = randomBytes(50_000)
    const pack = nameOf(bytes)
    const put = () => store.put(vaultId, pack, inPieces(bytes), bytes.length)
    await Promise.all([put(), put(), put()])
    await put()
    assert.deepEqual(await readAll(store, pack), bytes)
  })

  test(`${name}: what was removed or set aside is gone, may be put again, and other packs stay`, async (t) => {
    const store = await open(t)
    const [bytes, others] = [randomBytes(50_000), randomBytes(100)]
    const [pack, other] = [nameOf(bytes), nameOf(others)]
    await store.put(vaultId, other, inPieces(others), others.length)
    for (const how of ['remove', 'setAside'] as const) {
      await store[how](vaultId, pack)
      await store.put(vaultId, pack, inPieces(bytes), bytes.length)
      await store[how](vaultId, pack)
      assert.equal(await store.head(vaultId, pack), null)
      assert.equal(await store.get(vaultId, pack, null), null)
    }
    await store.put(vaultId, pack, inPieces(bytes), bytes.length)
    assert.deepEqual(await readAll(store, pack), bytes)
    assert.deepEqual(await readAll(store, other), others)
  })

  test(`${name}: a bad repeat leaves the good pack as it is`, async (t) => {
    const store = await open(t)
    const bytes = randomBytes(50_000)
    const pack = nameOf(bytes)
    await store.put(vaultId, pack, inPieces(bytes), bytes.length)
    await assert.rejects(store.put(vaultId, pack, inPieces(randomBytes(50_000)), bytes.length), { kind: 'corrupt' })
    assert.deepEqual(await readAll(store, pack), bytes)
  })
}
