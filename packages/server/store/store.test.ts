import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mountSmall, newFolder } from '../household.suite.ts'
import { openDiskStore } from './disk.ts'
import { createMemoryStore } from './memory.ts'
import { inPieces, nameOf, testPackStore, vaultId } from './store.suite.ts'

testPackStore('disk', (t) => openDiskStore({ folder: newFolder(t), reserveBytes: 0 }))
testPackStore('memory', async () => createMemoryStore({ bytesMax: 100_000_000 }))

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())

test('a pack lies under its vault and the first two digits of its name, readable by the server alone', async (t) => {
  const folder = newFolder(t)
  const store = await openDiskStore({ folder, reserveBytes: 0 })
  const bytes = randomBytes(1000)
  const pack = nameOf(bytes)
  await store.put(vaultId, pack, inPieces(bytes), bytes.length)
  assert.equal(statSync(join(folder, vaultId, pack.slice(0, 2), pack)).mode & 0o777, 0o600)
})

test('a refused upload leaves no file, and what a crash left is swept at the next start', async (t) => {
  const folder = newFolder(t)
  const store = await openDiskStore({ folder, reserveBytes: 0 })
  const bytes = randomBytes(600_000)
  await assert.rejects(store.put(vaultId, nameOf(randomBytes(3)), inPieces(bytes), bytes.length), { kind: 'corrupt' })
  assert.equal(filesIn(folder).length, 0)
  mkdirSync(join(folder, '.incoming'), { recursive: true })
  writeFileSync(join(folder, '.incoming', 'left-by-a-crash'), 'x')
  await openDiskStore({ folder, reserveBytes: 0 })
  assert.equal(filesIn(folder).length, 0)
})

test('the reserve of the disk is never used', async (t) => {
  const folder = newFolder(t)
  const store = await openDiskStore({ folder, reserveBytes: Number.MAX_SAFE_INTEGER })
  const bytes = randomBytes(1000)
  await assert.rejects(store.put(vaultId, nameOf(bytes), inPieces(bytes), bytes.length), {
    kind: 'full',
    message: /disk is full/,
  })
  assert.equal(filesIn(folder).length, 0)
})

test('a memory store is full at its size', async () => {
  const store = createMemoryStore({ bytesMax: 1000 })
  const bytes = randomBytes(1001)
  await assert.rejects(store.put(vaultId, nameOf(bytes), inPieces(bytes), bytes.length), { kind: 'full' })
})

test('a disk that fills up in the middle of an upload is full, and nothing is half-written', async (t) => {
  const folder = mountSmall(t, '1m')
  if (folder === null) {
    t.skip('this user may not mount a small file system')
    return
  }
  // A reserve below zero lets the upload begin, so that the write itself meets the end of the disk.
  const store = await openDiskStore({ folder, reserveBytes: -100_000_000 })
  const [large, small] = [randomBytes(3_000_000), randomBytes(100_000)]
  await assert.rejects(store.put(vaultId, nameOf(large), inPieces(large), large.length), { kind: 'full' })
  assert.equal(filesIn(folder).length, 0)
  await store.put(vaultId, nameOf(small), inPieces(small), small.length)
  assert.equal(await store.head(vaultId, nameOf(small)), small.length)
})
