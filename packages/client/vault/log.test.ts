import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import {
  ContentKind,
  IndexedPackSchema,
  PackDirectorySchema,
  type SnapshotBody,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { deviceIdFromBytes, nodeIdFromBytes, packIdFromBytes, rootNodeId } from '@anysync/protocol/ids.ts'
import { utf8 } from '../crypto/bytes.ts'
import { certifyDevice } from '../crypto/sign.ts'
import { createMemoryState, type MemoryState } from '../memory/state.ts'
import type { LogHead, Remote } from '../ports.ts'
import { deviceHeadsFact, parseDeviceHeads } from './device-heads.ts'
import { addFile, forge, kept, showing, signerOf } from './log.suite.ts'
import { bodyOf, cipher, contentOf, fileOf, trouble } from './vault.suite.ts'
import { createVaultWorld, push } from './world.suite.ts'

test('a server that shows an older state is an alarm that changes nothing', async () => {
  const world = await createVaultWorld()
  const { vault, state } = world.open(0)
  await addFile(vault, 1)
  const copy = world.server.snapshot()
  await addFile(vault, 2)
  const before = kept(state, world)
  world.server.restore(copy, { isAnnounced: true })
  await assert.rejects(vault.refresh(), trouble('corrupt', /older state.*record 2.*nothing was changed/))
  assert.deepEqual(kept(state, world), before)
  const restarted = world.open(0, createMemoryState({ restore: state.snapshot() }))
  await assert.rejects(restarted.vault.refresh(), trouble('corrupt', /older state/))
})

test('a server that lost the whole log is an alarm that changes nothing', async () => {
  const world = await createVaultWorld()
  const copy = world.server.snapshot()
  const { vault, state } = world.open(0)
  await addFile(vault, 1)
  world.server.restore(copy, { isAnnounced: false })
  await assert.rejects(vault.refresh(), trouble('corrupt', /older state/))
  assert.equal(vault.newest()?.sequence, 1)
  assert.equal(state.head(world.vaultId)?.sequence, 1)
})

test('a fork is an alarm, whether it is as long as what was seen or longer', async () => {
  const world = await createVaultWorld()
  const { vault, state } = world.open(0)
  await addFile(vault, 1)
  const copy = world.server.snapshot()
  await addFile(vault, 2)
  const before = kept(state, world)
  world.server.restore(copy, { isAnnounced: false })
  const other = world.open(1).vault
  await other.refresh()
  await addFile(other, 3)
  await assert.rejects(vault.refresh(), trouble('corrupt', /another record 2/))
  await addFile(other, 4)
  await assert.rejects(vault.refresh(), trouble('corrupt', /another record 2/))
  assert.deepEqual(kept(state, world), before)
})

const flip = (record: Uint8Array) => record.map((byte, i) => (i === record.length >> 1 ? byte ^ 1 : byte))

test('records that are dropped, doubled, exchanged, cut or changed are refused, and those before them stand', async () => {
  const world = await createVaultWorld()
  const writer = world.open(0).vault
  for (let i = 1; i <= 4; i++) await addFile(writer, i)
  const spoils: [string, (records: Uint8Array[]) => Uint8Array[]][] = [
    ['dropped', ([a, , c, d]) => [a!, c!, d!]],
    ['the first dropped', ([, b, c, d]) => [b!, c!, d!]],
    ['doubled', ([a, b, c, d]) => [a!, b!, b!, c!, d!]],
    ['exchanged', ([a, b, c, d]) => [a!, c!, b!, d!]],
    ['cut', ([a, b, c]) => [a!, b!.slice(0, -1), c!]],
    ['changed', ([a, b, c]) => [a!, flip(b!), c!]],
    ['empty', ([a]) => [a!, new Uint8Array()]],
    ['too large', ([a]) => [a!, new Uint8Array(2 ** 20 + 1)]],
  ]
  for (const [what, spoil] of spoils) {
    const { vault, state } = world.open(1, createMemoryState(), showing(world.remote(1), spoil))
    await assert.rejects(vault.refresh(), trouble('corrupt'), what)
    assert.ok((state.head(world.vaultId)?.sequence ?? 0) <= 1, what)
  }
})

test('a dropped tail looks like nothing new, until a device that saw it asks', async () => {
  const world = await createVaultWorld()
  const writer = world.open(0)
  await addFile(writer.vault, 1)
  await addFile(writer.vault, 2)
  const tailless = showing(world.remote(1), (records) => records.slice(0, 1))
  assert.equal((await world.open(1, createMemoryState(), tailless).vault.refresh())?.sequence, 1)
  const dropped = world.open(
    0,
    writer.state,
    showing(world.remote(0), (records) => records.slice(0, 1)),
  )
  await assert.rejects(dropped.vault.refresh(), trouble('corrupt', /older state/))
})

test('a writer that has seen more than the server shows gives two histories away', async () => {
  const world = await createVaultWorld()
  const { vault, state } = world.open(0)
  const first = await addFile(vault, 1)
  const before = kept(state, world)
  const { deviceId } = world.keys[0]!
  const deviceHeads = [{ $typeName: 'anysync.v1.DeviceHead' as const, deviceId, sequence: 5n }]
  await forge(world, first, bodyOf({ root: first.root, deviceHeads }))
  await assert.rejects(vault.refresh(), trouble('corrupt', /different histories/))
  assert.deepEqual(kept(state, world), before)
})

test('a record names the newest record of every device that its writer knows', async () => {
  const world = await createVaultWorld()
  const [laptop, desktop] = [world.open(0), world.open(1)]
  await addFile(laptop.vault, 1)
  await desktop.vault.refresh()
  await addFile(desktop.vault, 2)
  await laptop.vault.refresh()
  await addFile(laptop.vault, 3)
  const heads = (state: MemoryState) => parseDeviceHeads(state.fact(world.vaultId, deviceHeadsFact))
  const [a, b] = world.keys.map(({ deviceId }) => deviceIdFromBytes(deviceId))
  assert.deepEqual(
    heads(laptop.state),
    new Map([
      [a!, 3],
      [b!, 2],
    ]),
  )
  await desktop.vault.refresh()
  const fresh = world.open(1)
  await fresh.vault.refresh()
  assert.deepEqual(heads(desktop.state), heads(laptop.state))
  assert.deepEqual(heads(fresh.state), heads(laptop.state))
})

test('a record of a device that the identity did not certify is refused', async () => {
  const world = await createVaultWorld()
  const { vault, state } = world.open(0)
  const first = await addFile(vault, 1)
  const own = signerOf(world, 1)
  const stranger = new Uint8Array(32).fill(5)
  const devicePublicKey = cipher.signPublicKey(own.signingSeed)
  const device = { deviceId: deviceIdFromBytes(world.keys[1]!.deviceId), devicePublicKey, issuedNs: 1n }
  const signer = { ...own, certificate: certifyDevice(cipher, stranger, device) }
  await forge(world, first, bodyOf({ root: first.root }), signer)
  await assert.rejects(vault.refresh(), trouble('corrupt', /another identity/))
  assert.equal(state.head(world.vaultId)?.sequence, 1)
})

test('a record whose packs cannot be is refused, and none of it is kept', async () => {
  const pack = new Uint8Array(32).fill(1)
  const segment = { kind: ContentKind.DATA, compression: 1, sealedLength: 43, plainLength: 3 }
  const chunk = { id: new Uint8Array(32), length: 3 }
  const directory = (changes: object) =>
    create(PackDirectorySchema, { segments: [{ ...segment, chunks: [chunk], ...changes }] })
  const bodies: [string, SnapshotBody][] = [
    ['no directory', bodyOf({ packs: [create(IndexedPackSchema, { pack })] })],
    [
      'a length that does not sum',
      bodyOf({ packs: [{ pack, directory: directory({ plainLength: 4, sealedLength: 44 }) }] }),
    ],
    [
      'a short chunk id',
      bodyOf({ packs: [{ pack, directory: directory({ chunks: [{ ...chunk, id: pack.subarray(1) }] }) }] }),
    ],
    ['an index that holds data', bodyOf({ indexPacks: [{ pack, directory: directory({}) }] })],
  ]
  for (const [what, body] of bodies) {
    const world = await createVaultWorld()
    const { vault, state } = world.open(0)
    await forge(world, null, body)
    await assert.rejects(vault.refresh(), trouble('corrupt'), what)
    assert.deepEqual(kept(state, world), { records: [], chunks: 0, heads: null })
  }
})

test('an index pack that was changed or is not there is refused', async () => {
  const world = await createVaultWorld()
  const { vault, state } = world.open(0)
  await vault.refresh()
  const edits = []
  for (let i = 0; i < 2500; i++) {
    const node = fileOf(i, `file ${i}`, await vault.writeFile(utf8(`file ${i} of many`)))
    edits.push({ id: nodeIdFromBytes(node.id), from: null, to: { parent: rootNodeId, node } })
  }
  await push(vault, edits)
  assert.ok(state.countChunks(world.vaultId) > 2500)
  const remote = world.remote(1)
  for (const spoil of [
    (bytes: Uint8Array) => bytes.map((byte) => byte ^ 1),
    (bytes: Uint8Array) => bytes.subarray(1),
  ]) {
    const getPack: Remote['getPack'] = async (...call) => spoil(await remote.getPack(...call))
    const other = world.open(1, createMemoryState(), { ...remote, getPack })
    await assert.rejects(other.vault.refresh(), trouble('corrupt', /pack/))
    assert.deepEqual(kept(other.state, world), { records: [], chunks: 0, heads: null })
  }
})

test('a refresh that is cut off keeps what it verified and goes on from there', async () => {
  const world = await createVaultWorld()
  let previous: LogHead | null = null
  for (let i = 0; i < 150; i++) previous = await forge(world, previous, bodyOf({ root: contentOf(0), label: `${i}` }))
  const remote = world.remote(0)
  const asked: number[] = []
  let left = 100
  const cut: Remote = {
    ...remote,
    async *recordsSince(vaultId, sequence) {
      asked.push(sequence)
      for await (const record of remote.recordsSince(vaultId, sequence)) {
        if (left-- === 0) throw new Error('cut off')
        yield record
      }
    },
  }
  const { vault, state } = world.open(0, createMemoryState(), cut)
  await assert.rejects(vault.refresh(), /cut off/)
  assert.equal(state.head(world.vaultId)?.sequence, 64)
  assert.equal((await vault.refresh())?.sequence, 150)
  assert.deepEqual(asked, [0, 63])
  assert.deepEqual(
    vault.snapshots().map(({ label }) => label),
    Array.from({ length: 150 }, (_, i) => `${i}`),
  )
})

test('a crash before or after the log is kept is only work to repeat', async () => {
  for (const moment of ['before', 'after'] as const) {
    const world = await createVaultWorld()
    await addFile(world.open(0).vault, 1)
    let isArmed = false
    const state = createMemoryState({
      onCommit(at) {
        if (isArmed && at === moment) throw new Error('crash')
      },
    })
    isArmed = true
    await assert.rejects(world.open(1, state).vault.refresh(), /crash/)
    const { vault, state: after } = world.open(1, createMemoryState({ restore: state.snapshot() }))
    assert.equal(after.head(world.vaultId)?.sequence ?? 0, moment === 'before' ? 0 : 1)
    assert.equal((await vault.refresh())?.sequence, 1)
    assert.ok(after.countChunks(world.vaultId) > 0)
  }
})

test('packs of other devices leave this device’s pending packs pending', async () => {
  const world = await createVaultWorld()
  const [laptop, desktop] = [world.open(0), world.open(1)]
  await desktop.vault.writeFile(new Uint8Array(20 * 2 ** 20).map((_, i) => (i * 7919) >> 3))
  const pending = () => desktop.state.pendingPacks(world.vaultId).map(({ pack }) => packIdFromBytes(pack))
  await addFile(laptop.vault, 1)
  const before = pending()
  await desktop.vault.refresh()
  assert.ok(before.every((pack) => pending().includes(pack)))
})
