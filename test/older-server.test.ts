/**
 * A server that is put back to yesterday's copy. Devices know more of the log than it does: they raise an alarm and
 * delete nothing, and in the end the vault and both disks hold everything that was on any disk.
 */
import assert from 'node:assert/strict'
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { logIn, newDevice, type TestDevice } from './support/device.ts'
import { linkBoth, makeHousehold, sync, syncAll, vaultName, type Household } from './support/household.ts'
import { assertDone, described, type Result } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'
import { statusOf } from './support/status.ts'
import { assertSameTree, treeOf } from './support/tree.ts'

const limits = { timeout: 180_000 }
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

/** One turn after another on both, until neither has anything to do; every result is kept. */
const turnsUntilQuiet = async (devices: TestDevice[], roundsMax: number): Promise<Result[]> => {
  const results: Result[] = []
  for (let round = 0; round < roundsMax; round++) {
    for (const device of devices) results.push(await device.run(['sync', '--json']))
  }
  return results
}

const notYet = 'devices stop with an alarm, but do not bring the server what it lost yet'

test('a server put back to an older copy', limits, async (t) => {
  using scratch = makeScratch('older')
  await using house = await makeHousehold(scratch)
  const { desk, laptop, deskFolder, laptopFolder } = house
  plant(deskFolder)
  await linkBoth(house)
  await putBack(house, join(scratch.path, 'yesterday'))
  const trees = [treeOf(deskFolder), treeOf(laptopFolder)] as const

  await t.test('both devices raise an alarm and delete nothing', async () => {
    for (const device of [desk, laptop]) {
      const result = await device.run(['sync', '--json'])
      assert.match(result.stderr, alarm, described(result))
    }
    for (const [folder, tree] of [
      [deskFolder, trees[0]],
      [laptopFolder, trees[1]],
    ] as const) {
      const now = treeOf(folder)
      for (const [path, is] of tree) assert.equal(now.get(path), is, `${path} was touched`)
    }
  })

  await t.test('the status says so', { todo: 'the status knows only of turns that came to an end' }, async () => {
    for (const device of [desk, laptop]) {
      const { state, reason } = await statusOf(device)
      assert.notEqual(state, 'in-step')
      assert.match(reason, alarm)
    }
  })

  await t.test('in the end both disks and the vault hold everything', { todo: notYet }, async () => {
    const results = await turnsUntilQuiet([desk, laptop], 4)
    for (const result of results.slice(-2)) assertDone(result)
    await assertAllIsThere(house)
    const phone = newDevice(scratch, 'phone')
    const phoneFolder = scratch.folder('phone')
    assertDone(await logIn(phone, house.link, house.person))
    await phone.done(['add', phoneFolder, '--vault', vaultName])
    await sync(phone)
    assertSameTree(treeOf(phoneFolder), treeOf(deskFolder), 'a new device gets something else')
  })
})

const isThere = (folder: string, name: string) => () => existsSync(join(folder, name)) || null

/** What both had at the end of the day, and what each had not synced. */
const assertAllIsThere = async ({ deskFolder, laptopFolder }: Household): Promise<void> => {
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
}

test('a server put back to an older copy under running daemons', limits, async (t) => {
  using scratch = makeScratch('older')
  await using house = await makeHousehold(scratch)
  const { server, desk, laptop, deskFolder, laptopFolder } = house
  plant(deskFolder)
  await linkBoth(house)
  await putBack(house, join(scratch.path, 'yesterday'))
  await server.stop()
  const daemons = [desk, laptop].map((device) =>
    device.start(['start', '--foreground', '--json'], { timeoutMs: limits.timeout }),
  )
  const trees = [treeOf(deskFolder), treeOf(laptopFolder)] as const
  await server.start()

  await t.test('they raise an alarm and delete nothing', async () => {
    for (const daemon of daemons) await daemon.line(/"kind":"corrupt"|"event":"alarm"/)
    for (const path of trees[0].keys()) assert.ok(treeOf(deskFolder).has(path), `${path} is gone from the desk`)
    for (const path of trees[1].keys()) assert.ok(treeOf(laptopFolder).has(path), `${path} is gone from the laptop`)
  })

  await t.test('and bring it all back by themselves', { todo: notYet, timeout: 30_000 }, async () => {
    const [onDesk, onLaptop] = daemons
    await onDesk?.until(isThere(deskFolder, 'not synced yet, laptop'))
    await onLaptop?.until(isThere(laptopFolder, 'not synced yet, desk'))
    await assertAllIsThere(house)
  })

  for (const daemon of daemons) daemon.kill('SIGTERM')
  for (const daemon of daemons) assert.equal((await daemon.result).exitCode, 0)
})
