/** What Remote promises of watches. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type VaultId } from '@anysync/protocol/ids.ts'
import type { LogHead } from '../ports.ts'
import { collect, timeout, type RemoteWorld } from './remote-world.suite.ts'

export const testWatches = (world: RemoteWorld): void => {
  const { newVaultId, newRecord, newVault, appendOne, chance } = world

  type News = { vaultId: VaultId; head: LogHead | null }

  /** Reads a watch until it has told each of these, in any order. */
  const until = async (watch: AsyncIterator<News>, ...wanted: News[]): Promise<void> => {
    const left = new Map(wanted.map((news) => [news.vaultId, news.head]))
    while (left.size > 0) {
      const { done, value } = await watch.next()
      assert(done !== true, 'the watch goes on')
      const head = left.get(value.vaultId)
      if (head?.hash !== value.head?.hash || !left.delete(value.vaultId)) continue
      assert.deepEqual(value.head, head)
    }
  }

  test('a watch tells every head at once, then each that moves, also of new vaults', { timeout }, async () => {
    const empty = await newVault()
    const vaultId = await newVault()
    const first = await appendOne(vaultId, null)
    const controller = new AbortController()
    const watch = world.remote.watch(controller.signal)[Symbol.asyncIterator]()
    await until(watch, { vaultId: empty, head: null }, { vaultId, head: first })

    const second = await world.server
      .remoteFor(world.aliceToken)
      .append(vaultId, first, newRecord(vaultId, first).bytes, [])
    await until(watch, { vaultId, head: second })
    const later = await newVault()
    await until(watch, { vaultId: later, head: await appendOne(later, null) })
    await until(watch, { vaultId, head: await appendOne(vaultId, second) })

    const pending = watch.next()
    controller.abort()
    assert.equal((await pending).done, true)
  })

  test('a watch that begins aborted ends at once, and leaving one ends it', { timeout }, async () => {
    assert.deepEqual(await collect(world.remote.watch(AbortSignal.abort())), [])
    const vaultId = await newVault()
    for await (const news of world.remote.watch(new AbortController().signal)) if (news.vaultId === vaultId) break
  })

  test('a watch tells nothing of other accounts', { timeout }, async () => {
    const controller = new AbortController()
    const watch = world.bob.watch(controller.signal)[Symbol.asyncIterator]()
    const bobs = newVaultId()
    await world.bob.createVault(bobs, chance.bytes(10))
    const vaultId = await newVault()
    await appendOne(vaultId, null)
    const record = newRecord(bobs, null)
    const seen = new Set<VaultId>()
    const pending = watch.next()
    await world.bob.append(bobs, null, record.bytes, [])
    for (let next = await pending; next.done !== true; next = await watch.next()) {
      seen.add(next.value.vaultId)
      if (next.value.head?.hash === record.head.hash) break
    }
    controller.abort()
    assert.deepEqual([...seen], [bobs])
  })
}
