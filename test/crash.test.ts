/**
 * kill -9 at random moments, as a power cut does it: of the device that pushes, of the one that pulls, and of the server
 * under either. Everything is simply started again; nothing is repaired, and nothing may be missing afterwards.
 */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { logIn, newDevice, type TestDevice } from './support/device.ts'
import { Dice, seedOfRun } from './support/dice.ts'
import { linkBoth, litterOf, makeHousehold, sync, vaultName, type Household } from './support/household.ts'
import { assertDone, described, type Result } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'
import { assertSameTree, treeOf } from './support/tree.ts'

const momentsOf = { push: 25, pull: 25 }
/** A turn that was over before its moment is not counted. */
const roundsMax = 60
const MiB = 1024 * 1024
const folders = 12

type Strike = { isHit: boolean; result: Result }
type Moment = { phase: 'push' | 'pull'; victim: 'client' | 'server'; afterMs: number }

/** Some hundred small files and a few large ones. */
const plant = (folder: string, dice: Dice): void => {
  for (let index = 0; index < 500; index++)
    write(folder, `folder ${index % folders}/file ${index}`, dice.bytes(dice.below(20_000)))
  for (let index = 0; index < 3; index++) write(folder, `large ${index}`, dice.bytes(6 * MiB))
}

const write = (folder: string, path: string, bytes: Uint8Array): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), bytes)
}

/** What a person may have done since the last turn: enough that a turn takes a while. */
const edit = (folder: string, round: number, dice: Dice): void => {
  const files = filesIn(folder)
  for (let count = 0; count < 60; count++) writeFileSync(dice.pick(files), dice.bytes(dice.below(20_000)))
  for (let count = 0; count < 25; count++)
    write(folder, `folder ${dice.below(folders)}/new ${round} ${count}`, dice.bytes(5_000))
  const few = new Set(Array.from({ length: 10 }, () => dice.pick(files)))
  for (const file of few) {
    if (dice.below(2) === 0) rmSync(file)
    else renameSync(file, join(folder, `moved ${round} ${dice.below(1_000_000)}`))
  }
  chmodSync(dice.pick(filesIn(folder)), dice.pick([0o600, 0o644, 0o755]))
  const from = join(folder, `folder ${dice.below(folders)}`)
  const to = `${from} until round ${round}`
  if (existsSync(from)) renameSync(from, to)
  write(folder, `large ${dice.below(3)}`, dice.bytes(6 * MiB))
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile() && !found.parentPath.includes('/.anysync'))
    .map((found) => join(found.parentPath, found.name))
    .sort()

/**
 * Kills at the moment, starts the server again if it was the victim, and waits until the client has ended. `isHit` unless
 * the turn was over before.
 */
const strike = async ({ server }: Household, device: TestDevice, { victim, afterMs }: Moment): Promise<Strike> => {
  const turn = device.start(['sync', '--json'], { timeoutMs: 60_000 })
  const isHit = await Promise.race([wait(afterMs, true), turn.result.then(() => false)])
  if (isHit && victim === 'client') turn.kill('SIGKILL')
  if (isHit && victim === 'server') {
    await server.kill()
    await server.start()
  }
  return { isHit, result: await turn.result }
}

/** A client that lived may have failed, but then it said why in one sentence. */
const assertHonest = (result: Result): void => {
  if (result.signal === 'SIGKILL' || result.exitCode === 0) return
  assert.equal(result.exitCode, 1, described(result))
  assert.match(result.stderr, /^anysync: [^\n]+\n$/, described(result))
}

test('kill -9 of client or server at 50 random moments loses nothing', { timeout: 600_000 }, async (t) => {
  const seed = seedOfRun()
  t.diagnostic(`seed ${seed}; ANYSYNC_SEED=${seed} repeats it`)
  const dice = new Dice(seed)
  using scratch = makeScratch('crash')
  await using house = await makeHousehold(scratch)
  const { desk, laptop, deskFolder, laptopFolder } = house
  plant(deskFolder, dice)
  await linkBoth(house)
  const first = new Map([...treeOf(deskFolder)].filter(([path]) => /^folder 0(\/|$)/.test(path)))
  const firstSequence = (await sync(desk)).sequence

  // How long a turn takes when nothing disturbs it, to spread the moments over all of it.
  edit(deskFolder, 0, dice)
  const undisturbedMs = { push: await timed(() => sync(desk)), pull: await timed(() => sync(laptop)) }
  t.diagnostic(`undisturbed: push ${undisturbedMs.push} ms, pull ${undisturbedMs.pull} ms`)

  const hits = { push: 0, pull: 0 }
  const strikeOnce = async (device: TestDevice, round: number, phase: Moment['phase']): Promise<Strike> => {
    const victim = (hits[phase] + (phase === 'push' ? 0 : 1)) % 2 === 0 ? 'client' : 'server'
    const moment: Moment = { phase, victim, afterMs: Math.round(dice.fraction() * undisturbedMs[phase]) }
    try {
      const struck = await strike(house, device, moment)
      assertHonest(struck.result)
      if (struck.isHit) hits[phase] += 1
      return struck
    } catch (cause) {
      throw new Error(`seed ${seed}, round ${round}: ${phase}, the ${victim} after ${moment.afterMs} ms`, { cause })
    }
  }
  /** Twice in a row, so that what was left by a crash meets another. */
  const strikeTwice = async (device: TestDevice, round: number, phase: Moment['phase']) => {
    const first = await strikeOnce(device, round, phase)
    if (!first.isHit) undisturbedMs[phase] = first.result.ms
    const isOver = first.result.exitCode === 0 || hits[phase] >= momentsOf[phase]
    const last = isOver ? first : await strikeOnce(device, round, phase)
    // Whoever lived through it and succeeded is in step.
    if (last.result.exitCode !== 0) await sync(device)
  }
  for (let round = 1; hits.push < momentsOf.push || hits.pull < momentsOf.pull; round++) {
    assert.ok(round <= roundsMax, `in ${round} rounds only ${hits.push} pushes and ${hits.pull} pulls were hit`)
    edit(deskFolder, round, dice)
    const wanted = treeOf(deskFolder)
    if (hits.push < momentsOf.push) await strikeTwice(desk, round, 'push')
    else await sync(desk)
    if (hits.pull < momentsOf.pull) await strikeTwice(laptop, round, 'pull')
    else await sync(laptop)
    const where = `seed ${seed}, round ${round}`
    assertSameTree(treeOf(deskFolder), wanted, `${where}: a push changed the desk`)
    assertSameTree(treeOf(laptopFolder), wanted, `${where}: the laptop differs`)
    assert.deepEqual(litterOf(house), [], where)
  }

  // What this device never saw the beginning of comes from the log alone, and so does the past.
  const phone = newDevice(scratch, 'phone')
  const phoneFolder = scratch.folder('phone')
  assertDone(await logIn(phone, house.link, house.person))
  await phone.done(['add', phoneFolder, '--vault', vaultName])
  await sync(phone)
  assertSameTree(treeOf(phoneFolder), treeOf(deskFolder), `seed ${seed}: a new device gets something else`)
  const past = scratch.folder('past')
  await phone.done(['restore', join(phoneFolder, 'folder 0'), '--at', String(firstSequence), '--to', past])
  assertSameTree(treeOf(past), first, `seed ${seed}: the past has changed`)
})

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedMs = performance.now()
  await work()
  return Math.round(performance.now() - startedMs)
}
