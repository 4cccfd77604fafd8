import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import type { Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import {
  nodeIdFromBytes,
  packIdFromBytes,
  recordHashFromBytes,
  rootNodeId,
  type PackId,
} from '@anysync/protocol/ids.ts'
import { MiB, packBytesTarget } from '@anysync/protocol/limits.ts'
import { noise, sourceOf } from '../content/store.suite.ts'
import { createMemoryState, type MemoryState } from '../memory/state.ts'
import type { Remote } from '../ports.ts'
import { fileOf, folderOf, trouble } from './vault.suite.ts'
import type { TreeEdit, Vault } from './vault-types.ts'
import { createVaultWorld, noStatistics, push, readFile } from './world.suite.ts'

const add = (node: Node, parent = rootNodeId): TreeEdit => ({
  id: nodeIdFromBytes(node.id),
  from: null,
  to: { parent, node },
})
const addFile = async (vault: Vault, number: number, bytes: Uint8Array) =>
  add(fileOf(number, `file ${number}`, await vault.writeFile(bytes)))
const namesIn = async (vault: Vault) => (await vault.tree(vault.newest()!.root)).map(({ name }) => name)
const restart = (state: MemoryState) => createMemoryState({ restore: state.snapshot() })
const noLimit = () => null
const unavailable = () => new SyncError('test', 'unavailable', 'the line was cut')

/** A remote that notes the packs it is sent, and can be told to misbehave. */
const watched = (remote: Remote) => {
  const sent: PackId[] = []
  const watched: Remote & { sent: PackId[]; failPut: boolean; loseReply: boolean } = {
    ...remote,
    sent,
    failPut: false,
    loseReply: false,
    async putPack(vaultId, pack, bytes) {
      if (watched.failPut) throw unavailable()
      await remote.putPack(vaultId, pack, bytes)
      sent.push(pack)
    },
    async append(...call) {
      const head = await remote.append(...call)
      if (watched.loseReply) throw unavailable()
      return head
    },
  }
  return watched
}

test('what one device commits another reads, and sees who made it and when', async () => {
  const world = await createVaultWorld()
  const [laptop, desktop] = [world.open(0), world.open(1)]
  assert.equal(laptop.vault.name, 'documents')
  assert.equal(await laptop.vault.refresh(), null)
  assert.deepEqual(laptop.vault.snapshots(), [])
  const bytes = noise(3 * MiB)
  const root = [
    await addFile(laptop.vault, 1, bytes),
    add(folderOf(2, 'folder')),
    await addFile(laptop.vault, 3, noise(0)),
  ]
  const made = await push(laptop.vault, root)
  assert.equal(made.sequence, 1)
  assert.ok(made.statistics.bytesStored >= 3n * BigInt(MiB))

  const seen = await desktop.vault.refresh()
  assert.deepEqual(seen, made)
  assert.equal(seen.deviceName, 'laptop')
  assert.equal(seen.timeNs, world.clock.nowNs())
  assert.deepEqual(await namesIn(desktop.vault), ['file 1', 'file 3', 'folder'])
  const [file] = await desktop.vault.tree(seen.root)
  desktop.vault.expect([file!.content!])
  assert.deepEqual(await readFile(desktop.vault, file!.content!), bytes)
  assert.deepEqual(await desktop.vault.identify(bytes), file!.content)

  const second = await push(desktop.vault, [await addFile(desktop.vault, 4, noise(100, 4))])
  assert.deepEqual(await laptop.vault.refresh(), second)
  assert.deepEqual(laptop.vault.snapshots(), [made, second])
  assert.deepEqual(world.open(0, restart(laptop.state)).vault.newest(), second)
})

test('content that the vault has is not stored again, by this device or by another', async () => {
  const world = await createVaultWorld()
  const laptop = world.open(0)
  await push(laptop.vault, [await addFile(laptop.vault, 1, noise(2 * MiB))])
  const remote = watched(world.remote(1))
  const desktop = world.open(1, createMemoryState(), remote)
  await desktop.vault.refresh()
  const made = await push(desktop.vault, [await addFile(desktop.vault, 2, noise(2 * MiB))])
  assert.equal(remote.sent.length, 1)
  assert.ok(made.statistics.bytesStored < 64 * 1024)
})

test('of two devices that commit at once the second is told, pulls, and sends nothing twice', async () => {
  const world = await createVaultWorld()
  const remote = watched(world.remote(1))
  const [laptop, desktop] = [world.open(0), world.open(1, createMemoryState(), remote)]
  await laptop.vault.refresh()
  await desktop.vault.refresh()
  await push(laptop.vault, [await addFile(laptop.vault, 1, noise(MiB, 1))])
  const edit = await addFile(desktop.vault, 2, noise(MiB, 2))
  await assert.rejects(push(desktop.vault, [edit]), trouble('conflict'))
  assert.equal(desktop.vault.newest(), null)
  const sent = remote.sent.length
  await desktop.vault.refresh()
  assert.equal(desktop.state.pendingPacks(world.vaultId).length, sent)
  const again = await addFile(desktop.vault, 2, noise(MiB, 2))
  await push(desktop.vault, [again])
  assert.equal(remote.sent.length, sent + 1, 'only the new root folder')
  assert.deepEqual(desktop.state.pendingPacks(world.vaultId), [])
  await laptop.vault.refresh()
  assert.deepEqual(await namesIn(laptop.vault), ['file 1', 'file 2'])
})

test('a push that was interrupted resumes without sending a pack twice', async () => {
  const world = await createVaultWorld()
  const remote = watched(world.remote(0))
  let { vault, state } = world.open(0, createMemoryState(), remote)
  await vault.refresh()
  // More than two packs; what was sent when the process dies stays pending.
  await vault.writeFile(noise(40 * MiB, 1))
  assert.ok(remote.sent.length >= 2)
  const before = [...remote.sent]
  ;({ vault, state } = world.open(0, restart(state), remote))
  await vault.refresh()
  const made = await push(vault, [await addFile(vault, 1, noise(40 * MiB, 1))])
  assert.equal(new Set(remote.sent).size, remote.sent.length)
  assert.ok(
    remote.sent.length <= (40 * MiB) / packBytesTarget + 2,
    `sent ${remote.sent.length} packs, ${before.length} before`,
  )
  assert.deepEqual(state.pendingPacks(world.vaultId), [])
  const reader = world.open(1).vault
  await reader.refresh()
  const [file] = await reader.tree(made.root)
  assert.deepEqual(await readFile(reader, file!.content!), noise(40 * MiB, 1))
})

test('pending packs that the server lost meanwhile are forgotten and sent again', async () => {
  const world = await createVaultWorld()
  const copy = world.server.snapshot()
  const remote = watched(world.remote(0))
  let { vault, state } = world.open(0, createMemoryState(), remote)
  await vault.writeFile(noise(20 * MiB, 1))
  world.server.restore(copy, { isAnnounced: true })
  assert.ok(state.pendingPacks(world.vaultId).length > 0)
  ;({ vault, state } = world.open(0, restart(state), remote))
  await push(vault, [await addFile(vault, 1, noise(20 * MiB, 1))])
  const reader = world.open(1).vault
  const [file] = await reader.tree((await reader.refresh())!.root)
  assert.deepEqual(await readFile(reader, file!.content!), noise(20 * MiB, 1))
})

test('packs that the server loses within a push are a conflict, and then sent again', async () => {
  const world = await createVaultWorld()
  const copy = world.server.snapshot()
  const { vault } = world.open(0)
  const edit = await addFile(vault, 1, noise(20 * MiB, 1))
  world.server.restore(copy, { isAnnounced: false })
  await assert.rejects(push(vault, [edit]), trouble('conflict', /lost packs/))
  await vault.refresh()
  // What had been written is gone, and a commit that names it is refused.
  await assert.rejects(push(vault, [edit]), trouble('conflict', /write it again/))
  await vault.refresh()
  await push(vault, [await addFile(vault, 1, noise(20 * MiB, 1))])
  const reader = world.open(1).vault
  const [file] = await reader.tree((await reader.refresh())!.root)
  assert.deepEqual(await readFile(reader, file!.content!), noise(20 * MiB, 1))
})

test('after a pack could not be stored every write fails until a refresh, and nothing is committed without it', async () => {
  const world = await createVaultWorld()
  const remote = watched(world.remote(0))
  const { vault } = world.open(0, createMemoryState(), remote)
  await vault.refresh()
  const lost = await addFile(vault, 1, noise(MiB, 1))
  remote.failPut = true
  await assert.rejects(vault.writeFile(noise(60 * MiB, 2)), trouble('unavailable'))
  remote.failPut = false
  await assert.rejects(vault.writeFile(noise(10, 3)), trouble('unavailable'))
  await assert.rejects(push(vault, []), trouble('unavailable'))
  await vault.refresh()
  await assert.rejects(push(vault, [lost]), trouble('conflict', /write it again/))
  await vault.refresh()
  await push(vault, [await addFile(vault, 1, noise(MiB, 1))])
  assert.deepEqual(await namesIn(vault), ['file 1'])
})

test('a source that fails spoils only its own file', async () => {
  const { vault } = (await createVaultWorld()).open(0)
  const broken = sourceOf(noise(20 * MiB, 1), 10 * MiB, new Error('the file is gone'))
  await assert.rejects(vault.writeFile(broken), /the file is gone/)
  await push(vault, [await addFile(vault, 2, noise(10, 2))])
  assert.deepEqual(await namesIn(vault), ['file 2'])
})

test('a lost reply to an append is settled at once, or by the next refresh', async () => {
  const world = await createVaultWorld()
  const remote = watched(world.remote(0))
  const { vault, state } = world.open(0, createMemoryState(), remote)
  await vault.refresh()
  remote.loseReply = true
  const made = await push(vault, [await addFile(vault, 1, noise(10, 1))])
  assert.deepEqual(vault.newest(), made)
  assert.deepEqual(state.pendingPacks(world.vaultId), [])

  const cut: Remote = { ...remote, recordsSince: () => cutStream() }
  const second = world.open(0, state, cut)
  const expected = second.vault.newest()
  const { root } = await second.vault.editTree(
    made.root,
    [await addFile(second.vault, 2, noise(10, 2))],
    () => rootNodeId,
  )
  const commit = { expected, root, touched: null, isPartial: true, statistics: noStatistics, label: 'cut off' }
  await assert.rejects(second.vault.commit(commit), trouble('unavailable'))
  assert.equal(second.vault.newest()?.sequence, 1)
  const third = world.open(0, restart(state))
  const found = await third.vault.refresh()
  assert.equal(found?.label, 'cut off')
  assert.equal(found.isPartial, true)
  assert.deepEqual(third.state.pendingPacks(world.vaultId), [])
})

// oxlint-disable-next-line require-yield -- a stream that is cut before its first message
async function* cutStream(): AsyncGenerator<Uint8Array> {
  await Promise.reject(unavailable())
}

test('a large push lists its packs in index packs, which another device follows', async () => {
  const world = await createVaultWorld()
  const { vault, state } = world.open(0)
  const edits: TreeEdit[] = []
  for (let i = 0; i < 3000; i++) edits.push(await addFile(vault, i, noise(40 + i)))
  await push(vault, edits)
  assert.deepEqual(state.pendingPacks(world.vaultId), [])
  const [record] = state.records(world.vaultId, 1, 1)
  assert.ok(record!.record.length < 8 * 1024, `${record!.record.length} bytes`)
  const reader = world.open(1)
  const newest = await reader.vault.refresh()
  assert.equal(reader.state.countChunks(world.vaultId), state.countChunks(world.vaultId))
  const nodes = await reader.vault.tree(newest!.root)
  assert.equal(nodes.length, 3000)
  const some = nodes.find(({ name }) => name === 'file 2999')
  assert.deepEqual(await readFile(reader.vault, some!.content!), noise(40 + 2999))
})

test('a commit names the head it was made from', async () => {
  const world = await createVaultWorld()
  const { vault } = world.open(0)
  const first = await push(vault, [await addFile(vault, 1, noise(10))])
  const commit = { root: first.root, touched: null, isPartial: false, statistics: noStatistics }
  await assert.rejects(vault.commit({ ...commit, expected: null }), trouble('conflict'))
  const fork = { ...first, hash: recordHashFromBytes(new Uint8Array(32)) }
  await assert.rejects(vault.commit({ ...commit, expected: fork }), trouble('conflict'))
})

test('several folders of one device share a vault through one state', async () => {
  const world = await createVaultWorld()
  const state = createMemoryState()
  const [one, two] = [world.open(0, state).vault, world.open(0, state).vault]
  await push(one, [await addFile(one, 1, noise(10, 1))])
  assert.equal(two.newest()?.sequence, 1)
  // What the second wrote before might rest on what the first took out of use.
  const early = await addFile(two, 2, noise(10, 2))
  await assert.rejects(push(two, [early]), trouble('conflict', /moved on/))
  await two.refresh()
  await push(two, [await addFile(two, 2, noise(10, 2))])
  await Promise.all([one.refresh(), two.refresh()])
  assert.deepEqual(one.snapshots(), two.snapshots())
  const other = world.open(1).vault
  await other.refresh()
  await push(other, [await addFile(other, 3, noise(10, 3))])
  await Promise.all([one.refresh(), two.refresh()])
  assert.equal(one.newest()?.sequence, 3)
})

test('a pack that the server lost or changed is corrupt, and names no file', async () => {
  const world = await createVaultWorld()
  const laptop = world.open(0).vault
  const made = await push(laptop, [await addFile(laptop, 1, noise(MiB, 1))])
  const [file] = await laptop.tree(made.root)
  for (const spoil of [
    () => Promise.reject(new SyncError('test', 'missing', 'there is no such pack')),
    (bytes: Uint8Array) => Promise.resolve(bytes.map((byte, i) => (i === 100 ? byte ^ 1 : byte))),
    (bytes: Uint8Array) => Promise.resolve(bytes.subarray(0, -1)),
  ]) {
    const remote = world.remote(1)
    const getPack: Remote['getPack'] = async (...call) => spoil(await remote.getPack(...call))
    const { vault } = world.open(1, createMemoryState(), { ...remote, getPack })
    await vault.refresh()
    await assert.rejects(readFile(vault, file!.content!), trouble('corrupt', /pack [0-9a-f]{64}/))
    await assert.rejects(vault.tree(made.root), trouble('corrupt'))
  }
})

test('what is pending is found under the pack that holds it', async () => {
  const world = await createVaultWorld()
  const remote = watched(world.remote(0))
  const { vault, state } = world.open(0, createMemoryState(), remote)
  await vault.writeFile(noise(40 * MiB, 1))
  const pending = state.pendingPacks(world.vaultId).map(({ pack }) => packIdFromBytes(pack))
  assert.deepEqual(new Set(pending), new Set(remote.sent))
})

test('as many packs are stored, and ranges fetched, at once as are asked for', async () => {
  const world = await createVaultWorld()
  const most = { putPack: 0, getPack: 0 }
  const underWay = { putPack: 0, getPack: 0 }
  const counted =
    <Words extends unknown[], Result>(name: 'putPack' | 'getPack', call: (...words: Words) => Promise<Result>) =>
    async (...words: Words): Promise<Result> => {
      most[name] = Math.max(most[name], ++underWay[name])
      // Long enough for all that may come at once to come.
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
      try {
        return await call(...words)
      } finally {
        underWay[name]--
      }
    }
  const remote = world.remote(0)
  const slow = {
    ...remote,
    putPack: counted('putPack', (...words: Parameters<Remote['putPack']>) => remote.putPack(...words)),
    getPack: counted('getPack', (...words: Parameters<Remote['getPack']>) => remote.getPack(...words)),
  }
  const table: [transfersMax: number | null, stored: number, fetched: number][] = [
    [null, 2, 4],
    [1, 1, 1],
    [3, 3, 3],
  ]
  for (const [index, [transfersMax, stored, fetched]] of table.entries()) {
    Object.assign(most, { putPack: 0, getPack: 0 })
    const { vault } = world.open(0, createMemoryState(), slow, () => transfersMax)
    await vault.refresh()
    const edits: TreeEdit[] = []
    for (let file = 1; file <= 5; file++) {
      edits.push(await addFile(vault, 10 * index + file, noise(13 * MiB, 10 * index + file)))
    }
    await push(vault, edits)
    await Promise.all(edits.map(({ to }) => readFile(vault, to!.node.content!)))
    assert.deepEqual(most, { putPack: stored, getPack: fetched })
  }
})

test('with grants of several epochs a vault is written in the newest and read in all of them', async () => {
  const world = await createVaultWorld()
  const laptop = world.open(0)
  await push(laptop.vault, [await addFile(laptop.vault, 1, noise(1000, 1))])
  const laterEpochs = new Map([[1, noise(32, 9)]])
  const rotated = world.open(0, laptop.state, world.remote(0), noLimit, laterEpochs)
  await push(rotated.vault, [await addFile(rotated.vault, 2, noise(1000, 2))])

  const reader = world.open(1, createMemoryState(), world.remote(1), noLimit, laterEpochs).vault
  const newest = await reader.refresh()
  const files = await reader.tree(newest!.root)
  assert.deepEqual(await Promise.all(files.map(({ content }) => readFile(reader, content!))), [
    noise(1000, 1),
    noise(1000, 2),
  ])
  const old = world.open(1).vault
  await assert.rejects(old.refresh(), trouble('corrupt', /no key for epoch 1/))
})

test('the trees that were read are there for whoever opens the vault next', async () => {
  const world = await createVaultWorld()
  const [laptop, desktop] = [world.open(0), world.open(1)]
  await laptop.vault.refresh()
  const { root } = await push(laptop.vault, [add(folderOf(1, 'folder'))])
  await desktop.vault.refresh()
  await desktop.vault.tree(root)
  desktop.vault.keepTrees()
  const noServer = { ...world.remote(1), getPack: () => Promise.reject(new Error('it was kept')) }
  const again = world.open(1, restart(desktop.state), noServer)
  assert.equal((await again.vault.tree(root)).length, 1)
})
