/**
 * `anysync status` in every state that goes wrong: it names the trouble and what to do, and never says that a folder
 * is up to date when something could make that untrue.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test } from 'node:test'
import { daemonsOf, eventually, folderStatus, killDaemon, statusOf, untilState } from './support/daemon.ts'
import type { TestDevice } from './support/device.ts'
import { Dice } from './support/dice.ts'
import { linkLaptop, makeHousehold, vaultName, type Household } from './support/household.ts'
import { described, entries, environmentFor } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'
import { mountSmallDisk } from './support/small-disk.ts'

type PathStatus = { state: string; reason: string; percent: number | null }
type World = Household & { scratch: ReturnType<typeof makeScratch> }

/** The desk's folder is in the vault, and its daemon running and up to date, with so many files. */
const withDesk = async (name: string, files: number, work: (world: World) => Promise<void>): Promise<void> => {
  using scratch = makeScratch(`status-${name}`)
  await using house = await makeHousehold(scratch)
  await using _daemons = daemonsOf(house.desk, house.laptop)
  for (let number = 0; number < files; number++) writeFileSync(join(house.deskFolder, `file ${number}`), `${number}`)
  await house.desk.done(['add', house.deskFolder, '--vault', vaultName, '--create'])
  await house.desk.done(['start'])
  await untilState(house.desk, 'up-to-date')
  await work({ ...house, scratch })
}

const pathStatus = (device: TestDevice, path: string): Promise<PathStatus> => device.json<PathStatus>(['status', path])

/** Why this test cannot be, where it cannot. */
const unless = (isSo: boolean, why: string) => (isSo ? {} : { skip: why })
const isRoot = process.getuid?.() === 0

suite('status', { concurrency: false }, () => {
  test('says up to date, and tells people so', { timeout: 120_000 }, () =>
    withDesk('well', 2, async ({ desk, deskFolder }) => {
      const { stdout } = await desk.done(['status'])
      assert.match(stdout, /^the daemon runs since .*, process \d+\n.*desk — photos: up to date\n/)
      assert.match(stdout, /\n {2}watching +yes\n {2}server +reached\n {2}same root as the vault +yes\n/)
      assert.equal((await pathStatus(desk, join(deskFolder, 'file 1'))).state, 'synced')
      assert.equal((await pathStatus(desk, join(deskFolder, 'nothing'))).state, 'unknown')
    }),
  )

  test('a root that was moved away, or replaced', { timeout: 120_000 }, () =>
    withDesk('root', 2, async (world) => {
      await linkLaptop(world)
      const { desk, deskFolder, laptopFolder } = world
      renameSync(deskFolder, `${deskFolder} away`)
      const gone = await untilState(desk, 'stopped')
      assert.match(gone.reason, /folder/)
      assert.equal((await pathStatus(desk, join(deskFolder, 'file 1'))).state, 'stopped')
      mkdirSync(deskFolder)
      assert.match((await untilState(desk, 'stopped')).reason, /empty of its marker/)
      rmSync(deskFolder, { recursive: true })
      renameSync(laptopFolder, deskFolder)
      assert.match((await untilState(desk, 'stopped')).reason, /marker of another link/)
      renameSync(deskFolder, laptopFolder)
      renameSync(`${deskFolder} away`, deskFolder)
      assert.equal((await untilState(desk, 'up-to-date')).files, 2)
    }),
  )

  test('a folder that cannot be read', { timeout: 120_000, ...unless(!isRoot, 'root may read everything') }, () =>
    withDesk('unreadable', 2, async ({ desk, deskFolder }) => {
      mkdirSync(join(deskFolder, 'closed'))
      writeFileSync(join(deskFolder, 'closed/inside'), 'x')
      await eventually(
        () => folderStatus(desk),
        ({ files, state }) => files === 3 && state === 'up-to-date',
      )
      chmodSync(join(deskFolder, 'closed'), 0o000)
      try {
        assert.match((await untilState(desk, 'troubled')).reason, /1 path could not be synced/)
        assert.equal((await pathStatus(desk, join(deskFolder, 'closed/inside'))).state, 'failed')
      } finally {
        chmodSync(join(deskFolder, 'closed'), 0o755)
      }
      await untilState(desk, 'up-to-date')
    }),
  )

  test('a server that is down', { timeout: 120_000 }, () =>
    withDesk('down', 2, async ({ desk, deskFolder, server }) => {
      await server.kill()
      const { server: seen, reason } = await untilState(desk, 'offline')
      assert.equal(seen?.isReached, false)
      assert.match(reason, /it is tried again by itself/)
      writeFileSync(join(deskFolder, 'new'), 'new')
      // While the server is tried again it is only waiting.
      const { state } = await eventually(
        () => pathStatus(desk, join(deskFolder, 'new')),
        ({ reason }) => reason.includes('the folder is offline'),
      )
      assert.equal(state, 'waiting')
      await server.start()
      await untilState(desk, 'up-to-date')
      await killDaemon(desk)
      await server.kill()
      appendFileSync(join(deskFolder, 'new'), 'er')
      assert.equal((await desk.run(['sync'])).exitCode, 1)
      assert.match((await untilState(desk, 'not-in-step')).reason, /^the last turn failed: /)
    }),
  )

  test('a server that takes the token no more', { timeout: 120_000 }, () =>
    withDesk('revoked', 2, async ({ desk, deskFolder, server }) => {
      await server.stop()
      using database = openServer(server.home)
      database.exec("update device set revoked_ms = 1 where name = 'desk'")
      await server.start()
      writeFileSync(join(deskFolder, 'new'), 'new')
      assert.match((await untilState(desk, 'stopped')).reason, /anysync login/)
    }),
  )

  test('deletions that wait for a person', { timeout: 120_000 }, () =>
    withDesk('deletions', 30, async (world) => {
      await linkLaptop(world)
      const { desk, deskFolder, laptop, laptopFolder } = world
      for (let number = 0; number < 30; number++) rmSync(join(deskFolder, `file ${number}`))
      const { waiting, reason } = await untilState(desk, 'waiting')
      assert.deepEqual(waiting, { deletions: 30, scrambled: 0, files: 30 })
      assert.match(reason, /^30 deletions of 30 files wait: .*anysync confirm/)
      assert.equal((await pathStatus(desk, join(deskFolder, 'file 3'))).state, 'held')
      const asked = await desk.run(['sync'])
      assert.equal(asked.exitCode, 3, described(asked))
      assert.match((await desk.done(['confirm'])).stdout, /30 deletions will go through now/)
      assert.equal((await untilState(desk, 'up-to-date')).files, 0)
      await laptop.done(['sync'])
      assert.equal(existsSync(join(laptopFolder, 'file 3')), false)
      assert.match((await desk.done(['confirm'])).stdout, /^nothing waits for a decision\n$/)
    }),
  )

  test('a file that is being written', { timeout: 120_000 }, () =>
    withDesk('busy', 1, async ({ desk, deskFolder }) => {
      const path = join(deskFolder, 'log')
      const writer = setInterval(() => appendFileSync(path, 'more '.repeat(1000)), 5)
      try {
        const { reason } = await eventually(
          () => pathStatus(desk, path),
          ({ state }) => state === 'being-written',
        )
        assert.match(reason, /./)
        assert.notEqual((await folderStatus(desk)).state, 'up-to-date')
      } finally {
        clearInterval(writer)
      }
      await untilState(desk, 'up-to-date')
      assert.equal((await pathStatus(desk, path)).state, 'synced')
    }),
  )

  test('a file on its way is told in per cent', { timeout: 180_000 }, () =>
    withDesk('travelling', 1, async ({ desk, deskFolder }) => {
      const path = join(deskFolder, 'large')
      const dice = new Dice('large')
      await desk.done(['pause'])
      for (let part = 0; part < 8; part++) appendFileSync(path, dice.bytes(32 * 1024 * 1024))
      await desk.done(['resume'])
      const seen = await eventually(
        () => pathStatus(desk, path),
        ({ state }) => state === 'uploading' || state === 'synced',
      )
      assert.equal(seen.state, 'uploading')
      assert.ok(seen.percent !== null && seen.percent <= 100)
      await untilState(desk, 'up-to-date')
    }),
  )

  test('what is not for syncing, and what cannot be here', { timeout: 120_000 }, () =>
    withDesk('not-synced', 1, async ({ desk, deskFolder }) => {
      const pipe = join(deskFolder, 'pipe')
      assert.equal(spawnSync('mkfifo', [pipe]).status, 0)
      const { reason } = await eventually(
        () => pathStatus(desk, pipe),
        ({ state }) => state === 'not-synced',
      )
      assert.match(reason, /neither file, folder nor symlink/)
      await untilState(desk, 'up-to-date')
      // A name that this system cannot store: as if another device had made one, the base says so.
      await desk.done(['stop'])
      using database = new DatabaseSync(join(desk.account(), 'state.db'))
      database.exec(`UPDATE nodes SET disk_kind = NULL, disk_inode = NULL, absence_kind = 'name',
        absence = 'this system cannot store the name' WHERE name = 'file 0'`)
      rmSync(join(deskFolder, 'file 0'))
      const absent = await pathStatus(desk, join(deskFolder, 'file 0'))
      assert.deepEqual([absent.state, absent.reason], ['not-here', 'this system cannot store the name'])
    }),
  )

  test('no daemon, and one that is killed', { timeout: 120_000 }, () =>
    withDesk('killed', 1, async ({ desk }) => {
      await killDaemon(desk)
      const { daemon, folders } = await statusOf(desk)
      assert.deepEqual([daemon.state, folders[0]?.state], ['none', 'in-step'])
      assert.match((await desk.done(['status'])).stdout, /^no daemon runs: `anysync start`/)
    }),
  )

  test('an alarm is shown before everything until it is confirmed', { timeout: 120_000 }, () =>
    withDesk('alarm', 1, async ({ desk, deskFolder }) => {
      const [id = ''] = readFileSync(join(deskFolder, '.anysync/marker'), 'utf8').split(' ')
      {
        using database = new DatabaseSync(join(desk.account(), 'state.db'))
        database.prepare('INSERT INTO facts VALUES (?, ?, ?)').run(id, 'alarm', '1795000000000000000 it went back')
      }
      const { alarm, reason } = await untilState(desk, 'stopped')
      assert.equal(alarm?.message, 'it went back')
      assert.match(reason, /^ALARM of 2026-.*: it went back \(`anysync confirm`/)
      assert.match((await desk.done(['confirm'])).stdout, /the alarm is over/)
      await untilState(desk, 'up-to-date')
    }),
  )

  test('a state database that was lost, or is damaged', { timeout: 120_000 }, () =>
    withDesk('lost', 1, async ({ desk, deskFolder }) => {
      await desk.done(['stop'])
      const database = join(desk.account(), 'state.db')
      renameSync(database, `${database} away`)
      assert.match((await desk.done(['status'])).stdout, /no folder is linked: link one with/)
      const named = await desk.run(['status', deskFolder])
      assert.equal(named.exitCode, 1)
      assert.match(named.stderr, /is not linked: no folder is linked/)
      for (const left of ['state.db', 'state.db-wal', 'state.db-shm'])
        rmSync(join(desk.account(), left), { force: true })
      writeFileSync(database, 'this is a letter to my aunt, '.repeat(200))
      const damaged = await desk.run(['status'])
      assert.equal(damaged.exitCode, 1)
      assert.match(damaged.stderr, /the state database is damaged: `anysync doctor --rebuild`/)
    }),
  )

  test('a system that watches no more', { timeout: 120_000 }, (t) =>
    withDesk('unwatched', 1, async ({ desk, deskFolder }) => {
      await desk.done(['stop'])
      mkdirSync(join(deskFolder, 'one/two/three'), { recursive: true })
      if (!startWithFewWatches(desk)) {
        t.diagnostic('watches cannot be made scarce for one process here: nothing was tested')
        return
      }
      const { watcher, reason } = await untilState(desk, 'unwatched')
      assert.equal(watcher?.isHealthy, false)
      assert.match(reason, /watche[sd]/)
    }),
  )
})

const openServer = (home: string): DatabaseSync => new DatabaseSync(join(home, 'server/anysync.db'))

/** In a namespace of its own a process may be given fewer watches than it has folders; false where that is not permitted. */
const startWithFewWatches = ({ home }: TestDevice): boolean => {
  const script = 'echo 2 > /proc/sys/user/max_inotify_watches && exec "$@"'
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', entries.anysync, 'start', '--home', home]
  const words = ['--user', '--map-root-user', 'sh', '-c', script, 'sh', ...command]
  return spawnSync('unshare', words, { env: environmentFor(home) }).status === 0
}

test('status of a disk that was taken out, and of one that is full', { timeout: 180_000 }, async (t) => {
  using scratch = makeScratch('status-disk')
  await using house = await makeHousehold(scratch)
  const { desk, laptop, laptopFolder } = house
  await using _daemons = daemonsOf(desk, laptop)
  using disk = mountSmallDisk(scratch, 'small', 8)
  if (disk === null) {
    t.diagnostic('this user may not mount a disk: nothing was tested')
    return
  }
  writeFileSync(join(disk.path, 'file'), 'x')
  await desk.done(['add', disk.path, '--vault', vaultName, '--create'])
  await desk.done(['start'])
  await untilState(desk, 'up-to-date')
  await laptop.done(['add', laptopFolder, '--vault', vaultName])
  await laptop.done(['sync'])
  writeFileSync(join(laptopFolder, 'too large'), new Dice('full').bytes(16 * 1024 * 1024))
  await laptop.done(['sync'])
  assert.match((await untilState(desk, 'stopped')).reason, /disk is full/)
  disk.resize(64)
  assert.equal((await untilState(desk, 'up-to-date')).files, 2)

  spawnSync('umount', ['--lazy', disk.path])
  assert.match((await untilState(desk, 'stopped')).reason, /marker/)
  await laptop.done(['sync'])
  assert.ok(existsSync(join(laptopFolder, 'file')))
})
