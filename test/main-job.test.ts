/**
 * The main job, with real processes and real files: everything that a person keeps goes up from one device, comes down
 * on another exactly as it was, and comes back when it was lost.
 */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ann, logIn, newDevice, signUp } from './support/device.ts'
import { Dice } from './support/dice.ts'
import { sync, syncAll, vaultName } from './support/household.ts'
import { assertDone } from './support/programs.ts'
import { plantOddities, plantRealFiles, setMtimeNs, writeLargeFile } from './support/real-files.ts'
import { makeScratch } from './support/scratch.ts'
import { startServer } from './support/server.ts'
import { stepsOf } from './support/steps.ts'
import { assertSameTree, treeOf, type Tree } from './support/tree.ts'

const filesMin = 20_000
const GiB = 1024 ** 3
const longMs = 300_000

test('a folder of 20,000 real files lives on two devices and survives both', { timeout: 900_000 }, async (t) => {
  const step = stepsOf(t)
  using scratch = makeScratch('main-job')
  await using server = await startServer(scratch)
  const [desk, laptop] = [newDevice(scratch, 'desk'), newDevice(scratch, 'laptop')]
  const [deskFolder, laptopFolder] = [scratch.folder('desk'), scratch.folder('laptop')]
  const here = (path: string) => join(deskFolder, path)
  const there = (path: string) => join(laptopFolder, path)
  let link = ''
  /** The tree that both have. */
  const assertSame = (): Tree => {
    const tree = treeOf(deskFolder)
    assertSameTree(treeOf(laptopFolder), tree, 'the laptop differs from the desk')
    return tree
  }
  let planted: Tree = new Map()
  let wanted: Tree = new Map()

  await step('a person plants thousands of real files and all that is odd', async () => {
    const dice = new Dice('main job')
    t.diagnostic(`${plantRealFiles(here('real'), filesMin)} real files`)
    await plantOddities(here('odd'), dice)
    writeLargeFile(here('one gibibyte'), GiB, dice)
  })

  await step('sign up, link the folder, and all of it goes up', async () => {
    link = await server.invite()
    assertDone(await signUp(desk, link, ann))
    planted = treeOf(deskFolder)
    await desk.done(['add', deskFolder, '--vault', vaultName, '--create'], { timeoutMs: longMs })
    const report = await sync(desk, longMs)
    assert.deepEqual(report.troubles, [])
  })

  await step('a second device, with the password alone, gets an identical tree', async () => {
    assertDone(await logIn(laptop, link, ann))
    await laptop.done(['add', laptopFolder, '--vault', vaultName], { timeoutMs: longMs })
    const report = await sync(laptop, longMs)
    assert.deepEqual(report.troubles, [])
    assertSameTree(assertSame(), planted, 'pushing or pulling changed something')
  })

  await step('another turn does nothing', async () => {
    for (const device of [desk, laptop]) {
      const { pushed, pulled, bytesUploaded } = await sync(device)
      assert.deepEqual([pushed, pulled].map(Object.values), [Array(5).fill(0), Array(5).fill(0)])
      assert.equal(bytesUploaded, 0)
    }
  })

  await step('edits on both sides travel both ways', async () => {
    appendFileSync(here('odd/names/with space'), ' and more')
    chmodSync(here('odd/modes/640'), 0o600)
    renameSync(here('real/copy 0'), here('real/renamed on the desk'))
    rmSync(here('odd/folders'), { recursive: true })
    mkdirSync(here('new on the desk/a/b'), { recursive: true })
    writeFileSync(here('new on the desk/a/b/file'), 'from the desk')
    await setMtimeNs(here('odd/sizes/65536'), 1_555_555_555_555_555_555n)

    writeFileSync(there('odd/names/UPPER'), 'edited on the laptop')
    unlinkSync(there('odd/names/upper'))
    symlinkSync('UPPER', there('odd/names/link from the laptop'))
    renameSync(there('odd/sizes/5000001'), there('moved on the laptop'))
    unlinkSync(there('odd/symlinks/absolute'))
    symlinkSync('/etc/hosts', there('odd/symlinks/absolute'))
    writeFileSync(there('odd/🎉 new on the laptop'), 'from the laptop', { mode: 0o600 })

    const uploaded = [await sync(desk), await sync(laptop), await sync(desk)].map((report) => report.bytesUploaded)
    const sum = uploaded.reduce((total, bytes) => total + bytes, 0)
    assert.ok(sum < 10_000_000, `a few small edits and renames uploaded ${sum} bytes`)
    assertSame()
    assert.equal(readFileSync(there('odd/names/with space'), 'utf8'), 'this is with space and more')
    assert.equal(readFileSync(here('odd/names/UPPER'), 'utf8'), 'edited on the laptop')
    for (const path of ['odd/folders', 'real/copy 0', 'odd/names/upper', 'odd/sizes/5000001']) {
      assert.ok(!existsSync(here(path)) && !existsSync(there(path)), `${path} is still there`)
    }
  })

  await step('one file edited on both sides is kept in both versions on both devices', async () => {
    const [deskText, laptopText] = ['the version of the desk', 'the version of the laptop, which came second']
    writeFileSync(here('odd/names/.hidden'), deskText)
    writeFileSync(there('odd/names/.hidden'), laptopText)
    await sync(desk)
    const { conflicts } = await sync(laptop)
    await sync(desk)
    assert.equal(conflicts.length, 1)
    assert.match(conflicts[0] ?? '', /^odd\/names\/\.hidden \(conflict laptop \d{4}-\d\d-\d\d \d{6}\)$/)
    assertSame()
    for (const folder of [deskFolder, laptopFolder]) {
      assert.equal(readFileSync(join(folder, 'odd/names/.hidden'), 'utf8'), deskText)
      assert.equal(readFileSync(join(folder, conflicts[0] ?? ''), 'utf8'), laptopText)
    }
  })

  await step('a deleted file disappears, and restore brings it back identical', async () => {
    const [before] = treeOf(there('odd/times'))
    const { sequence } = await sync(laptop)
    rmSync(here('odd/times'), { recursive: true })
    await syncAll(desk, laptop)
    assert.ok(!existsSync(there('odd/times')))
    wanted = assertSame()

    const target = scratch.folder('restored')
    await laptop.done(['restore', there('odd/times'), '--at', String(sequence), '--to', target])
    assert.deepEqual(treeOf(target).get(`times/${before?.[0]}`), before?.[1])
    await laptop.done(['restore', there('odd/times/3'), '--at', String(sequence), '--to', scratch.folder('one file')])
    assert.equal([...treeOf(join(scratch.path, 'one file')).values()][0], treeOf(target).get('times/3'))
  })

  await step('master.keys and the password alone recover everything on an empty home', async () => {
    const masterKeys = join(scratch.path, 'a copy of master.keys')
    copyFileSync(join(desk.account(), 'master.keys'), masterKeys)
    // The desk is lost; what is left of it is one small file.
    for (const path of [desk.home, deskFolder]) rmSync(path, { recursive: true })
    const phone = newDevice(scratch, 'phone')
    const phoneFolder = scratch.folder('phone')
    assertDone(await logIn(phone, link, ann, ['--master-keys', masterKeys]))
    await phone.done(['add', phoneFolder, '--vault', vaultName], { timeoutMs: longMs })
    await sync(phone, longMs)
    assertSameTree(treeOf(phoneFolder), wanted)
    assert.deepEqual(readdirSync(join(phoneFolder, '.anysync/tmp')), [])
  })
})
