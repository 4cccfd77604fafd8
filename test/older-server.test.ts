/**
 * A server that is put back to yesterday's copy. Devices know more of the log than it does: they raise an alarm and
 * delete nothing, and in the end the vault and both disks hold everything that was on any disk.
 */
import assert from 'node:assert/strict'
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { logIn, newDevice } from './support/device.ts'
import { linkBoth, makeHousehold, sync, syncAll, vaultName, type Household } from './support/household.ts'
import { assertDone } from './support/programs.ts'
import { makeScratch, type Scratch } from './support/scratch.ts'
import { statusOf } from './support/status.ts'
import { assertSameTree, differences, treeOf, type Tree } from './support/tree.ts'

const limits = { timeout: 180_000 }
const lookAgainMs = 300
const alarm = /older|history|alarm|restored|put back/i

const plant = (folder: string): void => {
  for (const below of ['', 'letters', 'photos']) {
    mkdirSync(join(folder, below), { recursive: true })
    for (let index = 0; index < 8; index++) writeFileSync(join(folder, below, `file ${index}`), `${below} ${index}`)
  }
}

/**
 * Yesterday's copy is made, both devices go on for a day, each has an edit that it has not synced yet, and the server
 * is put back.
 */
const putBack = async ({ server, desk, laptop, deskFolder, laptopFolder }: Household, copy: string): Promise<void> => {
  await server.stop()
  cpSync(server.home, copy, { recursive: true, preserveTimestamps: true })
  await server.start()
  appendFileSync(join(deskFolder, 'letters/file 1'), ', edited today on the desk')
  writeFileSync(join(deskFolder, 'photos/new from the desk'), 'made today')
  await syncAll(desk, laptop)
  appendFileSync(join(laptopFolder, 'letters/file 2'), ', edited today on the laptop')
  renameSync(join(laptopFolder, 'photos/file 3'), join(laptopFolder, 'letters/moved today'))
  rmSync(join(laptopFolder, 'file 7'))
  await syncAll(laptop, desk)
  writeFileSync(join(deskFolder, 'not synced yet, desk'), 'only on the desk')
  writeFileSync(join(laptopFolder, 'not synced yet, laptop'), 'only on the laptop')
  await server.stop()
  renameSync(server.home, `${server.home} of today`)
  renameSync(copy, server.home)
  await server.start()
}

const turnsUntilQuietMax = 4

const mustHold = (folder: string, tree: Tree): void => {
  const now = treeOf(folder)
  for (const [path, is] of tree) if (is.startsWith('file ')) assert.equal(now.get(path), is, `${path} was touched`)
}

/** Both tell a person, until a person says that it was seen. */
const assertAlarm = async ({ desk, laptop }: Household): Promise<void> => {
  for (const device of [desk, laptop]) {
    const { state, reason } = await statusOf(device)
    assert.notEqual(state, 'in-step')
    assert.match(reason, alarm)
  }
}

/** What both had at the end of the day, and what each had not synced, on both disks and in the vault. */
const assertAllIsThere = async (house: Household, scratch: Scratch): Promise<void> => {
  const { deskFolder, laptopFolder } = house
  const tree = treeOf(deskFolder)
  assertSameTree(treeOf(laptopFolder), tree)
  const texts: Record<string, RegExp> = {
    'letters/file 1': /edited today on the desk/,
    'letters/file 2': /edited today on the laptop/,
    'letters/moved today': /^photos 3$/,
    'photos/new from the desk': /^made today$/,
    'not synced yet, desk': /^only on the desk$/,
    'not synced yet, laptop': /^only on the laptop$/,
  }
  for (const [path, text] of Object.entries(texts)) assert.match(readFileSync(join(deskFolder, path), 'utf8'), text)
  for (const below of ['', 'letters', 'photos']) {
    for (let index = 0; index < 7; index++) {
      const path = join(below, `file ${index}`)
      if (path !== 'photos/file 3') assert.ok(tree.has(path), `${path} is gone`)
    }
  }
  const phone = newDevice(scratch, 'phone')
  const phoneFolder = scratch.folder('phone')
  assertDone(await logIn(phone, house.link, house.person))
  await phone.done(['add', phoneFolder, '--vault', vaultName])
  await sync(phone)
  assertSameTree(treeOf(phoneFolder), tree, 'a new device gets something else')
}

test('a server put back to an older copy', limits, async (t) => {
  using scratch = makeScratch('older')
  await using house = await makeHousehold(scratch)
  const { desk, laptop, deskFolder, laptopFolder } = house
  plant(deskFolder)
  await linkBoth(house)
  await putBack(house, join(scratch.path, 'yesterday'))
  const trees = [treeOf(deskFolder), treeOf(laptopFolder)] as const

  await t.test('has nothing deleted by the first turn of either device', async () => {
    for (const device of [desk, laptop]) await device.run(['sync', '--json'])
    mustHold(deskFolder, trees[0])
    mustHold(laptopFolder, trees[1])
  })

  await t.test('and a person is told', () => assertAlarm(house))

  await t.test('in the end both disks and the vault hold everything', async () => {
    for (let round = 0; round < turnsUntilQuietMax; round++) {
      for (const device of [desk, laptop]) assertDone(await device.run(['sync', '--json']))
    }
    for (const device of [desk, laptop]) {
      const { pulled, pushed } = await sync(device)
      assert.deepEqual([...Object.values(pulled), ...Object.values(pushed)], Array(10).fill(0))
    }
    mustHold(deskFolder, trees[0])
    mustHold(laptopFolder, trees[1])
    await assertAllIsThere(house, scratch)
  })
})

const isThere = (folder: string, name: string) => () => existsSync(join(folder, name)) || null

test('a server put back to an older copy under running daemons', limits, async (t) => {
  using scratch = makeScratch('older')
  await using house = await makeHousehold(scratch)
  const { server, desk, laptop, deskFolder, laptopFolder } = house
  plant(deskFolder)
  await linkBoth(house)
  await putBack(house, join(scratch.path, 'yesterday'))
  const trees = [treeOf(deskFolder), treeOf(laptopFolder)] as const
  await server.stop()
  const follow = (device: typeof desk) =>
    device.start(['start', '--foreground', '--json'], { timeoutMs: limits.timeout })
  const [onDesk, onLaptop] = [follow(desk), follow(laptop)]
  await server.start()

  await t.test('gets everything back by itself, and nothing is deleted', async () => {
    await onDesk.until(isThere(deskFolder, 'not synced yet, laptop'))
    await onLaptop.until(isThere(laptopFolder, 'not synced yet, desk'))
    // Whatever they say of the alarm meanwhile.
    while (differences(treeOf(laptopFolder), treeOf(deskFolder)).length > 0) await wait(lookAgainMs)
    mustHold(deskFolder, trees[0])
    mustHold(laptopFolder, trees[1])
    await assertAllIsThere(house, scratch)
  })

  await t.test('and a person is told', () => assertAlarm(house))

  for (const daemon of [onDesk, onLaptop]) daemon.kill('SIGTERM')
  for (const daemon of [onDesk, onLaptop]) assert.equal((await daemon.result).exitCode, 0)
})
