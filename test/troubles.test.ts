/**
 * Everything that goes wrong in a household: each trouble has one clear sentence and the right exit code, nothing is
 * lost by it, and when its cause is gone all goes on.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { ann, logIn, newDevice, signUp, type Person } from './support/device.ts'
import { Dice } from './support/dice.ts'
import { linkBoth, litterOf, makeHousehold, reportOf, sync, syncAll, vaultName } from './support/household.ts'
import { listenAs } from './support/listener.ts'
import { assertDone, documentsOf } from './support/programs.ts'
import { makeScratch, type Scratch } from './support/scratch.ts'
import { startServer } from './support/server.ts'
import { mountSmallDisk } from './support/small-disk.ts'
import { assertSameTree, treeOf } from './support/tree.ts'
import { assertTrouble } from './support/trouble.ts'

const limits = { timeout: 120_000 }
const json = ['--json']

const plantFiles = (folder: string, count: number): void => {
  mkdirSync(join(folder, 'sub'), { recursive: true })
  for (let index = 0; index < count; index++) {
    writeFileSync(join(folder, index % 2 === 0 ? 'sub' : '', `file ${index}`), `content ${index}`)
  }
}

/** A household whose devices share a few files. */
const makeLinked = async (scratch: Scratch, files = 20) => {
  const house = await makeHousehold(scratch)
  plantFiles(house.deskFolder, files)
  await linkBoth(house)
  return house
}

test('signing up and in', limits, async (t) => {
  using scratch = makeScratch('trouble')
  await using server = await startServer(scratch)
  const link = await server.invite()
  const desk = newDevice(scratch, 'desk')
  const laptop = newDevice(scratch, 'laptop')
  const secrets = [ann.password, 'not the password', ...(/#i=([\w-]+)/.exec(link)?.slice(1) ?? [])]
  const bob: Person = { email: 'bob@example.org', password: 'another good password' }

  await t.test('a short password and what is no e-mail address are refused before anything is sent', async () => {
    const short = await signUp(desk, link, { ...ann, password: 'short' })
    assertTrouble(short, { exitCode: 1, says: /the password has 5 characters; choose one of at least 8/ })
    const email = await signUp(desk, link, { ...ann, email: 'ann' })
    assertTrouble(email, { exitCode: 1, says: /not an e-mail address/, never: secrets })
  })

  await t.test('a command before sign-in says how to sign in', async () => {
    for (const words of [['sync'], ['whoami'], ['status'], ['vault', 'list'], ['logout']]) {
      assertTrouble(await desk.run([...words, ...json]), { exitCode: 1, says: /nobody is signed in .*anysync login/ })
    }
  })

  await t.test('an invitation that is used, expired or made up: unknown, all alike', async () => {
    assertDone(await signUp(desk, link, ann))
    const used = await signUp(laptop, link, bob)
    assertTrouble(used, { exitCode: 1, says: /invitation/, never: [...secrets, bob.password] })
    const late = await server.invite()
    const database = new DatabaseSync(join(server.home, 'server/anysync.db'))
    database.exec('update invitation set expires_ms = 1 where used_ms is null')
    database.close()
    const expired = await signUp(laptop, late, bob)
    const madeUp = await signUp(laptop, late.replace(/#i=..../, '#i=AAAA'), bob)
    assert.deepEqual([expired.stderr, madeUp.stderr], [used.stderr, used.stderr])
    assert.ok(!existsSync(join(laptop.home, 'accounts')), 'a failed sign-up leaves something behind')
  })

  await t.test('an e-mail that has an account already', async () => {
    const again = await signUp(laptop, await server.invite(), ann)
    assertTrouble(again, { exitCode: 1, says: /e-mail|account/, never: secrets })
  })

  await t.test('a wrong password and an unknown e-mail: which, is not said', async () => {
    const wrong = await logIn(laptop, link, { ...ann, password: 'not the password' }, json)
    assertTrouble(wrong, { exitCode: 1, says: /password/, never: secrets })
    const unknown = await logIn(laptop, link, { ...ann, email: 'nobody@example.org' }, json)
    assert.deepEqual([unknown.exitCode, unknown.stderr], [1, wrong.stderr])
    assert.ok(!existsSync(join(laptop.home, 'accounts')), 'a failed login leaves something behind')
  })

  await t.test('a damaged link is refused without repeating it', async () => {
    const cut = await logIn(laptop, link.slice(0, -3), ann)
    assertTrouble(cut, { exitCode: 1, says: /link is damaged/, never: secrets })
    const other = await logIn(laptop, 'ftp://example.org', ann)
    assertTrouble(other, { exitCode: 1, says: /https:\/\// })
  })

  await t.test('a password file that is not there', async () => {
    const words = ['login', link, '--email', ann.email, '--password-file', 'nowhere']
    assertTrouble(await laptop.run(words), { exitCode: 1, says: /password file/ })
  })

  await t.test('garbage in the given master.keys', async () => {
    const file = join(scratch.path, 'garbage')
    writeFileSync(file, new Dice('garbage').bytes(500))
    const result = await logIn(laptop, link, ann, ['--master-keys', file, ...json])
    assertTrouble(result, { exitCode: 1, says: /\/garbage is damaged/, never: secrets })
  })

  await t.test('a server that does not run, and works again when it does', async () => {
    await server.stop()
    const pattern = /nothing answers at 127\.0\.0\.1:\d+/
    assertTrouble(await logIn(laptop, link, ann), { exitCode: 1, says: pattern, never: secrets })
    assertTrouble(await desk.run(['whoami', ...json]), { exitCode: 1, says: pattern })
    await server.start()
    await desk.done(['whoami'])
    assertDone(await logIn(laptop, link, ann))
  })

  await t.test('another server on that port is sent nothing at all', async () => {
    await server.stop()
    await using other = await startServer(scratch, { name: 'other' })
    await other.stop()
    {
      await using stranger = await listenAs(other.home, server.port())
      for (const words of [['whoami'], ['vault', 'list'], ['vault', 'create', 'secret plans'], ['logout']]) {
        const result = await desk.run([...words, ...json])
        assertTrouble(result, { exitCode: 1, says: /another certificate/, never: secrets })
      }
      assertTrouble(await logIn(newDevice(scratch, 'phone'), link, ann), { exitCode: 1, says: /certificate/ })
      assert.ok(stranger.connections() >= 5)
      assert.equal(stranger.received().length, 0, 'bytes were sent to a server with another certificate')
    }
    await server.start()
    await desk.done(['whoami'])
  })

  await t.test('a revoked sign-in', async () => {
    const copy = newDevice(scratch, 'copy')
    mkdirSync(join(copy.home, 'accounts'))
    const account = laptop.account().slice(laptop.home.length)
    mkdirSync(join(copy.home, account))
    copyFileSync(join(laptop.account(), 'access.keys'), join(copy.home, account, 'access.keys'))
    await laptop.done(['logout'])
    assertTrouble(await laptop.run(['sync', ...json]), { exitCode: 1, says: /signed in/ })
    for (const words of [['whoami'], ['vault', 'list']]) {
      assertTrouble(await copy.run([...words, ...json]), { exitCode: 1, says: /: log in again$/m })
    }
  })

  await t.test('garbage in access.keys: the advice to log in again works', async () => {
    const file = join(desk.account(), 'access.keys')
    const keys = readFileSync(file)
    const dice = new Dice('keys')
    for (const garbage of [dice.bytes(300), Buffer.alloc(0), keys.subarray(0, 100), Buffer.alloc(100_000)]) {
      writeFileSync(file, garbage)
      const wanted = { exitCode: 1, says: /access\.keys is damaged: log in again/, never: secrets } as const
      assertTrouble(await desk.run(['whoami', ...json]), wanted)
    }
    assertDone(await logIn(desk, link, ann))
    await desk.done(['whoami'])
  })

  await t.test('garbage in master.keys does not stop the work, and the advice of the next login works', async () => {
    const file = join(desk.account(), 'master.keys')
    const keys = readFileSync(file)
    writeFileSync(file, new Dice('keys').bytes(300))
    await desk.done(['whoami'])
    const wanted = { exitCode: 1, says: /\/master\.keys is damaged: move it away/, never: secrets } as const
    assertTrouble(await logIn(desk, link, ann, json), wanted)
    await desk.done(['logout'])
    assertTrouble(await logIn(desk, link, ann, json), wanted)
    unlinkSync(file)
    assertDone(await logIn(desk, link, ann))
    assert.deepEqual(readFileSync(file), keys)
  })
})

test('wrong uses have exit code 2', limits, async (t) => {
  using scratch = makeScratch('trouble')
  const device = newDevice(scratch, 'desk')
  const uses: [string[], RegExp][] = [
    [['nonsense'], /unknown command/],
    [['sync', '--nonsense'], /unknown option/],
    [['signup', '--email', 'a@b'], /link/],
    [['signup', 'https://host', '--password-file', '-'], /--email/],
    [['signup', 'https://host', '--email', 'a@b', '--kdf', 'weak'], /--kdf/],
    [['add', '/tmp'], /--vault/],
    [['restore', '/tmp'], /--to/],
    [['sync', 'one', 'two'], /too many arguments/],
  ]
  for (const [words, says] of uses) {
    await t.test(words.join(' '), async () => assertTrouble(await device.run(words), { exitCode: 2, says }))
  }
  await t.test('a password is asked for only where somebody can answer', async () => {
    const words = ['login', 'https://localhost:1', '--email', 'a@b']
    assertTrouble(await device.run(words), { exitCode: 2, says: /--password-file/ })
  })
})

test('vaults and folders', limits, async (t) => {
  using scratch = makeScratch('trouble')
  await using house = await makeLinked(scratch)
  const { desk, laptop, deskFolder, laptopFolder } = house
  const intact = treeOf(laptopFolder)
  const assertIntact = async () => {
    await sync(laptop)
    assertSameTree(treeOf(laptopFolder), intact, 'the trouble of one device travelled to the other')
  }

  await t.test('a vault that does not exist', async () => {
    const result = await desk.run(['add', scratch.folder('apart'), '--vault', 'recipes', ...json])
    assertTrouble(result, { exitCode: 1, says: /no vault .*'photos'.*--create/ })
  })

  await t.test('a vault name that is taken', async () => {
    assertTrouble(await desk.run(['vault', 'create', vaultName, ...json]), { exitCode: 1, says: /'photos' already/ })
  })

  await t.test('a folder that is linked, or lies within a linked one, or around it', async () => {
    const add = (folder: string) => desk.run(['add', folder, '--vault', vaultName, ...json])
    assertTrouble(await add(deskFolder), { exitCode: 1, says: /is linked already/ })
    assertTrouble(await add(join(deskFolder, 'sub')), { exitCode: 1, says: /within each other/ })
    assertTrouble(await add(scratch.path), { exitCode: 1, says: /within each other/ })
    assertTrouble(await add(desk.home), { exitCode: 1, says: /within each other/ })
    assertTrouble(await add(join(deskFolder, 'file 1')), { exitCode: 1, says: /file 1/ })
    assertTrouble(await laptop.run(['add', deskFolder, '--vault', vaultName]), { exitCode: 1, says: /linked already/ })
  })

  await t.test('a folder that is not linked', async () => {
    assertTrouble(await desk.run(['sync', scratch.folder('apart'), ...json]), { exitCode: 1, says: /is not linked/ })
    assertTrouble(await desk.run(['remove', scratch.folder('apart'), ...json]), { exitCode: 1, says: /is not linked/ })
  })

  await t.test('a linked folder that vanished deletes nothing anywhere', async () => {
    renameSync(deskFolder, `${deskFolder} is away`)
    assertTrouble(await desk.run(['sync', ...json]), { exitCode: 1, says: /the linked folder is not there/ })
    await assertIntact()
    // As an empty mount point has it.
    mkdirSync(deskFolder)
    const empty = await desk.run(['sync', ...json])
    assertTrouble(empty, { exitCode: 1, says: /Nothing was deleted anywhere/ })
    assert.deepEqual(readdirSync(deskFolder), [])
    await assertIntact()
    rmSync(deskFolder, { recursive: true })
    renameSync(`${deskFolder} is away`, deskFolder)
    await sync(desk)
    assertSameTree(treeOf(deskFolder), intact)
  })

  await t.test('the folder of another link in its place', async () => {
    renameSync(deskFolder, `${deskFolder} is away`)
    renameSync(laptopFolder, deskFolder)
    assertTrouble(await desk.run(['sync', ...json]), { exitCode: 1, says: /marker of another link/ })
    renameSync(deskFolder, laptopFolder)
    renameSync(`${deskFolder} is away`, deskFolder)
    await assertIntact()
  })

  await t.test('two at once: the second waits for nobody and says so', async () => {
    const first = desk.start(['start', '--foreground'], { timeoutMs: 60_000 })
    await first.line(/^ready/)
    assert.equal((await desk.run(['sync', ...json])).exitCode, 0, 'the one that runs takes the turn')
    assertTrouble(await desk.run(['logout', ...json]), {
      exitCode: 1,
      says: /another anysync is working with this account: .*`anysync stop`/,
    })
    first.kill('SIGTERM')
    assert.equal((await first.result).exitCode, 0)
    const both = await Promise.all([desk.run(['sync', ...json]), desk.run(['sync', ...json])])
    const failed = both.filter(({ exitCode }) => exitCode !== 0)
    assert.ok(failed.length <= 1)
    for (const result of failed) assertTrouble(result, { exitCode: 1, says: /another anysync is working/ })
    await sync(desk)
  })

  await t.test('a locked state database', async () => {
    const database = new DatabaseSync(join(desk.account(), 'state.db'))
    database.exec('begin exclusive')
    assertTrouble(await desk.run(['sync', ...json]), {
      exitCode: 1,
      says: /the state database is in use by another program/,
    })
    database.exec('rollback')
    database.close()
    await sync(desk)
  })

  await t.test('what is neither file nor folder nor symlink is skipped, and said so', async () => {
    execFileSync('mkfifo', [join(deskFolder, 'pipe')])
    const result = await desk.done(['sync', ...json])
    const { troubles, isSettled } = reportOf(documentsOf(result)[0])
    assert.deepEqual([troubles.map(({ path, kind }) => [path, kind]), isSettled], [[['pipe', 'skipped']], true])
    unlinkSync(join(deskFolder, 'pipe'))
    await assertIntact()
  })

  await t.test('restore never writes over what is there', async () => {
    const target = scratch.folder('restored')
    writeFileSync(join(target, 'file 1'), 'mine')
    const result = await desk.run(['restore', join(deskFolder, 'file 1'), '--to', target, ...json])
    assertTrouble(result, { exitCode: 1, says: /already|there/ })
    assert.equal(readFileSync(join(target, 'file 1'), 'utf8'), 'mine')
    assert.deepEqual(readdirSync(target), ['file 1'])
  })

  await t.test('paths and times that are not there', async () => {
    const words: [string[], RegExp][] = [
      [['restore', join(deskFolder, 'nothing'), '--to', scratch.folder('restored')], /nothing/],
      [['versions', join(deskFolder, 'nothing')], /nothing/],
      [['ls', join(deskFolder, 'nothing')], /nothing/],
      [['ls', deskFolder, '--at', '999'], /999/],
      [['ls', deskFolder, '--at', '2001-01-01'], /2001|before|no snapshot/],
    ]
    for (const [line, says] of words) assertTrouble(await desk.run([...line, ...json]), { exitCode: 1, says })
    const nonsense = await desk.run(['ls', deskFolder, '--at', 'the day before', ...json])
    assert.ok(nonsense.exitCode === 1 || nonsense.exitCode === 2)
    assertTrouble(nonsense, { exitCode: nonsense.exitCode, says: /the day before|time/ })
  })

  await t.test('garbage in state.db: files stay, and the way out that is told works', async () => {
    const file = join(desk.account(), 'state.db')
    for (const rest of ['-wal', '-shm']) rmSync(file + rest, { force: true })
    writeFileSync(file, new Dice('state').bytes(50_000))
    assertTrouble(await desk.run(['sync', ...json]), { exitCode: 1, says: /`anysync doctor --rebuild`/ })
    assertSameTree(treeOf(deskFolder), intact)
    await desk.done(['doctor', '--rebuild', deskFolder])
    await sync(desk)
    assertSameTree(treeOf(deskFolder), intact, 'a lost state changed files')
    await assertIntact()
  })
})

test('deleting most of a vault waits for a person', limits, async () => {
  using scratch = makeScratch('trouble')
  await using house = await makeLinked(scratch)
  const { desk, laptop, deskFolder, laptopFolder } = house
  const before = treeOf(laptopFolder)
  rmSync(join(deskFolder, 'sub'), { recursive: true })
  for (const name of ['file 1', 'file 3']) unlinkSync(join(deskFolder, name))
  for (const words of [['sync'], ['sync', ...json], ['sync', ...json]]) {
    const result = await desk.run(words)
    assertTrouble(result, { exitCode: 3, says: /12 deletions .*anysync confirm/ })
  }
  await sync(laptop)
  assertSameTree(treeOf(laptopFolder), before, 'it did not wait')
  await desk.done(['confirm', ...json])
  await syncAll(desk, laptop)
  assert.deepEqual(readdirSync(laptopFolder).sort(), readdirSync(deskFolder).sort())
  assert.equal(treeOf(laptopFolder).size, 8)
})

test('a server that restarts is no trouble', limits, async () => {
  using scratch = makeScratch('trouble')
  await using house = await makeLinked(scratch)
  const { server, desk, laptop, deskFolder, laptopFolder } = house
  for (const end of [() => server.stop(), () => server.kill()]) {
    writeFileSync(join(deskFolder, 'file 1'), 'edited')
    await end()
    assertTrouble(await desk.run(['sync', ...json]), { exitCode: 1, says: /nothing answers at/ })
    await server.start()
    await syncAll(desk, laptop)
    assertSameTree(treeOf(laptopFolder), treeOf(deskFolder))
  }
})

test('a quota that is used up', limits, async () => {
  using scratch = makeScratch('trouble')
  await using server = await startServer(scratch)
  const desk = newDevice(scratch, 'desk')
  const folder = scratch.folder('folder')
  assertDone(await signUp(desk, await server.invite('--quota', '2MB'), ann))
  writeFileSync(join(folder, 'small'), 'small')
  await desk.done(['add', folder, '--vault', vaultName, '--create'])
  await sync(desk)
  writeFileSync(join(folder, 'large'), new Dice('quota').bytes(5_000_000))
  assertTrouble(await desk.run(['sync', ...json]), {
    exitCode: 1,
    says: /the account may store 2000000 bytes and holds \d+: ask/,
  })
  unlinkSync(join(folder, 'large'))
  await sync(desk)
})

test("a full disk under a device's folder", limits, async (t) => {
  using scratch = makeScratch('trouble')
  await using house = await makeHousehold(scratch)
  const { desk, laptop, deskFolder } = house
  using disk = mountSmallDisk(scratch, 'small disk', 8)
  if (disk === null) {
    t.skip('this user may not mount a small disk')
    return
  }
  const folder = join(disk.path, 'folder')
  plantFiles(deskFolder, 10)
  writeFileSync(join(deskFolder, 'large'), new Dice('full').bytes(20_000_000))
  await desk.done(['add', deskFolder, '--vault', vaultName, '--create'])
  await sync(desk)
  await laptop.done(['add', folder, '--vault', vaultName])
  assertTrouble(await laptop.run(['sync', ...json]), { exitCode: 1, says: /disk is full/ })
  assert.ok(!existsSync(join(folder, 'large')), 'a file is there in part')
  disk.resize(64)
  await sync(laptop)
  assertSameTree(treeOf(folder), treeOf(deskFolder))
  assert.deepEqual(litterOf({ ...house, laptopFolder: folder }), [])
})

test("a full disk under a device's home", limits, async (t) => {
  using scratch = makeScratch('trouble')
  await using server = await startServer(scratch)
  using disk = mountSmallDisk(scratch, 'desk-home', 4)
  if (disk === null) {
    t.skip('this user may not mount a small disk')
    return
  }
  const desk = newDevice(scratch, 'desk')
  const folder = scratch.folder('folder')
  assertDone(await signUp(desk, await server.invite(), ann))
  await desk.done(['add', folder, '--vault', vaultName, '--create'])
  plantFiles(folder, 10)
  await sync(desk)
  plantFiles(folder, 3000)
  const before = treeOf(folder)
  fillUp(join(disk.path, 'filler'))
  assertTrouble(await desk.run(['sync', ...json]), { exitCode: 1, says: /disk is full/ })
  unlinkSync(join(disk.path, 'filler'))
  disk.resize(64)
  await sync(desk)
  assertSameTree(treeOf(folder), before)
})

test('a full disk under the server', limits, async (t) => {
  using scratch = makeScratch('trouble')
  using disk = mountSmallDisk(scratch, 'server', 24)
  if (disk === null) {
    t.skip('this user may not mount a small disk')
    return
  }
  await using house = await makeHousehold(scratch, { server: { settings: 'reserve = "4MB"' } })
  const { desk, laptop, deskFolder, laptopFolder } = house
  plantFiles(deskFolder, 10)
  await linkBoth(house)
  writeFileSync(join(deskFolder, 'large'), new Dice('full').bytes(40_000_000))
  assertTrouble(await desk.run(['sync', ...json]), { exitCode: 1, says: /server's disk is full/ })
  assert.deepEqual(litterOf(house), [])
  await sync(laptop)
  // Every last byte, so that the database cannot grow either.
  fillUp(join(disk.path, 'filler'))
  unlinkSync(join(deskFolder, 'large'))
  plantFiles(deskFolder, 100)
  assertTrouble(await desk.run(['sync', ...json]), { exitCode: 1, says: /disk is full/ })
  unlinkSync(join(disk.path, 'filler'))
  writeFileSync(join(deskFolder, 'large'), new Dice('full').bytes(40_000_000))
  disk.resize(128)
  await syncAll(desk, laptop)
  assertSameTree(treeOf(laptopFolder), treeOf(deskFolder))
})

/** Takes the last free byte of a file system. */
const fillUp = (file: string): void => {
  for (const length of [65_536, 4096, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(length), { flag: 'a' })
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOSPC') throw error
    }
  }
}
