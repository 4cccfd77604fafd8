/**
 * Disks that are taken out: of a linked folder, or of a folder in it. Absence is not deletion, so nothing is deleted
 * anywhere, the status says why nothing happens, and when the disk is back everything goes on.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { linkBoth, makeHousehold, reportOf, sync, type Household } from './support/household.ts'
import { documentsOf, type Running } from './support/programs.ts'
import { pluggableDisk, type PluggableDisk } from './support/plug.ts'
import { makeScratch, type Scratch } from './support/scratch.ts'
import { inStep, statusOf } from './support/status.ts'
import { assertSameTree, treeOf, type Tree } from './support/tree.ts'

const limits = { timeout: 120_000 }
const notPermitted = 'mounting is not permitted here'
const inStepMsMax = 60_000

const plant = (folder: string): void => {
  for (const below of ['', 'letters', 'photos']) {
    mkdirSync(join(folder, below), { recursive: true })
    for (let index = 0; index < 8; index++) writeFileSync(join(folder, below, `file ${index}`), `${below} ${index}`)
  }
}

type Unpluggable = AsyncDisposable & {
  scratch: Scratch
  house: Household
  disk: PluggableDisk
  /** What both had when the disk was still in. */
  intact: Tree
}

/** The desk's folder lies on a disk of its own. */
const makeUnpluggable = async (t: TestContext): Promise<Unpluggable | null> => {
  await using stack = new AsyncDisposableStack()
  const scratch = stack.use(makeScratch('unplugged'))
  const disk = pluggableDisk(scratch, 'disk')
  if (disk === null) {
    t.skip(notPermitted)
    return null
  }
  stack.use(disk)
  const house = stack.use(await makeHousehold(scratch))
  disk.plugIn(house.deskFolder)
  plant(house.deskFolder)
  await linkBoth(house)
  const intact = treeOf(house.laptopFolder)
  const held = stack.move()
  return { scratch, house, disk, intact, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

/** The other device finds the vault as it was. */
const assertUntouched = async ({ house, intact, disk }: Unpluggable): Promise<void> => {
  const { pulled } = await sync(house.laptop)
  assert.equal(pulled.removed, 0)
  assertSameTree(treeOf(house.laptopFolder), intact, 'the other device lost something')
  assertSameTree(treeOf(disk.path), intact, 'the disk that was taken out was written to')
}

const assertStopped = async ({ house }: Unpluggable): Promise<void> => {
  const { state, reason } = await statusOf(house.desk)
  assert.equal(state, 'stopped')
  assert.match(reason, /unmounted|not there/)
}

test('a linked folder whose disk is taken out, and plain turns', limits, async (t) => {
  await using all = await makeUnpluggable(t)
  if (all === null) return
  const { scratch, house, disk } = all
  const { desk, laptop, deskFolder, laptopFolder } = house
  const turnMustStop = async () => {
    const result = await desk.run(['sync', '--json'])
    assert.equal(result.exitCode, 1)
    assert.match(result.stderr, /Nothing was deleted anywhere/)
  }

  await t.test('deletes nothing, and says why', async () => {
    await disk.takeOut(deskFolder)
    assert.deepEqual(readdirSync(deskFolder), [])
    await turnMustStop()
    await assertStopped(all)
    await assertUntouched(all)
    assert.deepEqual(readdirSync(deskFolder), [], 'the empty mount point was written to')
  })

  await t.test('goes on when it is back, with what both did meanwhile', async () => {
    appendFileSync(join(disk.path, 'letters/file 1'), ', edited on the disk')
    appendFileSync(join(laptopFolder, 'photos/file 1'), ', edited on the laptop')
    await sync(laptop)
    disk.plugIn(deskFolder)
    await sync(desk)
    await sync(laptop)
    assert.match(readFileSync(join(laptopFolder, 'letters/file 1'), 'utf8'), /edited on the disk/)
    assert.match(readFileSync(join(deskFolder, 'photos/file 1'), 'utf8'), /edited on the laptop/)
    all.intact = treeOf(laptopFolder)
    assertSameTree(treeOf(deskFolder), all.intact)
  })

  await t.test('another disk in its place, empty or with files but no marker, is left alone', async () => {
    await disk.takeOut(deskFolder)
    using other = pluggableDisk(scratch, 'other disk')
    assert.ok(other)
    other.plugIn(deskFolder)
    await turnMustStop()
    await assertStopped(all)
    await assertUntouched(all)
    plant(other.path)
    writeFileSync(join(other.path, 'a stranger'), 'of another disk')
    const strange = treeOf(other.path)
    await turnMustStop()
    await assertStopped(all)
    await assertUntouched(all)
    assert.ok(!existsSync(join(laptopFolder, 'a stranger')))
    assertSameTree(treeOf(other.path), strange, 'the other disk was written to')
    await other.takeOut(deskFolder)
    disk.plugIn(deskFolder)
    await sync(desk)
    assertSameTree(treeOf(deskFolder), all.intact)
  })
})

const daemonOptions = { timeoutMs: 120_000 }

/** Both devices follow; the laptop's daemon shows what travels. */
const followBoth = async ({ desk, laptop }: Household): Promise<{ onDesk: Running; onLaptop: Running }> => {
  const onDesk = desk.start(['start', '--foreground', '--json'], daemonOptions)
  const onLaptop = laptop.start(['start', '--foreground', '--json'], daemonOptions)
  for (const daemon of [onDesk, onLaptop]) await daemon.line(/"event":"turn"/)
  return { onDesk, onLaptop }
}

const hasText = (folder: string, path: string, text: string) => () =>
  (existsSync(join(folder, path)) && readFileSync(join(folder, path), 'utf8').includes(text)) || null

test('a linked folder whose disk is taken out under a running daemon', limits, async (t) => {
  await using all = await makeUnpluggable(t)
  if (all === null) return
  const { scratch, house, disk } = all
  const { desk, laptop, deskFolder, laptopFolder } = house
  const { onDesk, onLaptop } = await followBoth(house)

  await t.test('deletes nothing, and says why', async () => {
    await disk.takeOut(deskFolder)
    // Somebody else's edit wakes the daemon, which must not take the empty folder for what it followed.
    appendFileSync(join(laptopFolder, 'photos/file 2'), ', edited on the laptop')
    await onDesk.line(/"event":"trouble".*Nothing was deleted anywhere/)
    await assertStopped(all)
    assert.deepEqual(readdirSync(deskFolder), [], 'the empty mount point was written to')
  })

  await t.test('goes on by itself when it is back', async () => {
    appendFileSync(join(disk.path, 'letters/file 2'), ', edited on the disk')
    disk.plugIn(deskFolder)
    await onDesk.until(hasText(deskFolder, 'photos/file 2', 'edited on the laptop'))
    await onLaptop.until(hasText(laptopFolder, 'letters/file 2', 'edited on the disk'))
    const { isSo, statuses } = await inStep([desk, laptop], inStepMsMax)
    assert.ok(isSo, JSON.stringify(statuses))
    assertSameTree(treeOf(deskFolder), treeOf(laptopFolder))
    assert.equal(treeOf(deskFolder).size, all.intact.size)
  })

  await t.test('an empty disk in its place deletes nothing', async () => {
    const before = treeOf(laptopFolder)
    await disk.takeOut(deskFolder)
    using other = pluggableDisk(scratch, 'other disk')
    assert.ok(other)
    other.plugIn(deskFolder)
    writeFileSync(join(deskFolder, 'a stranger'), 'of another disk')
    await assertStopped(all)
    appendFileSync(join(laptopFolder, 'photos/file 3'), ', edited on the laptop')
    await onLaptop.line(/"pushed":\{"files":1/)
    await assertStopped(all)
    assert.deepEqual(readdirSync(deskFolder), ['a stranger'])
    assert.ok([...before.keys()].every((path) => existsSync(join(laptopFolder, path))))
    await other.takeOut(deskFolder)
    disk.plugIn(deskFolder)
    await onDesk.until(hasText(deskFolder, 'photos/file 3', 'edited on the laptop'))
    assert.deepEqual([...treeOf(laptopFolder).keys()], [...before.keys()])
  })

  // As it is after a real unmount: nothing of what was watched is there any more.
  await disk.takeOut(deskFolder)
  using copy = pluggableDisk(scratch, 'copy')
  assert.ok(copy)
  assert.equal(spawnSync('cp', ['--archive', `${disk.path}/.`, copy.path]).status, 0)
  copy.plugIn(deskFolder)

  await t.test('a disk with the same files but all other inodes gets what others do', async () => {
    appendFileSync(join(laptopFolder, 'photos/file 4'), ', edited on the laptop')
    await onDesk.until(hasText(deskFolder, 'photos/file 4', 'edited on the laptop'))
  })

  await t.test('and is watched again at once', { timeout: 15_000 }, async () => {
    appendFileSync(join(deskFolder, 'letters/file 4'), ', edited on the copy')
    await onLaptop.until(hasText(laptopFolder, 'letters/file 4', 'edited on the copy'))
  })

  for (const daemon of [onDesk, onLaptop]) daemon.kill('SIGTERM')
  for (const daemon of [onDesk, onLaptop]) assert.equal((await daemon.result).exitCode, 0)
})

test('a folder that is bound below the linked one, from the same disk, gets what others do', limits, async (t) => {
  using scratch = makeScratch('bound')
  const elsewhere = scratch.folder('elsewhere')
  await using house = await makeHousehold(scratch)
  const { desk, laptop, deskFolder, laptopFolder } = house
  const place = join(deskFolder, 'bound')
  mkdirSync(place)
  if (spawnSync('mount', ['--bind', elsewhere, place]).status !== 0) {
    t.skip(notPermitted)
    return
  }
  using _bound = { [Symbol.dispose]: () => void spawnSync('umount', ['--lazy', place]) }
  plant(place)
  await linkBoth(house)
  appendFileSync(join(laptopFolder, 'bound/letters/file 1'), ', edited on the laptop')
  await sync(laptop)
  await sync(desk)
  assert.match(readFileSync(join(elsewhere, 'letters/file 1'), 'utf8'), /edited on the laptop/)
  await sync(desk)
  assertSameTree(treeOf(deskFolder), treeOf(laptopFolder))
})

test('a folder below whose disk is taken out keeps its files in the vault', limits, async (t) => {
  using scratch = makeScratch('unplugged')
  using disk = pluggableDisk(scratch, 'disk')
  if (disk === null) {
    t.skip(notPermitted)
    return
  }
  await using house = await makeHousehold(scratch)
  const { desk, laptop, deskFolder, laptopFolder } = house
  const card = join(deskFolder, 'card')
  plant(deskFolder)
  mkdirSync(card)
  disk.plugIn(card)
  plant(card)
  await linkBoth(house)
  const onCard = treeOf(join(laptopFolder, 'card'))
  assert.equal(onCard.size, 26)

  await t.test('and plain turns', async () => {
    await disk.takeOut(card)
    appendFileSync(join(deskFolder, 'letters/file 1'), ', edited on the desk')
    const result = await desk.run(['sync', '--json'])
    assert.equal(result.exitCode, 1)
    const report = reportOf(documentsOf(result)[0])
    assert.deepEqual([report.pushed.removed, report.pushed.files], [0, 1])
    assert.ok(report.troubles.some(({ path, message }) => path === 'card' && /another file system/.test(message)))
    const status = await statusOf(desk)
    assert.equal(status.state, 'troubled')
    assert.ok(status.troubles.some(({ message }) => /another file system/.test(message)))
    await sync(laptop)
    assertSameTree(treeOf(join(laptopFolder, 'card')), onCard, 'the other device lost something')
  })

  await t.test('and goes on when it is back', async () => {
    disk.plugIn(card)
    appendFileSync(join(card, 'file 3'), ', edited on the card')
    await sync(desk)
    await sync(laptop)
    assert.match(readFileSync(join(laptopFolder, 'card/file 3'), 'utf8'), /edited on the card/)
    assertSameTree(treeOf(deskFolder), treeOf(laptopFolder))
    assert.equal(treeOf(card).size, onCard.size)
  })

  await t.test('and a running daemon', async () => {
    const { onDesk, onLaptop } = await followBoth(house)
    await disk.takeOut(card)
    appendFileSync(join(deskFolder, 'letters/file 2'), ', edited on the desk')
    await onLaptop.until(hasText(laptopFolder, 'letters/file 2', 'edited on the desk'))
    appendFileSync(join(laptopFolder, 'letters/file 3'), ', edited on the laptop')
    await onDesk.until(hasText(deskFolder, 'letters/file 3', 'edited on the laptop'))
    assert.equal(treeOf(join(laptopFolder, 'card')).size, onCard.size)
    disk.plugIn(card)
    appendFileSync(join(card, 'file 2'), ', edited on the card')
    appendFileSync(join(deskFolder, 'letters/file 4'), ', edited on the desk')
    await onLaptop.until(hasText(laptopFolder, 'card/file 2', 'edited on the card'))
    assert.equal(treeOf(join(laptopFolder, 'card')).size, onCard.size)
    for (const daemon of [onDesk, onLaptop]) daemon.kill('SIGTERM')
    for (const daemon of [onDesk, onLaptop]) assert.equal((await daemon.result).exitCode, 0)
  })

  await t.test('and what the other device edits or makes arrives on it', async () => {
    appendFileSync(join(laptopFolder, 'card/file 1'), ', edited on the laptop')
    mkdirSync(join(laptopFolder, 'card/letters/new'))
    writeFileSync(join(laptopFolder, 'card/letters/new/file'), 'made on the laptop')
    symlinkSync('file 1', join(laptopFolder, 'card/link'))
    await sync(laptop)
    await sync(desk)
    assert.match(readFileSync(join(card, 'file 1'), 'utf8'), /edited on the laptop/)
    assert.equal(readFileSync(join(card, 'letters/new/file'), 'utf8'), 'made on the laptop')
    const { snapshots } = await sync(desk)
    assert.equal(snapshots, 0)
    assert.ok(!existsSync(join(card, '.anysync')), 'a folder of ours was left on the card')
    assertSameTree(treeOf(deskFolder), treeOf(laptopFolder))
  })

  await t.test('and what a crash left on it is swept, when it is back', async () => {
    const mine = join(card, '.anysync/tmp-above')
    mkdirSync(mine, { recursive: true })
    writeFileSync(join(mine, 'half a file'), 'half')
    writeFileSync(join(deskFolder, '.anysync/tmp-elsewhere'), 'card')
    await disk.takeOut(card)
    await desk.run(['sync'])
    disk.plugIn(card)
    await sync(desk)
    assert.ok(!existsSync(join(card, '.anysync')))
    assert.ok(!existsSync(join(laptopFolder, 'card/.anysync')))
  })
})
