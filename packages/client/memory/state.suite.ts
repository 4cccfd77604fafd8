/**
 * What every local state promises. Given a way to open one and to open again what was left of it after a restart.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { packIdFromBytes, rootNodeId } from '@anysync/protocol/ids.ts'
import { actionsMax } from '@anysync/protocol/limits.ts'
import { linkModes, type State } from '../ports.ts'
import { testBase } from './state-base.suite.ts'
import {
  type StateUnderTest,
  vaultId,
  otherVaultId,
  nodeIdOf,
  chunkIdOf,
  hashOf,
  link,
  actionOf,
  disk,
  node,
  packOf,
  packIdOf,
  type Check,
} from './state-things.suite.ts'
import { testVault } from './state-vault.suite.ts'

const checkUnchanged = (each: State) => {
  assert.deepEqual(each.links(), [link])
  assert.deepEqual(each.node(link.id, node.id), node)
  assert.deepEqual(each.children(link.id, rootNodeId), [node])
  assert.deepEqual(each.nodeByInode(link.id, disk.device, disk.inode), node)
  assert.equal(each.fact('scope', 'name'), null)
  assert.equal(each.head(vaultId), null)
  assert.equal(each.head(otherVaultId), null)
  assert.equal(each.findChunk(vaultId, chunkIdOf(4)), null)
  assert.deepEqual(each.actions(link.id, { limit: 10 }), [])
  assert.deepEqual(each.pendingPacks(vaultId), [packOf(1, [1, 2, 3])])
  assert.deepEqual(each.pack(vaultId, packIdFromBytes(packOf(1, [1, 2, 3]).pack)), packOf(1, [1, 2, 3]))
  assert.equal(each.pack(otherVaultId, packIdFromBytes(packOf(1, [1, 2, 3]).pack)), null)
  assert.ok(each.findChunk(vaultId, chunkIdOf(1)))
}

export const stateSuite = (name: string, open: (options?: { cacheBytesMax: number }) => StateUnderTest): void => {
  const check: Check = (fact, work, options) => {
    test(fact, () => {
      const under = open(options)
      try {
        work(under)
      } finally {
        under.close()
      }
    })
  }

  describe(name, () => {
    check('links are kept, changed and removed with their base and facts, and leave the vault alone', (under) => {
      const { state } = under
      const other = { ...link, id: 'link-2', root: '/elsewhere' }
      state.putLink(link)
      state.putLink(other)
      state.putLink({ ...link, root: '/moved' })
      state.putNode(link.id, node)
      state.putNode(other.id, node)
      state.putFact(link.id, 'settled', '4')
      state.putFact(other.id, 'settled', '5')
      state.putRecord(vaultId, 1, hashOf(1), Uint8Array.of(1))
      assert.deepEqual(state.links(), [{ ...link, root: '/moved' }, other])
      state.removeLink(link.id)
      assert.deepEqual(state.links(), [other])
      assert.equal(state.node(link.id, node.id), null)
      assert.deepEqual(state.children(link.id, rootNodeId), [])
      assert.equal(state.fact(link.id, 'settled'), null)
      assert.equal(state.fact(other.id, 'settled'), '5')
      assert.deepEqual(state.node(other.id, node.id), node)
      assert.equal(state.head(vaultId)?.sequence, 1)
      state.putLink(link)
      assert.equal(state.node(link.id, node.id), null, 'a link that comes back has an empty base')
    })

    check('a link comes back in each of the modes', (under) => {
      for (const mode of linkModes) under.state.putLink({ ...link, id: mode, mode })
      const modes = under
        .reopen()
        .links()
        .map(({ id, mode }) => [id, mode])
      assert.deepEqual(
        modes,
        linkModes.map((mode) => [mode, mode]),
      )
    })

    testBase(check)

    check('facts are kept by scope and name, and null removes one', (under) => {
      const { state } = under
      state.putFact('scope', 'name', 'one')
      state.putFact('scope', 'name', 'two')
      state.putFact(vaultId, 'name', 'three')
      assert.equal(state.fact('scope', 'name'), 'two')
      assert.equal(state.fact(vaultId, 'name'), 'three')
      state.putFact('scope', 'name', null)
      assert.equal(state.fact('scope', 'name'), null)
      assert.equal(under.reopen().fact(vaultId, 'name'), 'three')
    })

    testVault(check)

    check('actions come newest first, as many as are asked for, of one path and all below it', (under) => {
      const { state } = under
      state.putLink(link)
      state.putLink({ ...link, id: 'link-2' })
      const paths = ['a', 'a/b', 'ab', 'a/b/Größe 🙂', 'A']
      const actions = paths.map((path, index) => actionOf(index, path))
      state.addActions(link.id, actions.slice(0, 3))
      state.addActions(link.id, actions.slice(3))
      state.addActions('link-2', [actionOf(9)])
      const checkAll = (each: State) => {
        assert.deepEqual(each.actions(link.id, { limit: 100 }), actions.toReversed())
        const pathsOf = (path: string) => each.actions(link.id, { limit: 100, path }).map((action) => action.path)
        assert.deepEqual(pathsOf('a'), ['a/b/Größe 🙂', 'a/b', 'a'])
        assert.deepEqual(pathsOf('a/b/Größe 🙂'), ['a/b/Größe 🙂'])
        assert.deepEqual(pathsOf('a%'), [])
        assert.equal(each.actions(link.id, { limit: 2 }).length, 2)
        assert.deepEqual(each.actions('no link', { limit: 2 }), [])
      }
      checkAll(state)
      const reopened = under.reopen()
      checkAll(reopened)
      reopened.removeLink(link.id)
      assert.deepEqual(reopened.actions(link.id, { limit: 100 }), [])
      assert.deepEqual(reopened.actions('link-2', { limit: 100 }), [actionOf(9)])
    })

    check('the newest actions are kept and the oldest forgotten, link by link', ({ state }) => {
      state.putLink(link)
      state.putLink({ ...link, id: 'link-2' })
      state.addActions('link-2', [actionOf(1)])
      state.addActions(link.id, [actionOf(1), actionOf(2), actionOf(3)])
      const many = Array.from({ length: actionsMax - 1 }, (_, index) => actionOf(index + 4))
      state.addActions(link.id, many)
      const kept = state.actions(link.id, { limit: actionsMax + 10 })
      assert.equal(kept.length, actionsMax)
      assert.deepEqual([kept[0], kept.at(-1)], [many.at(-1), actionOf(3)])
      state.addActions(link.id, [...many, actionOf(0), actionOf(1)])
      assert.deepEqual(state.actions(link.id, { limit: 2 }), [actionOf(1), actionOf(0)])
      assert.equal(state.actions(link.id, { limit: actionsMax + 10 }).length, actionsMax)
      assert.deepEqual(state.actions('link-2', { limit: 10 }), [actionOf(1)])
    })

    check('a transaction that throws changes nothing at all', (under) => {
      const { state } = under
      state.putLink(link)
      state.putNode(link.id, node)
      state.putPack(vaultId, packOf(1, [1, 2, 3]), true)
      const boom = new Error('boom')
      const change = () => {
        state.putNode(link.id, { ...node, name: 'changed', parent: nodeIdOf(5), disk: null })
        state.putNode(link.id, { ...node, id: nodeIdOf(2) })
        state.removeNode(link.id, node.id)
        state.putFact('scope', 'name', 'value')
        state.putRecord(vaultId, 1, hashOf(1), Uint8Array.of(1))
        state.putRecord(otherVaultId, 1, hashOf(1), Uint8Array.of(1))
        state.putPack(vaultId, packOf(1, [1, 2, 3]), false)
        state.putPack(vaultId, packOf(2, [4, 5, 6]), false)
        state.removePack(vaultId, packIdOf(packOf(1, [1, 2, 3])))
        state.addActions(link.id, [actionOf(1)])
        state.putLink({ ...link, id: 'link-2' })
        state.removeLink(link.id)
        throw boom
      }
      assert.throws(() => state.transact(change), boom)
      checkUnchanged(state)
      const reopened = under.reopen()
      checkUnchanged(reopened)
      reopened.putRecord(otherVaultId, 1, hashOf(1), Uint8Array.of(1))
      assert.equal(reopened.head(otherVaultId)?.sequence, 1)
    })

    check('a transaction gives the result of its work, is kept whole, and does not nest', (under) => {
      const { state } = under
      state.putLink(link)
      const result = state.transact(() => {
        state.putNode(link.id, node)
        state.putFact('scope', 'name', 'value')
        return 42
      })
      assert.equal(result, 42)
      assert.throws(() => state.transact(() => state.transact(() => 1)), /nest/)
      const reopened = under.reopen()
      assert.deepEqual(reopened.node(link.id, node.id), node)
      assert.equal(reopened.fact('scope', 'name'), 'value')
    })
  })
}
