/**
 * A doctor finds what is wrong on a device and with its server, and a state that was damaged or lost is built again, from
 * the server and from the packs alone, without a file being deleted, changed or made twice. With the real programs.
 */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { daemonsOf, untilState } from './support/daemon.ts'
import type { TestDevice } from './support/device.ts'
import { Dice } from './support/dice.ts'
import { linkBoth, makeHousehold, sync, vaultName, type Household } from './support/household.ts'
import { described } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'
import { filesBelow } from './support/server.ts'
import { assertSameTree, treeOf } from './support/tree.ts'

type Finding = { what: string; isWell: boolean; message: string; advice: string | null }
type Examined = { isWell: boolean; findings: Finding[] }
type Rebuilt = {
  kept: string | null
  folders: { folder: string; mode: string }[]
  vaults: {
    sequence: number
    rebuilt: { packsRead: number; recordsWithoutIndex: number; unreadable: unknown[] } | null
    isWhole: boolean | null
    checkpoint: number | null
    head: Finding | null
  }[]
}

const limits = { timeout: 300_000 }

const examine = async (device: TestDevice): Promise<{ exitCode: number | null; wrong: Finding[] }> => {
  const result = await device.run(['doctor', '--json'])
  const { isWell, findings } = JSON.parse(result.stdout) as Examined
  assert.equal(isWell, result.exitCode === 0, described(result))
  assert.equal(
    isWell,
    findings.every((finding) => finding.isWell),
    described(result),
  )
  return { exitCode: result.exitCode, wrong: findings.filter((finding) => !finding.isWell) }
}

const rebuild = (device: TestDevice, ...words: string[]) => device.json<Rebuilt>(['doctor', '--rebuild', ...words])

const stateOf = (device: TestDevice): string => join(device.account(), 'state.db')

/** Damages the pages behind the first ones, as a failing disk does. */
const spoil = (file: string): void => {
  for (const rest of ['-wal', '-shm']) rmSync(file + rest, { force: true })
  const bytes = readFileSync(file)
  new Dice('spoil').bytes(4096 * 4).copy(bytes, bytes.length - 4096 * 6)
  writeFileSync(file, bytes)
}

const plant = (folder: string): void => {
  const dice = new Dice('doctor')
  mkdirSync(join(folder, 'sub'))
  for (let number = 0; number < 40; number++) writeFileSync(join(folder, `sub/file ${number}`), dice.bytes(3000))
  writeFileSync(join(folder, 'large'), dice.bytes(900_000))
}

/** Nothing to do, on this device and on the other, and both have all files. */
const assertNothingMoves = async ({ desk, laptop, deskFolder, laptopFolder }: Household): Promise<void> => {
  for (const device of [desk, laptop]) {
    const { pulled, pushed, conflicts } = await sync(device)
    assert.deepEqual([...Object.values(pulled), ...Object.values(pushed)], Array(10).fill(0))
    assert.deepEqual(conflicts, [])
  }
  assertSameTree(treeOf(deskFolder), treeOf(laptopFolder))
}

test('the doctor finds nothing where all is well, and says of each thing what is wrong with it', limits, async (t) => {
  using scratch = makeScratch('doctor')
  await using house = await makeHousehold(scratch)
  const { server, desk, deskFolder } = house
  plant(deskFolder)
  await linkBoth(house)

  await t.test('all is well', async () => {
    assert.deepEqual(await examine(desk), { exitCode: 0, wrong: [] })
    const { stdout } = await desk.done(['doctor'])
    assert.match(stdout, /^right {2}access\.keys .*\n(right .*\n)+all is well\n$/)
    assert.match(stdout, /right {2}clock +the same time/)
    assert.match(stdout, /right {2}vault 'photos' +at record \d+, like the server/)
    assert.equal((await desk.run(['doctor', deskFolder])).exitCode, 2)
  })

  const finds = async (what: RegExp, message: RegExp) => {
    const { exitCode, wrong } = await examine(desk)
    assert.deepEqual([exitCode, wrong.length], [1, 1], JSON.stringify(wrong))
    assert.match(wrong[0]?.what ?? '', what)
    assert.match(`${wrong[0]?.message}: ${wrong[0]?.advice}`, message)
  }

  await t.test('a folder that is away', async () => {
    renameSync(deskFolder, `${deskFolder}-away`)
    await finds(/^folder/, /not mounted/)
    renameSync(`${deskFolder}-away`, deskFolder)
  })

  await t.test('keys that others can read, or that are damaged', async () => {
    chmodSync(join(desk.account(), 'access.keys'), 0o644)
    await finds(/access\.keys/, /chmod 600/)
    chmodSync(join(desk.account(), 'access.keys'), 0o600)
    const file = join(desk.account(), 'master.keys')
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.subarray(5))
    await finds(/master\.keys/, /log in again/)
    writeFileSync(file, bytes)
  })

  await t.test('a server that is away, and one that shows less than was seen', async () => {
    await server.stop()
    await finds(/^server/, /127\.0\.0\.1/)
    await server.start()
    const file = stateOf(desk)
    const copy = readFileSync(file)
    {
      using database = new DatabaseSync(file)
      database.exec(
        'INSERT INTO records SELECT vault, sequence + 1, hash, record FROM records ORDER BY sequence DESC LIMIT 1',
      )
    }
    await finds(/^vault 'photos'/, /this device has seen \d+: ask who runs the server/)
    for (const rest of ['-wal', '-shm']) rmSync(file + rest, { force: true })
    writeFileSync(file, copy)
    assert.equal((await examine(desk)).exitCode, 0)
  })

  await t.test('a state that is damaged or gone', async () => {
    const file = stateOf(desk)
    spoil(file)
    await finds(/state database/, /damaged: .*anysync doctor --rebuild/)
    renameSync(file, `${file}.away`)
    await finds(/state database/, /not there: run `anysync doctor --rebuild`, followed by the folders/)
  })
})

test('a state that is damaged or lost is built again, and no file is touched', limits, async (t) => {
  using scratch = makeScratch('doctor-rebuild')
  await using house = await makeHousehold(scratch)
  const { desk, laptop, deskFolder, laptopFolder } = house
  await using _daemons = daemonsOf(desk, laptop)
  plant(deskFolder)
  await linkBoth(house)
  const before = treeOf(deskFolder)
  const keptStates = () => readdirSync(desk.account()).filter((name) => /^state\.db\.kept-\w+(-\d+)?$/.test(name))

  await t.test('beside a daemon it is refused, and nothing was moved', async () => {
    await desk.done(['start'])
    await untilState(desk, 'up-to-date')
    const { exitCode, stderr } = await desk.run(['doctor', '--rebuild'])
    assert.deepEqual([exitCode, /anysync stop/.test(stderr)], [1, true], stderr)
    assert.deepEqual(keptStates(), [])
    await desk.done(['stop'])
  })

  await t.test('without the server it is refused, and nothing was moved', async () => {
    await house.server.stop()
    assert.equal((await desk.run(['doctor', '--rebuild'])).exitCode, 1)
    assert.deepEqual(keptStates(), [])
    await house.server.start()
  })

  await t.test('a damaged one: the links are read from it, and it is kept', async () => {
    const damaged = (spoil(stateOf(desk)), readFileSync(stateOf(desk)))
    const { kept, folders, vaults } = await rebuild(desk)
    assert.deepEqual(
      folders.map(({ folder, mode }) => [folder, mode]),
      [[deskFolder, 'sync']],
    )
    assert.deepEqual([vaults.length, vaults[0]?.rebuilt], [1, null])
    assert.deepEqual(readFileSync(kept ?? ''), damaged)
    assertSameTree(treeOf(deskFolder), before)
    await assertNothingMoves(house)
    assertSameTree(treeOf(deskFolder), before)
    assert.equal((await examine(desk)).exitCode, 0)
  })

  await t.test('a lost one: the folder is named, and its marker says vault and mode', async () => {
    await desk.done(['vault', 'create', 'another'])
    await desk.done(['config', 'set', 'mode', 'backup', '--folder', deskFolder])
    for (const rest of ['', '-wal', '-shm']) rmSync(stateOf(desk) + rest, { force: true })
    writeFileSync(join(laptopFolder, 'from the laptop'), 'x')
    await sync(laptop)
    const { kept, folders } = await rebuild(desk, deskFolder)
    assert.deepEqual([kept, folders.map(({ folder, mode }) => [folder, mode])], [null, [[deskFolder, 'backup']]])
    await desk.done(['config', 'set', 'mode', 'sync', '--folder', deskFolder])
    assert.equal((await sync(desk)).pulled.files, 1)
    await assertNothingMoves(house)
  })

  await t.test(
    'one that is nothing any more, with an edit made since: the edit is sent, nothing is doubled',
    async () => {
      writeFileSync(join(deskFolder, 'new'), 'new')
      for (const rest of ['-wal', '-shm']) rmSync(stateOf(desk) + rest, { force: true })
      writeFileSync(stateOf(desk), new Dice('garbage').bytes(50_000))
      const result = await desk.run(['sync'])
      assert.match(result.stderr, /anysync doctor --rebuild/)
      await rebuild(desk, deskFolder)
      assert.equal((await sync(desk)).pushed.files, 1)
      await sync(laptop)
      await assertNothingMoves(house)
      assert.equal(treeOf(deskFolder).size, before.size + 2)
    },
  )

  await t.test('a marker that names no vault needs to be told which; a folder without one is not linked', async () => {
    const marker = join(deskFolder, '.anysync/marker')
    writeFileSync(marker, readFileSync(marker, 'utf8').split(' ')[0] ?? '')
    rmSync(stateOf(desk))
    const vague = await desk.run(['doctor', '--rebuild', deskFolder])
    assert.deepEqual([vague.exitCode, /several vaults.*--vault/.test(vague.stderr)], [1, true], vague.stderr)
    const stranger = scratch.folder('stranger')
    const refused = await desk.run(['doctor', '--rebuild', stranger])
    assert.deepEqual([refused.exitCode, /no marker/.test(refused.stderr)], [1, true], refused.stderr)
    const away = await desk.run(['doctor', '--rebuild', join(stranger, 'away')])
    assert.deepEqual([away.exitCode, /away is no folder, or its disk/.test(away.stderr)], [1, true], away.stderr)
    assert.equal(existsSync(stateOf(desk)), false)
    await rebuild(desk, deskFolder, '--vault', vaultName)
    await assertNothingMoves(house)
  })
})

test('where the server lost its indexes too, the packs say what they hold', limits, async () => {
  using scratch = makeScratch('doctor-packs')
  await using house = await makeHousehold(scratch)
  const { server, desk, laptop, deskFolder, laptopFolder } = house
  mkdirSync(join(deskFolder, 'many'))
  const dice = new Dice('many')
  for (let number = 0; number < 2200; number++)
    writeFileSync(join(deskFolder, 'many', `file ${number}`), dice.bytes(40))
  await linkBoth(house)
  const before = treeOf(deskFolder)
  const packs = () => filesBelow(join(server.home, 'objects')).filter((path) => /[0-9a-f]{64}$/.test(path))
  const indexes = indexPacksOf(desk)
  assert.ok(indexes.length > 0)
  for (const path of packs()) if (indexes.some((pack) => path.endsWith(pack))) rmSync(path)
  spoil(stateOf(laptop))
  const { vaults } = await rebuild(laptop)
  const [report] = vaults
  assert.deepEqual([report?.rebuilt?.recordsWithoutIndex, report?.isWhole], [1, true])
  assert.ok((report?.rebuilt?.packsRead ?? 0) > 0)
  assert.ok(report?.checkpoint !== null)
  await assertNothingMoves(house)
  assertSameTree(treeOf(laptopFolder), before)
  writeFileSync(join(laptopFolder, 'after'), 'x')
  await sync(laptop)
  assert.equal((await sync(desk)).pulled.files, 1)
})

/** Names of the packs that hold an index, as the device knows them. */
const indexPacksOf = (device: TestDevice): string[] => {
  using database = new DatabaseSync(stateOf(device), { readOnly: true })
  const rows = database
    .prepare('SELECT DISTINCT packs.id FROM packs JOIN chunks ON chunks.pack = packs.ref WHERE kind = 4')
    .all()
  return rows.map(({ id }) => Buffer.from(id as Uint8Array).toString('hex'))
}
