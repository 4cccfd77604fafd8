/**
 * What every local state promises. Given a way to open one and to open again what was left of it after a restart.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import {
  Compression,
  ContentKind,
  IndexedPackSchema,
  type IndexedPack,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import {
  chunkIdFromBytes,
  nodeIdFromBytes,
  packIdFromBytes,
  recordHashFromBytes,
  rootNodeId,
  vaultIdFromBytes,
  type ChunkId,
} from '@anysync/protocol/ids.ts'
import { actionsMax } from '@anysync/protocol/limits.ts'
import type { Action } from '../action.ts'
import {
  linkModes,
  type Absence,
  type AbsenceKind,
  type BaseNode,
  type DiskStat,
  type Link,
  type State,
} from '../ports.ts'

export type StateUnderTest = {
  state: State
  /** Closes the state and opens what it kept. */
  reopen(): State
  close(): void
}

const bytesOf = (length: number, ...values: number[]): Uint8Array => {
  const bytes = new Uint8Array(length)
  bytes.set(values)
  return bytes
}
const vaultId = vaultIdFromBytes(bytesOf(16, 1))
const otherVaultId = vaultIdFromBytes(bytesOf(16, 2))
const nodeIdOf = (number: number) => nodeIdFromBytes(bytesOf(16, 7, number >> 8, number & 255))
const chunkIdOf = (number: number): ChunkId => chunkIdFromBytes(bytesOf(32, 9, number >> 8, number & 255))
const idOf = ({ pack }: IndexedPack) => packIdFromBytes(pack)
const hashOf = (number: number) => recordHashFromBytes(bytesOf(32, 3, number))
const link: Link = { id: 'link-1', vaultId, root: '/home/someone/Documents', mode: 'sync' }

const actionOf = (number: number, path = `file ${number}`): Action => ({
  timeNs: 1_795_437_261_123_456_789n + BigInt(number),
  path,
  what: 'pushed',
  why: 'changed here',
})

const disk: DiskStat = {
  kind: 'file',
  size: 5_000_000_000,
  mode: 0o644,
  mtimeNs: 1_795_437_261_123_456_789n,
  ctimeNs: 1_795_437_261_987_654_321n,
  device: 2n ** 64n - 1n,
  inode: 2n ** 63n + 5n,
}
const node: BaseNode = {
  id: nodeIdOf(1),
  parent: rootNodeId,
  name: 'Größe 🙂.txt',
  kind: 'file',
  mode: 0o640,
  mtimeNs: -1_000_000_000_000_000_001n,
  size: 9_007_199_254_740_991,
  content: Uint8Array.of(1, 2, 3),
  linkTarget: '',
  disk,
  absence: null,
}

const chunk = (id: number, length: number) => ({ id: Uint8Array.fromHex(chunkIdOf(id)), length })

const absenceOf = (kind: AbsenceKind): Absence => ({ kind, message: `not here: ${kind}` })

/** A pack with two segments: chunks a and b share the first, c has the second. */
const packOf = (number: number, [a, b, c]: [number, number, number]): IndexedPack => {
  return create(IndexedPackSchema, {
    pack: bytesOf(32, 5, number),
    directory: {
      segments: [
        {
          kind: ContentKind.TREE,
          compression: Compression.ZSTD,
          sealedLength: 140,
          plainLength: 300,
          chunks: [chunk(a, 100), chunk(b, 200)],
        },
        {
          kind: ContentKind.DATA,
          compression: Compression.NONE,
          sealedLength: 440,
          plainLength: 400,
          chunks: [chunk(c, 400)],
        },
      ],
    },
  })
}
const packIdOf = (pack: IndexedPack) => packIdFromBytes(pack.pack)
const recordsOf = (state: State, from: number, to: number) =>
  [...state.records(vaultId, from, to)].map(({ sequence, hash, record }) => ({ sequence, hash, record: [...record] }))

export const stateSuite = (name: string, open: (options?: { cacheBytesMax: number }) => StateUnderTest): void => {
  const check = (fact: string, work: (under: StateUnderTest) => void, options?: { cacheBytesMax: number }): void => {
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

    check(
      'a base node comes back as it was put: nanoseconds, large inodes and sizes, absent disk and content',
      (under) => {
        const { state } = under
        state.putLink(link)
        const absent: BaseNode = { ...node, id: nodeIdOf(2), disk: null, absence: absenceOf('name') }
        const symlink: BaseNode = {
          ...node,
          id: nodeIdOf(3),
          kind: 'symlink',
          size: 0,
          content: null,
          linkTarget: 'a/b',
        }
        for (const each of [node, absent, symlink]) state.putNode(link.id, each)
        for (const each of [node, absent, symlink]) assert.deepEqual(state.node(link.id, each.id), each)
        const reopened = under.reopen()
        for (const each of [node, absent, symlink]) assert.deepEqual(reopened.node(link.id, each.id), each)
      },
    )

    check('nodes that are absent for a reason of their own are found by it, by id, a few at a time', (under) => {
      const { state } = under
      const absent = (number: number, kind: AbsenceKind): BaseNode => ({
        ...node,
        id: nodeIdOf(number),
        disk: null,
        absence: absenceOf(kind),
      })
      const other = { ...link, id: 'link-2' }
      for (const each of [link, other]) state.putLink(each)
      state.putNode(link.id, node)
      for (const number of [13, 12, 11]) state.putNode(link.id, absent(number, 'twin'))
      state.putNode(link.id, absent(14, 'folder'))
      state.putNode(link.id, absent(15, 'name'))
      state.putNode(other.id, absent(16, 'twin'))
      const found = (limit: number, after?: number) =>
        state.absentNodes(link.id, 'twin', limit, after === undefined ? undefined : nodeIdOf(after)).map(({ id }) => id)
      assert.deepEqual(found(9), [11, 12, 13].map(nodeIdOf))
      assert.deepEqual(found(2), [11, 12].map(nodeIdOf))
      assert.deepEqual(found(2, 12), [nodeIdOf(13)])
      assert.deepEqual(state.absentNodes(link.id, 'name', 9), [absent(15, 'name')])
      state.putNode(link.id, { ...node, id: nodeIdOf(11) })
      state.removeNode(link.id, nodeIdOf(12))
      state.putNode(link.id, absent(15, 'twin'))
      assert.deepEqual(found(9), [13, 15].map(nodeIdOf))
      state.removeLink(link.id)
      assert.deepEqual(found(9), [])
      assert.equal(state.absentNodes(other.id, 'twin', 9).length, 1)
      assert.deepEqual(state.absentNodes('no such link', 'twin', 9), [])
    })

    check('children are found by their name, also where two have one', (under) => {
      const { state } = under
      state.putLink(link)
      const folder = nodeIdOf(9)
      for (const [number, name] of [
        [10, 'a'],
        [11, 'b'],
        [12, 'b'],
      ] as const)
        state.putNode(link.id, { ...node, id: nodeIdOf(number), parent: folder, name })
      const named = (parent: typeof rootNodeId, name: string) =>
        state
          .childrenNamed(link.id, parent, name)
          .map(({ id }) => id)
          .toSorted()
      assert.deepEqual(named(folder, 'b'), [nodeIdOf(11), nodeIdOf(12)])
      assert.deepEqual(named(folder, 'c'), [])
      assert.deepEqual(named(rootNodeId, 'a'), [])
      state.putNode(link.id, { ...node, id: nodeIdOf(11), parent: rootNodeId, name: 'a' })
      assert.deepEqual(named(folder, 'b'), [nodeIdOf(12)])
      assert.deepEqual(named(rootNodeId, 'a'), [nodeIdOf(11)])
    })

    check('children are the nodes of a folder, and the root folder is not its own child', (under) => {
      const { state } = under
      state.putLink(link)
      const folder: BaseNode = { ...node, id: nodeIdOf(9), kind: 'folder' }
      state.putNode(link.id, { ...folder, id: rootNodeId, parent: rootNodeId, name: '' })
      state.putNode(link.id, folder)
      for (let i = 10; i < 20; i++) state.putNode(link.id, { ...node, id: nodeIdOf(i), parent: folder.id })
      const idsIn = (parent: typeof rootNodeId) => state.children(link.id, parent).map(({ id }) => id)
      assert.deepEqual(idsIn(rootNodeId), [folder.id])
      assert.equal(idsIn(folder.id).length, 10)
      state.putNode(link.id, { ...node, id: nodeIdOf(10), parent: rootNodeId })
      assert.equal(idsIn(folder.id).length, 9)
      assert.deepEqual(idsIn(rootNodeId).toSorted(), [folder.id, nodeIdOf(10)].toSorted())
      state.removeNode(link.id, nodeIdOf(10))
      assert.deepEqual(idsIn(rootNodeId), [folder.id])
      assert.equal(state.countFiles(link.id), 9)
      assert.deepEqual(state.children('no such link', rootNodeId), [])
    })

    check('a node is found by device and inode together, as long as it is there', (under) => {
      const { state } = under
      state.putLink(link)
      state.putNode(link.id, node)
      assert.deepEqual(state.nodeByInode(link.id, disk.device, disk.inode), node)
      assert.equal(state.nodeByInode(link.id, 1n, disk.inode), null)
      assert.equal(state.nodeByInode('link-2', disk.device, disk.inode), null)
      const twin = { ...node, id: nodeIdOf(2) }
      state.putNode(link.id, twin)
      state.putNode(link.id, { ...node, disk: { ...disk, inode: 6n } })
      assert.deepEqual(state.nodeByInode(link.id, disk.device, disk.inode), twin)
      assert.equal(state.nodeByInode(link.id, disk.device, 6n)?.id, node.id)
      state.removeNode(link.id, twin.id)
      assert.equal(state.nodeByInode(link.id, disk.device, disk.inode), null)
    })

    check('a listing is remembered until a row of what is in the folder is put or removed', (under) => {
      let { state } = under
      const [folder, other, child] = [nodeIdOf(20), nodeIdOf(21), { ...node, id: nodeIdOf(22), parent: nodeIdOf(20) }]
      const isKnown = (id = folder, text = 'listing', linkId = link.id) =>
        (state.foldersListed(linkId, id, text) ?? []).length === 2
      const remember = (id = folder) => state.putListing(link.id, id, 'listing', [nodeIdOf(1), nodeIdOf(2)])
      state.putLink(link)
      state.putLink({ ...link, id: 'link-2' })
      assert.equal(state.foldersListed(link.id, folder, 'listing'), null)
      state.putListing(link.id, other, '', [])
      assert.deepEqual(state.foldersListed(link.id, other, ''), [])
      remember()
      remember(rootNodeId)
      assert.deepEqual(state.foldersListed(link.id, folder, 'listing'), [nodeIdOf(1), nodeIdOf(2)])
      assert.ok(!isKnown(folder, 'listinG') && !isKnown(other) && !isKnown(folder, 'listing', 'link-2'))
      const forgets: [string, () => void][] = [
        ['a new row', () => state.putNode(link.id, child)],
        ['a row put again', () => state.putNode(link.id, child)],
        ['a row that moves away', () => state.putNode(link.id, { ...child, parent: other })],
        ['a row that moves in', () => state.putNode(link.id, child)],
        ['a row that is removed', () => state.removeNode(link.id, child.id)],
      ]
      for (const [what, work] of forgets) {
        remember()
        assert.ok(isKnown(), what)
        work()
        assert.ok(!isKnown(), what)
        assert.ok(isKnown(rootNodeId), what)
      }
      remember()
      assert.throws(() =>
        state.transact(() => {
          state.putNode(link.id, child)
          assert.ok(!isKnown())
          throw new Error('no')
        }),
      )
      assert.ok(isKnown())
      state = under.reopen()
      assert.ok(isKnown() && isKnown(rootNodeId))
      state.putNode(link.id, child)
      assert.ok(!isKnown() && isKnown(rootNodeId))
      remember()
      state.removeLink(link.id)
      state.putLink(link)
      assert.ok(!isKnown() && !isKnown(rootNodeId))
    })

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
