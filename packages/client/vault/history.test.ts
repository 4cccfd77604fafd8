import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { NodeSchema, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { utf8 } from '../crypto/bytes.ts'
import { findPath, resolveTime, versions, walk } from './history.ts'
import { fileOf, folderOf, nodeIdOf, symlinkOf, trouble } from './vault.suite.ts'
import type { SnapshotInfo, TreeEdit, Vault } from './vault-types.ts'
import { createVaultWorld, push } from './world.suite.ts'

const idOf = (node: Node) => nodeIdFromBytes(node.id)

/** A vault to which a story is told, an edit after the other, a minute apart. Knows where everything is. */
const createStory = async () => {
  const world = await createVaultWorld()
  const { vault } = world.open(0)
  const parents = new Map<NodeId, NodeId>()
  const parentOf = (folder: NodeId) => parents.get(folder) ?? null
  const tell = (...edits: TreeEdit[]): Promise<SnapshotInfo> => {
    for (const { id, to } of edits) {
      if (to) parents.set(id, to.parent)
      else parents.delete(id)
    }
    world.clock.advance(60_000)
    return push(vault, edits, parentOf)
  }
  return {
    vault,
    clock: world.clock,
    tell,
    file: async (number: number, name: string, text: string) => fileOf(number, name, await vault.writeFile(utf8(text))),
    put: (parent: number | null, node: Node): TreeEdit => ({
      id: idOf(node),
      from: parents.get(idOf(node)) ?? null,
      to: { parent: parent === null ? rootNodeId : nodeIdOf(parent), node },
    }),
    remove: (number: number): TreeEdit => ({ id: nodeIdOf(number), from: parents.get(nodeIdOf(number))!, to: null }),
  }
}

const told = async (vault: Vault, path: string) =>
  (await Array.fromAsync(versions(vault, vault.snapshots(), path))).map(
    ({ snapshot, change, path, node }) => `${snapshot.sequence} ${change} ${path} ${node?.content?.size ?? '-'}`,
  )

test('the versions of a file: created, edited, touched, renamed, moved, removed; newest first', async () => {
  const { vault, tell, file, put, remove } = await createStory()
  await tell(put(null, folderOf(1, 'docs')), put(null, folderOf(2, 'attic')))
  await tell(put(1, await file(10, 'a.txt', 'one')))
  await tell(put(1, await file(11, 'other.txt', 'not this one')))
  await tell(put(1, await file(10, 'a.txt', 'two!')))
  await tell(put(1, create(NodeSchema, { ...(await file(10, 'a.txt', 'two!')), mode: 0o600 })))
  await tell(put(1, create(NodeSchema, { ...(await file(10, 'b.txt', 'two!')), mode: 0o600 })))
  await tell(put(2, await file(10, 'b.txt', 'three')))
  const story = [
    '7 edited attic/b.txt 5',
    '6 moved docs/b.txt 4',
    '5 touched docs/a.txt 4',
    '4 edited docs/a.txt 4',
    '2 created docs/a.txt 3',
  ]
  assert.deepEqual(await told(vault, 'attic/b.txt'), story)
  await tell(remove(10))
  assert.deepEqual(await told(vault, 'attic/b.txt'), ['8 removed attic/b.txt -', ...story])
  assert.deepEqual(await told(vault, 'docs/a.txt'), ['6 removed docs/a.txt -', ...story.slice(2)])
  assert.deepEqual(await told(vault, 'never/was'), [])
})

test('the history goes on through a move of the folder and through one that was moved into another', async () => {
  const { vault, tell, file, put } = await createStory()
  await tell(put(null, folderOf(1, 'a')), put(1, folderOf(2, 'b')), put(2, await file(10, 'f', 'one')))
  await tell(put(null, folderOf(2, 'c')))
  await tell(put(null, folderOf(3, 'd')), put(3, folderOf(2, 'c')), put(2, await file(10, 'f', 'two!')))
  assert.deepEqual(await told(vault, 'd/c/f'), ['3 edited d/c/f 4', '2 moved c/f 3', '1 created a/b/f 3'])
})

test('a file that was replaced by another of its name, as programs save, keeps the versions before', async () => {
  const { vault, tell, file, put, remove } = await createStory()
  await tell(put(null, await file(10, 'report', 'one')))
  await tell(remove(10), put(null, await file(11, 'report', 'two!')))
  await tell(remove(11))
  await tell(put(null, await file(12, 'report', 'three')))
  assert.deepEqual(await told(vault, 'report'), [
    '4 created report 5',
    '3 removed report -',
    '2 edited report 4',
    '1 created report 3',
  ])
})

test('a path that was taken, left, and taken again, before its folder became a file, has all its versions', async () => {
  const { vault, tell, file, put, remove } = await createStory()
  await tell(put(null, folderOf(1, 'docs')), put(1, await file(10, 'a', 'one')))
  await tell(remove(10))
  await tell(put(1, await file(11, 'a', 'two!')))
  await tell(remove(1), remove(11), put(null, await file(12, 'docs', 'no folder')))
  assert.deepEqual(await told(vault, 'docs/a'), [
    '4 removed docs/a -',
    '3 created docs/a 4',
    '2 removed docs/a -',
    '1 created docs/a 3',
  ])
})

test('the versions of a folder are the snapshots in which something in it changed', async () => {
  const { vault, tell, file, put } = await createStory()
  await tell(put(null, folderOf(1, 'docs')), put(null, await file(20, 'top', 'x')))
  await tell(put(1, await file(10, 'a', 'one')))
  await tell(put(null, await file(20, 'top', 'xx')))
  const changes = (await told(vault, 'docs')).map((line) => line.split(' ').slice(0, 2).join(' '))
  assert.deepEqual(changes, ['2 edited', '1 created'])
  assert.equal((await told(vault, '')).length, 3)
})

test('unchanged folders are not read: a long history of one file costs a few trees a snapshot', async () => {
  const { vault, tell, file, put } = await createStory()
  const folders = Array.from({ length: 30 }, (_, i) => put(null, folderOf(i + 1, `folder ${i}`)))
  await tell(
    ...folders,
    ...(await Promise.all(folders.map(async (_, i) => put(i + 1, await file(100 + i, 'f', `${i}`))))),
  )
  for (let i = 0; i < 10; i++) await tell(put(5, await file(200, 'often', 'x'.repeat(i + 1))))
  let reads = 0
  const counted: Pick<Vault, 'tree'> = {
    tree(content) {
      reads++
      return vault.tree(content)
    },
  }
  assert.equal((await Array.fromAsync(versions(counted, vault.snapshots(), 'folder 3/f'))).length, 1)
  assert.ok(reads <= 30, `${reads} trees`)
  reads = 0
  assert.equal((await Array.fromAsync(versions(counted, vault.snapshots(), 'folder 4/often'))).length, 10)
  assert.ok(reads <= 60, `${reads} trees`)
})

test('a path leads to its node in any snapshot, and to none when it was not there', async () => {
  const { vault, tell, file, put } = await createStory()
  const first = await tell(put(null, folderOf(1, 'Grüße')), put(1, await file(10, 'a', 'one')))
  const second = await tell(put(1, await file(10, 'b', 'one')), put(null, symlinkOf(11, 'link', 'Grüße')))
  const find = async (snapshot: SnapshotInfo, path: string) => (await findPath(vault, snapshot, path))?.path ?? null
  assert.equal(await find(first, 'Grüße/a'), 'Grüße/a')
  assert.equal(await find(first, '/Grüße/./a/'), 'Grüße/a')
  assert.equal(await find(second, 'Grüße/a'), null)
  assert.equal(await find(second, 'Grüße/b/c'), null)
  assert.equal(await find(second, 'link/b'), null, 'links are never followed')
  assert.equal(await find(second, '..'), null)
  assert.equal(await find(second, 'Grüße'.normalize('NFD')), 'Grüße', 'another Unicode form of a name')
  assert.equal((await findPath(vault, second, ''))?.node.content, second.root)
})

test('a walk gives folders before what is in them, from any path of any snapshot', async () => {
  const { vault, tell, file, put } = await createStory()
  const snapshot = await tell(
    put(null, folderOf(1, 'b')),
    put(1, folderOf(2, 'c')),
    put(2, await file(10, 'd', 'x')),
    put(1, symlinkOf(11, 'e', 'c')),
    put(null, await file(12, 'a', 'x')),
  )
  await tell(put(null, await file(13, 'later', 'x')))
  const walked = async (path: string) => (await Array.fromAsync(walk(vault, snapshot, path))).map(({ path }) => path)
  assert.deepEqual(await walked(''), ['', 'a', 'b', 'b/c', 'b/c/d', 'b/e'])
  assert.deepEqual(await walked('b/c'), ['b/c', 'b/c/d'])
  assert.deepEqual(await walked('a'), ['a'])
  await assert.rejects(walked('later'), trouble('missing'))
})

const iso = (snapshot: SnapshotInfo, ms = 0) => new Date(Number(snapshot.timeNs / 1_000_000n) + ms).toISOString()
const two = (number: number) => String(number).padStart(2, '0')

test('a time names the newest snapshot that is not younger', async () => {
  const { vault, clock, tell, file, put } = await createStory()
  for (let i = 1; i <= 3; i++) await tell(put(null, await file(10, 'f', 'x'.repeat(i))))
  clock.advance(3600_000)
  const at = (text: string) => resolveTime(vault.snapshots(), text, clock.nowNs()).sequence
  const [first, second] = vault.snapshots()
  assert.equal(at('2'), 2)
  assert.equal(at(iso(second!)), 2)
  assert.equal(at(iso(second!, -1)), 1)
  assert.equal(at(iso(second!, 59_999)), 2)
  assert.equal(at('1m'), 3)
  assert.equal(at('61m'), 2)
  assert.equal(at('62m'), 1)
  const local = new Date(Number(first!.timeNs / 1_000_000n))
  const day = `${local.getFullYear()}-${two(local.getMonth() + 1)}-${two(local.getDate())}`
  assert.equal(at(`${day}T${two(local.getHours())}:${two(local.getMinutes())}`), 1)
  assert.equal(at(`${day} ${two(local.getHours())}:${two(local.getMinutes())}`), 1)
  for (const text of ['2d', '4', '0', '1999-12-31']) assert.throws(() => at(text), trouble('missing'), text)
  for (const text of ['', 'yesterday', '3y', '-1', '2026-13-40', '2026', '1.5h', 'x3d']) {
    assert.throws(() => at(text), trouble(text === '2026' ? 'missing' : 'invalid'), text)
  }
  assert.throws(() => resolveTime([], '1h', clock.nowNs()), trouble('missing'))
})
