/** What every local state promises of a vault: its log, snapshots, packs and chunks. */
import assert from 'node:assert/strict'
import { Compression, ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import {
  bytesOf,
  vaultId,
  otherVaultId,
  chunkIdOf,
  idOf,
  hashOf,
  packOf,
  packIdOf,
  recordsOf,
  type Check,
} from './state-things.suite.ts'

export const testVault = (check: Check): void => {
  check('a vault without records has no head, and the newest record is the head', (under) => {
    const { state } = under
    assert.equal(state.head(vaultId), null)
    for (let i = 1; i <= 150; i++) state.putRecord(vaultId, i, hashOf(i), Uint8Array.of(i))
    state.putRecord(otherVaultId, 1, hashOf(200), Uint8Array.of(200))
    assert.deepEqual(state.head(vaultId), { sequence: 150, hash: hashOf(150) })
    assert.deepEqual(state.head(otherVaultId), { sequence: 1, hash: hashOf(200) })
    assert.deepEqual(recordsOf(state, 2, 3), [
      { sequence: 2, hash: hashOf(2), record: [2] },
      { sequence: 3, hash: hashOf(3), record: [3] },
    ])
    assert.throws(() => state.putRecord(vaultId, 152, hashOf(152), Uint8Array.of(1)))
    assert.equal(recordsOf(under.reopen(), 1, 1000).length, 150)
  })

  check('a log may begin with any record, and goes on one by one', (under) => {
    const { state } = under
    state.putRecord(vaultId, 70, hashOf(70), Uint8Array.of(70))
    state.putRecord(vaultId, 71, hashOf(71), Uint8Array.of(71))
    assert.throws(() => state.putRecord(vaultId, 73, hashOf(73), Uint8Array.of(73)))
    const after = under.reopen()
    assert.equal(after.head(vaultId)?.sequence, 71)
    assert.deepEqual(
      recordsOf(after, 1, 100).map(({ sequence }) => sequence),
      [70, 71],
    )
    after.removeRecordsAfter(vaultId, 70)
    assert.equal(after.head(vaultId)?.sequence, 70)
  })

  check('snapshots are listed by number, replaced and removed, each vault for itself', (under) => {
    const { state } = under
    assert.equal(state.newestSnapshot(vaultId), null)
    for (const sequence of [5, 3, 20]) state.putSnapshot(vaultId, sequence, Uint8Array.of(sequence))
    state.putSnapshot(otherVaultId, 99, Uint8Array.of(99))
    state.putSnapshot(vaultId, 3, Uint8Array.of(33))
    assert.throws(() =>
      state.transact(() => {
        state.removeSnapshot(vaultId, 20)
        throw new Error('taken back')
      }),
    )
    const after = under.reopen()
    const listed = (from: number, to: number) =>
      [...after.snapshots(vaultId, from, to)].map(({ sequence, snapshot }) => [sequence, ...snapshot])
    assert.deepEqual(listed(1, 100), [
      [3, 33],
      [5, 5],
      [20, 20],
    ])
    assert.deepEqual(listed(4, 19), [[5, 5]])
    assert.deepEqual([...(after.newestSnapshot(vaultId) ?? [])], [20])
    after.removeSnapshot(vaultId, 20)
    after.removeSnapshot(vaultId, 19)
    assert.deepEqual([...(after.newestSnapshot(vaultId) ?? [])], [5])
  })

  check('records after one are forgotten, and others take their place', (under) => {
    const { state } = under
    for (let i = 1; i <= 5; i++) state.putRecord(vaultId, i, hashOf(i), Uint8Array.of(i))
    state.putRecord(otherVaultId, 1, hashOf(200), Uint8Array.of(200))
    state.removeRecordsAfter(vaultId, 3)
    assert.deepEqual(state.head(vaultId), { sequence: 3, hash: hashOf(3) })
    state.putRecord(vaultId, 4, hashOf(14), Uint8Array.of(14))
    const after = under.reopen()
    assert.deepEqual(
      recordsOf(after, 1, 10).map(({ record }) => record),
      [[1], [2], [3], [14]],
    )
    after.removeRecordsAfter(vaultId, 0)
    assert.equal(after.head(vaultId), null)
    assert.deepEqual(after.head(otherVaultId), { sequence: 1, hash: hashOf(200) })
    assert.throws(() =>
      after.transact(() => {
        after.removeRecordsAfter(otherVaultId, 0)
        throw new Error('taken back')
      }),
    )
    assert.notEqual(after.head(otherVaultId), null)
  })

  check('every pack of a vault is listed, pending or not, until it is removed', (under) => {
    const { state } = under
    const [first, second, other] = [packOf(1, [1, 2, 3]), packOf(2, [4, 5, 6]), packOf(3, [7, 8, 9])]
    state.putPack(vaultId, first, false)
    state.putPack(vaultId, second, true)
    state.putPack(otherVaultId, other, false)
    assert.deepEqual(state.packIds(vaultId), [idOf(first), idOf(second)])
    state.removePack(vaultId, idOf(first))
    assert.deepEqual(under.reopen().packIds(vaultId), [idOf(second)])
  })

  check('a chunk is found where its pack has it, and only in its vault', (under) => {
    const { state } = under
    const pack = packOf(1, [1, 2, 3])
    state.putPack(vaultId, pack, false)
    const segment = { segmentOffset: 12, sealedLength: 140, plainLength: 300, kind: ContentKind.TREE }
    assert.deepEqual(state.findChunk(vaultId, chunkIdOf(2)), {
      ...segment,
      compression: Compression.ZSTD,
      pack: packIdOf(pack),
      offset: 100,
      length: 200,
    })
    assert.equal(state.findChunk(vaultId, chunkIdOf(3))?.segmentOffset, 152)
    assert.equal(state.findChunk(otherVaultId, chunkIdOf(3)), null)
    assert.equal(state.findChunk(vaultId, chunkIdOf(4)), null)
    assert.deepEqual([state.hasChunk(vaultId, chunkIdOf(3)), state.hasChunk(vaultId, chunkIdOf(4))], [true, false])
    assert.equal(state.hasChunk(otherVaultId, chunkIdOf(3)), false)
    assert.equal(state.countChunks(vaultId), 3)
    assert.equal(state.countChunks(otherVaultId), 0)
  })

  check('a pack is pending until it is put as not pending, and never again', (under) => {
    const { state } = under
    const [first, second] = [packOf(1, [1, 2, 3]), packOf(2, [4, 5, 6])]
    state.putPack(vaultId, first, true)
    state.putPack(vaultId, second, true)
    state.putPack(vaultId, first, true)
    assert.deepEqual(state.pendingPacks(vaultId), [first, second])
    assert.ok(state.findChunk(vaultId, chunkIdOf(1)), 'a chunk of a pending pack is found')
    state.putPack(vaultId, first, false)
    state.putPack(vaultId, first, true)
    assert.deepEqual(under.reopen().pendingPacks(vaultId), [second])
  })

  check('of two packs with one chunk the one that a record brought is preferred, and the other steps in', (under) => {
    const { state } = under
    const [pending, brought] = [packOf(1, [1, 2, 3]), packOf(2, [1, 5, 6])]
    state.putPack(vaultId, pending, true)
    state.putPack(vaultId, brought, false)
    assert.equal(state.countChunks(vaultId), 5)
    assert.equal(state.findChunk(vaultId, chunkIdOf(1))?.pack, packIdOf(brought))
    state.removePack(vaultId, packIdOf(brought))
    assert.equal(state.findChunk(vaultId, chunkIdOf(1))?.pack, packIdOf(pending))
    assert.equal(state.findChunk(vaultId, chunkIdOf(5)), null)
    state.removePack(vaultId, packIdOf(brought))
    state.removePack(vaultId, packIdOf(pending))
    assert.equal(state.findChunk(vaultId, chunkIdOf(1)), null)
    assert.equal(state.hasChunk(vaultId, chunkIdOf(1)), false)
    assert.deepEqual(state.pendingPacks(vaultId), [])
  })

  check(
    'the cache gives back what it was given, and forgets the oldest when it is full',
    (under) => {
      const { state } = under
      assert.equal(state.cachedChunk(vaultId, chunkIdOf(1)), null)
      for (let i = 1; i <= 4; i++) state.cacheChunk(vaultId, chunkIdOf(i), bytesOf(100, i))
      state.cacheChunk(vaultId, chunkIdOf(4), bytesOf(100, 4))
      assert.equal(state.cachedChunk(vaultId, chunkIdOf(1)), null)
      assert.deepEqual([...(state.cachedChunk(vaultId, chunkIdOf(2)) ?? [])], [...bytesOf(100, 2)])
      const reopened = under.reopen()
      reopened.cacheChunk(vaultId, chunkIdOf(5), bytesOf(150, 5))
      assert.equal(reopened.cachedChunk(vaultId, chunkIdOf(3)), null)
      assert.ok(reopened.cachedChunk(vaultId, chunkIdOf(4)))
      reopened.cacheChunk(vaultId, chunkIdOf(6), bytesOf(1000, 6))
      assert.equal(reopened.cachedChunk(vaultId, chunkIdOf(6)), null, 'larger than the cache: forgotten at once')
    },
    { cacheBytesMax: 300 },
  )
}
