/**
 * The stand-alone decryptor against the real client: what it makes of a server's home is what the client restores.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { nodeClock } from '@anysync/cli/ports/clock.ts'
import { openNodeDisk } from '@anysync/cli/ports/disk.ts'
import { restore } from '@anysync/client/sync/restore.ts'
import {
  ContentKind,
  GrantSchema,
  NodeKind,
  NodeSchema,
  TreeSchema,
  type Content,
  type Node,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeIdFromBytes, rootNodeId } from '@anysync/protocol/ids.ts'
import { projectRoot, sourcesBelow } from './sources.ts'
import { ann, newDevice, signUp } from './support/device.ts'
import { sync } from './support/household.ts'
import { openVaultOf, sealGrant, type OpenedVault } from './support/opened-vault.ts'
import { assertDone, environmentFor } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'
import { filesBelow, startServer } from './support/server.ts'
import { assertSameTree, treeOf, type Tree } from './support/tree.ts'

test('the decryptor is less than 500 lines', () => {
  const lines = sourcesBelow('tools/decrypt', ['.ts']).reduce(
    (sum, { text }) => sum + text.trimEnd().split('\n').length,
    0,
  )
  assert.ok(lines > 100 && lines < 500, `${lines} lines`)
})

type Run = { exitCode: number; stdout: string; stderr: string }

const decrypt = (words: string[], password = ann.password): Promise<Run> =>
  new Promise((resolve) => {
    const entry = join(projectRoot, 'tools/decrypt/decrypt.ts')
    const child = execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', entry, ...words],
      { env: environmentFor('/nowhere') },
      (error, stdout, stderr) => resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
    // A program that refuses its words does not read on.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(`${password}\n`)
  })

const done = async (words: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await decrypt(words)
  assert.equal(stderr, '')
  assert.equal(exitCode, 0)
  return stdout
}

const mtimeIn = /mtime (-?\d+)/
const nearNs = 500n

/** Node sets times to a quarter of a microsecond, the client to a nanosecond: a time so near the wanted one counts as it. */
const withTimesOf = (wanted: Tree, tree: Tree): Tree =>
  new Map(
    [...tree].map(([path, line]) => {
      const [is, should] = [line, wanted.get(path) ?? ''].map((text) => mtimeIn.exec(text)?.[1])
      if (is === undefined || should === undefined) return [path, line]
      const apartNs = BigInt(is) - BigInt(should)
      const near = apartNs <= nearNs && apartNs >= -nearNs
      return [path, near ? line.replace(mtimeIn, `mtime ${should}`) : line]
    }),
  )

const assertRestored = (folder: string, restored: string): void => {
  const [wanted, tree] = [treeOf(folder), treeOf(restored)]
  assert.ok(tree.size >= 3)
  assertSameTree(withTimesOf(wanted, tree), wanted)
}

const node = (name: string, more: MessageInitShape<typeof NodeSchema>): Node =>
  create(NodeSchema, { id: randomBytes(16), name, mode: 0o640, mtimeNs: 1_600_000_000_123_456_789n, ...more })
const file = (name: string, content: Content): Node => node(name, { kind: NodeKind.FILE, content })

/** What the client restores of the newest snapshot. */
const restoreInto = async (folder: string, { vault }: OpenedVault): Promise<void> => {
  const disk = await openNodeDisk(folder)
  await disk.writeMarker('test')
  const root = vault.newest()?.root
  assert.ok(root)
  const placements = (await vault.tree(root)).map((node) => ({ path: node.name, node }))
  const { leftovers } = await restore({ vault, disk, clock: nodeClock }, placements)
  assert.deepEqual(leftovers, [])
  await disk.removeMarker()
}

test("what the decryptor makes of a server's home is what the client restores", async (t) => {
  using scratch = makeScratch('decrypt')
  await using server = await startServer(scratch)
  const desk = newDevice(scratch, 'desk')
  assertDone(await signUp(desk, await server.invite(), ann))
  const folder = scratch.folder('desk')
  const into = (name: string): string => join(scratch.path, name)

  mkdirSync(join(folder, 'Ä folder/deep/empty'), { recursive: true })
  writeFileSync(join(folder, 'empty'), '')
  writeFileSync(join(folder, 'Ä folder/text'), 'the same line again\n'.repeat(30_000))
  writeFileSync(join(folder, 'Ä folder/deep/noise'), randomBytes(3_000_000))
  for (let i = 0; i < 50; i++) writeFileSync(join(folder, 'Ä folder/deep', `small ${i}`), `small ${i}`)
  symlinkSync('../../etc/passwd', join(folder, 'link'))
  symlinkSync('Ä folder', join(folder, 'to a folder'))
  lutimesSync(join(folder, 'link'), 1_000_000_000, 1_000_000_000)
  chmodSync(join(folder, 'empty'), 0o400)
  utimesSync(join(folder, 'empty'), 0.25, -86_400.5)
  await desk.done(['add', folder, '--vault', 'documents', '--create'])
  await sync(desk)
  chmodSync(join(folder, 'empty'), 0o600)
  writeFileSync(join(folder, 'empty'), 'not empty any more')
  renameSync(join(folder, 'Ä folder/deep/noise'), join(folder, 'noise'))
  rmSync(join(folder, 'to a folder'))
  await sync(desk)
  const whole = scratch.folder('restored')
  await desk.done(['restore', folder, '--to', whole])

  await t.test('the newest snapshot, and an older one', async () => {
    assert.match(await done([server.home, '--list']), /^"documents"\n {2}1 of \S+ by "desk"\n {2}2 of \S+ by "desk"\n$/)
    await done([server.home, '--to', into('newest')])
    assertRestored(into('newest'), whole)
    const before = scratch.folder('before')
    await desk.done(['restore', folder, '--to', before, '--at', '1'])
    await done([server.home, '--to', into('older'), '--snapshot', '1', '--vault', 'documents'])
    assertRestored(into('older'), before)
    assert.notEqual((await decrypt([server.home, '--to', into('none'), '--snapshot', '3'])).exitCode, 0)
  })

  await t.test("a copy of master.keys of one's own will do", async () => {
    await done([server.home, '--to', into('own'), '--master-keys', join(desk.account(), 'master.keys')])
    assertRestored(into('own'), whole)
  })

  await t.test('nothing is written with another password, or into a folder that holds something', async () => {
    const wrong = await decrypt([server.home, '--to', into('wrong')], 'another password')
    assert.deepEqual([wrong.exitCode, wrong.stderr], [1, 'decrypt: the password is wrong\n'])
    assert.ok(!existsSync(into('wrong')))
    const full = await decrypt([server.home, '--to', folder])
    assert.equal(full.exitCode, 1)
    assert.match(full.stderr, /is not empty/)
  })

  await t.test('a damaged pack is told, what it held is not written, and the rest is', async () => {
    const home = into('damaged')
    cpSync(server.home, home, { recursive: true })
    const [largest] = filesBelow(join(home, 'objects')).sort((a, b) => readFileSync(b).length - readFileSync(a).length)
    assert.ok(largest)
    const bytes = readFileSync(largest)
    bytes[1000]! ^= 1
    writeFileSync(largest, bytes)
    const { exitCode, stderr } = await decrypt([home, '--to', into('rest')])
    assert.equal(exitCode, 1)
    assert.match(stderr, /its bytes do not have its name/)
    assert.match(stderr, /noise": no whole pack holds chunk/)
    assert.ok(!existsSync(join(into('rest'), 'noise')))
    assert.equal(readFileSync(join(into('rest'), 'empty'), 'utf8'), 'not empty any more')
  })

  await t.test('a record that was altered, or that is missing, is refused', async () => {
    const changes: ((database: DatabaseSync) => void)[] = [
      (database) =>
        database.exec('update record set bytes = (select bytes from record where sequence = 1) where sequence = 2'),
      (database) => {
        const bytes = database.prepare('select bytes from record where sequence = 1').get()?.['bytes']
        assert.ok(bytes instanceof Uint8Array)
        bytes[bytes.length - 1]! ^= 1
        database.prepare('update record set bytes = ? where sequence = 1').run(bytes)
      },
      (database) => database.exec('delete from record where sequence = 1'),
    ]
    for (const [i, change] of changes.entries()) {
      const home = into(`record ${i}`)
      cpSync(server.home, home, { recursive: true })
      using database = new DatabaseSync(join(home, 'server/anysync.db'))
      change(database)
      const { exitCode, stderr } = await decrypt([home, '--to', into('nothing')])
      assert.equal(exitCode, 1)
      assert.match(stderr, /record [12] (does not follow|was not signed|of vault)/)
      assert.ok(!existsSync(into('nothing')))
    }
  })

  await t.test('records of other kinds: what is forgotten is not listed, what is rescued is again', async () => {
    const numbers = async (): Promise<number[]> =>
      [...(await done([server.home, '--list'])).matchAll(/^ {2}(\d+) of /gm)].map(([, number]) => Number(number))
    await desk.done(['tag', '2', 'the second', '--pin', '--folder', folder])
    await desk.done(['forget', folder, '--keep-last', '1'])
    await desk.done(['prune', folder])
    assert.deepEqual(await numbers(), [2])
    await done([server.home, '--to', into('pruned')])
    assertRestored(into('pruned'), whole)
    await desk.done(['rescue', '--folder', folder])
    assert.deepEqual(await numbers(), [1, 2])
    await done([server.home, '--to', into('rescued'), '--snapshot', '1'])
    assertRestored(into('rescued'), into('before'))
  })

  await t.test('several epochs, and a file whose chunks are in lists of lists', async () => {
    await using opened = await openVaultOf(desk, [randomBytes(32)])
    const { vault, grants, session } = opened
    const limits = { dataCut: { min: 1024, average: 4096, max: 16_384 }, contentChunksMax: 4, listChunkBytesMax: 256 }
    const lists = await opened.store(ContentKind.DATA, randomBytes(300_000), limits)
    assert.ok(lists.depth >= 2)
    const added = file('lists', lists)
    const edit = { id: nodeIdFromBytes(added.id), from: null, to: { parent: rootNodeId, node: added } }
    const { root } = await vault.editTree(vault.newest()?.root ?? null, [edit], () => rootNodeId)
    await opened.commit(root)
    const rotated = scratch.folder('rotated')
    await restoreInto(rotated, opened)

    const home = into('rotated home')
    cpSync(server.home, home, { recursive: true })
    using database = new DatabaseSync(join(home, 'server/anysync.db'))
    const [row] = database.prepare('select user_id, sealed from vault_grant').all()
    assert.ok(row?.['sealed'] instanceof Uint8Array)
    const { sealedLabel } = fromBinary(GrantSchema, row['sealed'])
    // The server keeps one grant yet; a table of several is what one with several epochs would have.
    database.exec('create table several as select * from vault_grant; drop table vault_grant')
    database.exec('alter table several rename to vault_grant')
    const insert = database.prepare('insert into vault_grant values (?, ?, ?)')
    insert.run(vault.id, row['user_id'] ?? null, sealGrant(session, grants.at(-1)!, sealedLabel))
    await done([home, '--to', into('rotated out')])
    assertRestored(into('rotated out'), rotated)
    assert.ok(treeOf(rotated).size > treeOf(whole).size)
  })

  await t.test('names that lead elsewhere are refused, and nothing goes through a link', async () => {
    const evil = newDevice(scratch, 'evil')
    const person = { email: 'eve@example.org', password: 'another good password' }
    assertDone(await signUp(evil, await server.invite(), person))
    await evil.done(['add', scratch.folder('evil'), '--vault', 'evil', '--create'])
    await using opened = await openVaultOf(evil)
    const bytes = await opened.store(ContentKind.DATA, Buffer.from('evil'))
    const outside = scratch.folder('outside')
    const names = ['..', '../outside/dots', '/tmp/anysync-evil', 'nul\0', '']
    for (const [i, name] of names.entries()) {
      const nodes = [file(name, bytes), file('ok', bytes)]
      await opened.commit(await opened.store(ContentKind.TREE, toBinary(TreeSchema, create(TreeSchema, { nodes }))))
      const to = into(`evil ${i}`)
      const { exitCode, stderr } = await decrypt([server.home, '--to', to], person.password)
      assert.equal(exitCode, 1, stderr)
      assert.match(stderr, /^not whole: /)
      for (const found of readdirSync(to)) assert.equal(found, 'ok')
    }
    // A link and a folder of one name: whichever came second would be written through the first.
    const inner = await opened.store(
      ContentKind.TREE,
      toBinary(TreeSchema, create(TreeSchema, { nodes: [file('through', bytes)] })),
    )
    const twice = [
      node('a', { kind: NodeKind.SYMLINK, mode: 0, linkTarget: outside }),
      node('a', { kind: NodeKind.FOLDER, content: inner }),
    ]
    await opened.commit(
      await opened.store(ContentKind.TREE, toBinary(TreeSchema, create(TreeSchema, { nodes: twice }))),
    )
    assert.equal((await decrypt([server.home, '--to', into('twice')], person.password)).exitCode, 1)
    assert.deepEqual(readdirSync(outside), [])
  })
})
