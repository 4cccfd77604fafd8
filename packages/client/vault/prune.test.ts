/** Forgetting, pruning, rescuing and beginning with a checkpoint, on two devices and one server in memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { RetireBodySchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { utf8 } from '../crypto/bytes.ts'
import { seededChance } from '../memory/chance.ts'
import { createMemoryState, type MemoryState } from '../memory/state.ts'
import type { Remote } from '../ports.ts'
import { checkpointPacks, writeCheckpoint } from './checkpoint.ts'
import { forget, forgetBody, tag } from './forget.ts'
import { walk } from './find.ts'
import { fateOf } from './prune-plan.ts'
import { prune } from './prune.ts'
import { rescue } from './rescue.ts'
import { cipher, fileOf, nodeIdOf, trouble } from './vault.suite.ts'
import type { SnapshotInfo, Vault } from './vault-types.ts'
import { verify } from './verify.ts'
import { createVaultWorld, keepingPartsOf, push, readFile, type VaultWorld } from './world.suite.ts'

const noise = (bytes: number, seed: number) => seededChance(seed).bytes(bytes)

/** The parts of a device, with its own state, over a remote that may be spoiled. */
const openDevice = (world: VaultWorld, device: number, state = createMemoryState(), remote = world.remote(device)) => {
  const opened = world.open(device, state, remote)
  return { ...opened, parts: keepingPartsOf(world, device, opened, remote) }
}

/** Puts files, by number, with these bytes; null removes. */
const put = async (vault: Vault, files: Record<number, Uint8Array | null>): Promise<SnapshotInfo> => {
  await vault.refresh()
  const there = new Set<NodeId>()
  const newest = vault.newest()
  if (newest) for (const node of await vault.tree(newest.root)) there.add(nodeIdFromBytes(node.id))
  const edits = []
  for (const [number, bytes] of Object.entries(files)) {
    const id = nodeIdOf(Number(number))
    const node = bytes === null ? null : fileOf(Number(number), `file ${number}`, await vault.writeFile(bytes))
    edits.push({ id, from: there.has(id) ? rootNodeId : null, to: node && { parent: rootNodeId, node } })
  }
  return push(vault, edits)
}

/** All bytes of a snapshot, by path. */
const contentsOf = async (vault: Vault, snapshot: SnapshotInfo): Promise<Map<string, string>> => {
  const found = new Map<string, string>()
  for await (const { path, node } of walk(vault, snapshot, ''))
    if (path !== '') found.set(path, cipher.sha256(await readFile(vault, node.content!)).toHex())
  return found
}

/** A history in which each snapshot replaces what the one before brought, and one file stays. */
const makeHistory = async (count: number) => {
  const world = await createVaultWorld()
  const one = openDevice(world, 0)
  for (let i = 1; i <= count; i++) {
    await put(one.vault, {
      1: noise(300_000, i),
      2: utf8(`small ${i}`),
      ...(i === 1 ? { 3: noise(400_000, 100) } : {}),
    })
  }
  const contents = new Map<number, Map<string, string>>()
  for (const snapshot of one.vault.snapshots()) contents.set(snapshot.sequence, await contentsOf(one.vault, snapshot))
  return { world, one, contents }
}

const sequences = (vault: Vault) => vault.snapshots().map(({ sequence }) => sequence)

const assertWhole = async (vault: Vault, contents: Map<number, Map<string, string>>) => {
  for (const snapshot of vault.snapshots())
    assert.deepEqual(
      await contentsOf(vault, snapshot),
      contents.get(snapshot.sequence),
      `snapshot ${snapshot.sequence}`,
    )
}

/** Takes away what the server may delete: all that is retired. */
const sweep = (world: VaultWorld): number => world.server.sweep(0n)

test('what is forgotten is kept by no device, the newest never is, and tags travel', async () => {
  const { world, one } = await makeHistory(5)
  await tag(one.vault, 2, { label: 'release' })
  await tag(one.vault, 3, { isPinned: true })
  assert.equal(await forget(one.vault, { last: 1, tags: ['release'] }), 2)
  assert.deepEqual(sequences(one.vault), [2, 3, 5])
  const two = openDevice(world, 1)
  await two.vault.refresh()
  assert.deepEqual(two.vault.snapshots(), one.vault.snapshots())
  assert.equal(two.vault.snapshots()[0]?.label, 'release')
  assert.equal(await forget(two.vault, { last: 1, tags: ['release'] }), 0)
  await tag(two.vault, 3, { isPinned: false })
  assert.equal(await forget(two.vault, {}), 2)
  await assert.rejects(tag(two.vault, 2, { label: 'x' }), trouble('missing'))
})

test('a prune retires what only forgotten snapshots needed, copies the rest, and every kept snapshot stays whole', async () => {
  const { world, one, contents } = await makeHistory(6)
  const dry = await prune({ ...one.parts, isDryRun: true })
  assert.equal(dry.packs.retire + dry.packs.rewrite, 0)
  await forget(one.vault, { last: 2 })
  const before = one.state.packIds(world.vaultId).length
  const report = await prune(one.parts)
  // The first snapshot's pack held the file that stays.
  assert.deepEqual([report.packs.retire, report.packs.rewrite], [3, 0])
  assert.ok(one.state.packIds(world.vaultId).length < before)
  assert.equal(sweep(world), report.packs.retire)
  await assertWhole(one.vault, contents)
  const two = openDevice(world, 1)
  await two.vault.refresh()
  await assertWhole(two.vault, contents)
  const again = await prune(two.parts)
  assert.equal(again.packs.retire + again.packs.rewrite, 0)
  assert.equal(again.checkpoint, null)
})

test('a pack of which little is needed is rewritten, and its chunks are found in the new one', async () => {
  const world = await createVaultWorld()
  const one = openDevice(world, 0)
  await put(one.vault, { 1: noise(2_000_000, 1), 2: noise(300_000, 2), 3: utf8('tiny') })
  await put(one.vault, { 1: noise(1000, 3) })
  const contents = new Map<number, Map<string, string>>()
  for (const snapshot of one.vault.snapshots()) contents.set(snapshot.sequence, await contentsOf(one.vault, snapshot))
  await forget(one.vault, { last: 1 })
  const report = await prune(one.parts)
  assert.deepEqual([report.packs.retire, report.packs.rewrite], [0, 1])
  assert.ok(report.bytesCopied > 300_000 && report.bytesCopied < 310_000)
  sweep(world)
  await assertWhole(one.vault, contents)
  await assertWhole(await refreshed(openDevice(world, 1).vault), contents)
})

test('a new device begins with the checkpoint, and may do all that others do', async () => {
  const { world, one, contents } = await makeHistory(6)
  await forget(one.vault, { last: 2 })
  const { checkpoint } = await prune(one.parts)
  assert.ok(checkpoint !== null)
  sweep(world)
  const two = openDevice(world, 1)
  await two.vault.refresh()
  const [first] = two.state.records(world.vaultId, 1, 1000)
  assert.equal(first?.sequence, checkpoint)
  assert.deepEqual(two.vault.snapshots(), one.vault.snapshots())
  assert.deepEqual(two.state.packIds(world.vaultId).toSorted(), one.state.packIds(world.vaultId).toSorted())
  await assertWhole(two.vault, contents)
  await put(two.vault, { 9: utf8('from the new device') })
  await one.vault.refresh()
  assert.equal(one.vault.newest()?.deviceName, 'desktop')
  await tag(two.vault, 6, { label: 'tagged' })
  await forget(two.vault, { last: 1 })
  await prune(two.parts)
  await one.vault.refresh()
  assert.deepEqual(sequences(one.vault), sequences(two.vault))
  // The second checkpoint takes the place of the first.
  const { newest, superseded } = checkpointPacks(two.parts)
  assert.ok(newest !== null && newest > checkpoint)
  assert.ok([...superseded].every((pack) => two.state.pack(world.vaultId, pack) === null))
})

test('a beginning that is interrupted, or overtaken, ends in the same state', async () => {
  const { world, one, contents } = await makeHistory(4)
  await writeCheckpoint(one.parts)
  for (let crashAt = 1; crashAt <= 3; crashAt++) {
    let commits = 0
    const state = createMemoryState({
      onCommit(moment) {
        if (moment === 'before' && ++commits === crashAt) throw new SyncError('test', 'unavailable', 'the process died')
      },
    })
    const dying = openDevice(world, 1, state)
    await assert.rejects(dying.vault.refresh(), trouble('unavailable'))
    const after = openDevice(world, 1, createMemoryState({ restore: state.snapshot() }))
    const other = openDevice(world, 1, after.state)
    await Promise.all([after.vault.refresh(), other.vault.refresh()])
    assert.deepEqual(after.vault.snapshots(), one.vault.snapshots(), `crash at ${crashAt}`)
    await assertWhole(after.vault, contents)
  }
})

test('a checkpoint that is not one, is of another vault or is damaged begins nothing', async () => {
  const { world, one } = await makeHistory(2)
  await writeCheckpoint(one.parts)
  const records = await Array.fromAsync(world.remote(0).recordsSince(world.vaultId, 0))
  const showing = (spoiled: Uint8Array): Remote => ({
    ...world.remote(1),
    async *recordsSince() {
      yield await Promise.resolve(spoiled)
    },
  })
  const last = records.at(-1)!
  for (const spoiled of [last.map((byte, i) => (i === last.length >> 1 ? byte ^ 1 : byte)), records[1]!]) {
    const two = openDevice(world, 1, createMemoryState(), showing(spoiled))
    await assert.rejects(two.vault.refresh(), (error) => isTrouble(error, 'corrupt') || isTrouble(error, 'invalid'))
    assert.equal(two.state.head(world.vaultId), null)
  }
})

test('a push that was about to use what a prune retires loses the race, and stores it again', async () => {
  const { world, one, contents } = await makeHistory(4)
  const two = openDevice(world, 1)
  await two.vault.refresh()
  await forget(one.vault, { last: 1 })
  await two.vault.refresh()
  // It has the bytes of the first snapshot's file: the vault has them still, so they are not sent.
  const old = fileOf(77, 'old again', await two.vault.writeFile(noise(300_000, 1)))
  await prune(one.parts)
  sweep(world)
  const edit = { id: nodeIdOf(77), from: null, to: { parent: rootNodeId, node: old } }
  await assert.rejects(push(two.vault, [edit]), trouble('conflict'))
  const pushed = await put(two.vault, { 77: noise(300_000, 1) })
  await one.vault.refresh()
  assert.equal((await contentsOf(one.vault, pushed)).get('file 77'), contents.get(1)?.get('file 1'))
})

test('a prune that is overtaken by a snapshot spares what that needs', async () => {
  const { world, one, contents } = await makeHistory(4)
  const two = openDevice(world, 1)
  await forget(one.vault, { last: 1 })
  await two.vault.refresh()
  let isFirst = true
  const slow: Remote = {
    ...world.remote(0),
    async append(...call) {
      // Between what the prune saw and what it says, the other device uses an old file again.
      if (isFirst) await put(two.vault, { 77: noise(300_000, 1) })
      isFirst = false
      return world.remote(0).append(...call)
    },
  }
  const racing = openDevice(world, 0, one.state, slow)
  const report = await prune(racing.parts)
  assert.equal(report.packs.retire + report.packs.rewrite, 2)
  sweep(world)
  await one.vault.refresh()
  const newest = one.vault.newest()!
  assert.equal((await contentsOf(one.vault, newest)).get('file 77'), contents.get(1)?.get('file 1'))
  await assertWholeNewest(two.vault)
})

const assertWholeNewest = async (vault: Vault) => {
  await vault.refresh()
  assert.ok((await contentsOf(vault, vault.newest()!)).size > 0)
}

test('two prunes at once retire each pack once, and nothing that is needed', async () => {
  const { world, one, contents } = await makeHistory(6)
  const two = openDevice(world, 1)
  await forget(one.vault, { last: 2 })
  const [a, b] = await Promise.all([prune(one.parts), prune(two.parts)])
  assert.ok(a.packs.retire + b.packs.retire >= 3)
  sweep(world)
  for (const { vault } of [one, two]) {
    await vault.refresh()
    await assertWhole(vault, contents)
  }
})

test('a prune that dies at any call leaves every kept snapshot whole, and the next ends it', async () => {
  for (let dieAt = 1; dieAt < 40; dieAt++) {
    const world = await createVaultWorld()
    const one = openDevice(world, 0)
    await put(one.vault, { 1: noise(900_000, 1), 2: utf8('stays') })
    await put(one.vault, { 1: noise(900_000, 2) })
    await put(one.vault, { 1: null })
    const contents = new Map<number, Map<string, string>>()
    for (const snapshot of one.vault.snapshots()) contents.set(snapshot.sequence, await contentsOf(one.vault, snapshot))
    await forget(one.vault, { last: 1 })
    let calls = 0
    // Half of the calls die before the server heard them, half after.
    world.server.setFault(({ moment }) => {
      if (moment === (dieAt % 2 === 0 ? 'before' : 'after') && ++calls * 2 >= dieAt)
        throw new SyncError('test', 'unavailable', 'the line is cut')
    })
    const isDone = await prune(one.parts).then(
      () => true,
      (error: unknown) => !isTrouble(error, 'unavailable') && Promise.reject(error as Error),
    )
    world.server.setFault(null)
    sweep(world)
    const after = openDevice(world, 0, restart(one.state))
    await after.vault.refresh()
    await assertWhole(after.vault, contents)
    await prune(after.parts)
    await prune(after.parts)
    sweep(world)
    await assertWhole(after.vault, contents)
    await assertWhole(await refreshed(openDevice(world, 1).vault), contents)
    if (isDone) return
  }
  assert.fail('the prune never came to its end')
})

const restart = (state: MemoryState): MemoryState => createMemoryState({ restore: state.snapshot() })
const refreshed = async (vault: Vault): Promise<Vault> => {
  await vault.refresh()
  return vault
}

test('what was forgotten and retired is rescued while the server holds it, also by a device that began later', async () => {
  const { world, one, contents } = await makeHistory(6)
  await forget(one.vault, { last: 1 })
  await prune(one.parts)
  const two = openDevice(world, 1)
  await two.vault.refresh()
  assert.deepEqual(sequences(two.vault), [6])
  const dry = await rescue({ ...two.parts, isDryRun: true }, () => true)
  assert.deepEqual(
    dry.rescued.map(({ sequence }) => sequence),
    [1, 2, 3, 4, 5],
  )
  assert.deepEqual(sequences(two.vault), [6])
  const some = await rescue(two.parts, ({ sequence }) => sequence === 2)
  assert.deepEqual([some.rescued.map(({ sequence }) => sequence), some.lost], [[2], []])
  await rescue(two.parts, () => true)
  assert.deepEqual(sequences(two.vault), [1, 2, 3, 4, 5, 6])
  assert.equal(sweep(world), 0)
  await assertWhole(two.vault, contents)
  await one.vault.refresh()
  await assertWhole(one.vault, contents)
  assert.equal((await rescue(two.parts, () => true)).rescued.length, 0)
})

test('what somebody retires against the log, in it or behind its back, is told by a proof and taken back by a rescue', async () => {
  for (const isSaid of [true, false]) {
    const { world, one, contents } = await makeHistory(3)
    const packs = one.state.packIds(world.vaultId).toSorted()
    const said = isSaid ? packs : packs.slice(0, 1)
    await one.vault.append(create(RetireBodySchema, { retired: said.map(idToBytes) }), { brought: [], retired: packs })
    const two = openDevice(world, 1)
    const { troubles } = await verify({ ...two.parts, share: 0 })
    assert.equal(
      troubles.filter(({ message }) => message.includes('anysync rescue')).length,
      packs.length - said.length,
    )
    assert.equal((await rescue({ ...two.parts, isDryRun: true }, () => true)).packs, packs.length)
    await rescue(two.parts, () => true)
    assert.equal(sweep(world), 0)
    assert.deepEqual((await verify({ ...two.parts, share: 1 })).troubles, [])
    await assertWhole(two.vault, contents)
    assert.equal((await rescue(two.parts, () => true)).packs, 0)
  }
})

/** Pushes a second file, as one who knows only the first snapshot. */
const pushSecond = async (vault: Vault): Promise<SnapshotInfo> => {
  const node = fileOf(2, 'file 2', await vault.writeFile(utf8('second')))
  return push(vault, [{ id: nodeIdOf(2), from: null, to: { parent: rootNodeId, node } }])
}

test('what only a push that lost its race has stored does not make a snapshot whole for everybody', async () => {
  const world = await createVaultWorld()
  const one = openDevice(world, 0)
  const two = openDevice(world, 1)
  await put(one.vault, { 1: noise(400_000, 1) })
  await two.vault.refresh()
  await pushSecond(one.vault)
  await assert.rejects(pushSecond(two.vault), trouble('conflict'))
  await put(one.vault, { 2: null, 3: utf8('third') })
  await forget(one.vault, { last: 1 })
  await prune(one.parts)
  sweep(world)
  await two.vault.refresh()
  const { rescued, lost } = await rescue(two.parts, () => true)
  // What the first needs lies with what stays.
  assert.deepEqual(
    [rescued, lost].map((some) => some.map(({ sequence }) => sequence)),
    [[1], [2]],
  )
})

test('a rescue in an empty vault finds nothing, though somebody pushes meanwhile', async () => {
  const world = await createVaultWorld()
  const one = openDevice(world, 0)
  const remote = world.remote(1)
  const recordsSince: Remote['recordsSince'] = async function* (...asked) {
    yield* remote.recordsSince(...asked)
    if (one.vault.newest() === null) await put(one.vault, { 1: utf8('first') })
  }
  const two = openDevice(world, 1, createMemoryState(), { ...remote, recordsSince })
  assert.deepEqual(await rescue(two.parts, () => true), { packs: 0, rescued: [], lost: [] })
})

test('what the server has deleted cannot be rescued, and is told', async () => {
  const { world, one, contents } = await makeHistory(4)
  await forget(one.vault, { last: 1 })
  await prune(one.parts)
  sweep(world)
  const { rescued, lost } = await rescue(one.parts, () => true)
  // The pack of the first holds what stays, so it was kept whole.
  assert.deepEqual(
    [rescued, lost].map((some) => some.map(({ sequence }) => sequence)),
    [[1], [2, 3]],
  )
  await assertWhole(one.vault, contents)
})

test('a log of a server that went back to before a prune is followed', async () => {
  const { world, one, contents } = await makeHistory(4)
  const copy = world.server.snapshot()
  await forget(one.vault, { last: 1 })
  await prune(one.parts)
  world.server.restore(copy, { isAnnounced: true })
  await assert.rejects(one.vault.refresh(), trouble('corrupt'))
  await one.vault.rewind()
  assert.deepEqual(sequences(one.vault), [1, 2, 3, 4])
  await assertWhole(one.vault, contents)
})

test('a device that began with a checkpoint follows a server that has lost it', async () => {
  const { world, one, contents } = await makeHistory(4)
  const copy = world.server.snapshot()
  await writeCheckpoint(one.parts)
  const two = openDevice(world, 1)
  await two.vault.refresh()
  world.server.restore(copy, { isAnnounced: true })
  await assert.rejects(two.vault.refresh(), trouble('corrupt'))
  assert.equal((await two.vault.rewind()).sequence, 0)
  assert.deepEqual(sequences(two.vault), [1, 2, 3, 4])
  await assertWhole(two.vault, contents)
  await writeCheckpoint(two.parts)
  await put(two.vault, { 5: utf8('more') })
  const later = world.server.snapshot()
  await put(two.vault, { 5: utf8('still more') })
  world.server.restore(later, { isAnnounced: true })
  const three = openDevice(world, 1)
  await three.vault.refresh()
  await assert.rejects(two.vault.refresh(), trouble('corrupt'))
  await two.vault.rewind()
  assert.deepEqual(two.vault.snapshots(), three.vault.snapshots())
})

const use = (liveBytes: number, isIndex = false) => ({
  plainBytes: 100,
  liveBytes,
  live: liveBytes === 0 ? [] : [{ kind: 1, id: 'x' as never, length: liveBytes }],
  isIndex,
})

test('what becomes of a pack', () => {
  assert.equal(fateOf(use(0), false), 'retire')
  assert.equal(fateOf(use(1), false), 'rewrite')
  assert.equal(fateOf(use(49), false), 'rewrite')
  assert.equal(fateOf(use(50), false), 'keep')
  assert.equal(fateOf(use(100), false), 'keep')
  assert.equal(fateOf(use(0, true), false), 'keep')
  assert.equal(fateOf(use(0, true), true), 'retire')
})

test('a forget of the newest snapshot is refused by every device', async () => {
  const { world, one } = await makeHistory(2)
  const two = openDevice(world, 1)
  await two.vault.refresh()
  await assert.rejects(
    one.vault.append(forgetBody([2], 'by force'), { brought: [], retired: [] }),
    trouble('corrupt', /newest/),
  )
  await assert.rejects(two.vault.refresh(), trouble('corrupt', /newest/))
  assert.equal(two.vault.head()?.sequence, 2)
})
