/** What every local state promises of the base: the rows of nodes, and the listings of folders. */
import assert from 'node:assert/strict'
import { rootNodeId } from '@anysync/protocol/ids.ts'
import { type AbsenceKind, type BaseNode } from '../ports.ts'
import { nodeIdOf, link, disk, node, absenceOf, type Check } from './state-things.suite.ts'

const absent = (number: number, kind: AbsenceKind): BaseNode => ({
  ...node,
  id: nodeIdOf(number),
  disk: null,
  absence: absenceOf(kind),
})

export const testBase = (check: Check): void => {
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
    assert.deepEqual(state.totals(link.id), { files: 9, bytes: 9 * node.size })
    assert.deepEqual(state.totals('no such link'), { files: 0, bytes: 0 })
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
    state.transact(() => {
      for (const name of ['one', 'another']) {
        state.putNode(link.id, { ...child, name })
        state.putNode(link.id, { ...child, name, size: 7 })
        assert.ok(!isKnown())
        remember()
        assert.ok(isKnown())
      }
    })
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
}
