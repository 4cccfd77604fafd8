/**
 * Two devices that stay in step by themselves: what changes on one appears on the other without anybody asking, also
 * after the server was away.
 */
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Dice } from './support/dice.ts'
import { linkBoth, makeHousehold, sync } from './support/household.ts'
import { described, documentsOf, type Running } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'
import { stepsOf } from './support/steps.ts'
import { differences, treeOf } from './support/tree.ts'

test('two devices stay in step by themselves', { timeout: 120_000 }, async (t) => {
  const step = stepsOf(t)
  using scratch = makeScratch('follow')
  await using house = await makeHousehold(scratch)
  const { server, desk, laptop, deskFolder, laptopFolder } = house
  writeFileSync(join(deskFolder, 'notes'), 'one\n')
  await linkBoth(house)
  const follow = (device: typeof desk) => device.start(['start', '--foreground', '--json'], { timeoutMs: 120_000 })
  const [onDesk, onLaptop] = [follow(desk), follow(laptop)]
  for (const running of [onDesk, onLaptop]) await running.line(/"event":"turn"/)

  /** Looks after every turn of the device that follows. */
  const areAlike = (follower: Running): Promise<true> =>
    follower.until(() => differences(treeOf(laptopFolder), treeOf(deskFolder)).length === 0 || null)

  await step('an edit, a new folder, a rename and a deletion travel to the other device', async () => {
    appendFileSync(join(deskFolder, 'notes'), 'two\n')
    await areAlike(onLaptop)
    mkdirSync(join(deskFolder, 'new/below'), { recursive: true })
    writeFileSync(join(deskFolder, 'new/below/file'), 'text')
    await areAlike(onLaptop)
    renameSync(join(deskFolder, 'new'), join(deskFolder, 'renamed'))
    await areAlike(onLaptop)
    rmSync(join(deskFolder, 'renamed'), { recursive: true })
    await areAlike(onLaptop)
  })

  await step('and back', async () => {
    writeFileSync(join(laptopFolder, 'from the laptop'), new Dice('follow').bytes(3_000_000))
    await areAlike(onDesk)
  })

  await step('edits on both sides at once', async () => {
    for (let index = 0; index < 50; index++) {
      writeFileSync(join(deskFolder, `desk ${index}`), `desk ${index}`)
      writeFileSync(join(laptopFolder, `laptop ${index}`), `laptop ${index}`)
    }
    for (const [running, folder] of [
      [onDesk, deskFolder],
      [onLaptop, laptopFolder],
    ] as const) {
      // The 100 new ones, those of the steps before, and AnySync's own folder.
      await running.until(() => readdirSync(folder).length === 103 || null)
    }
    await areAlike(onLaptop)
  })

  await step('a server that was away is found again', async () => {
    await server.kill()
    appendFileSync(join(deskFolder, 'notes'), 'three\n')
    await onDesk.line(/"event":"trouble"/)
    await server.start()
    await areAlike(onLaptop)
  })

  await step('a signal ends it with exit code 0, and another turn finds nothing to do', async () => {
    for (const running of [onDesk, onLaptop]) {
      running.kill('SIGTERM')
      const ended = await running.result
      assert.equal(ended.exitCode, 0, described(ended))
      assert.ok(documentsOf(ended).length > 3)
    }
    for (const device of [desk, laptop]) {
      const { pushed, pulled } = await sync(device)
      assert.deepEqual([...Object.values(pushed), ...Object.values(pulled)], Array(10).fill(0))
    }
  })
})
