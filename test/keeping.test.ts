/**
 * What is kept, freed, rescued and proven, with the real programs.
 */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { Dice } from './support/dice.ts'
import { newDevice, logIn } from './support/device.ts'
import { linkBoth, makeHousehold, sync, syncAll, vaultName } from './support/household.ts'
import { assertDone, documentsOf, run } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'
import { filesBelow } from './support/server.ts'
import { assertSameTree, treeOf } from './support/tree.ts'

type Kept = { sequence: number; keptBy: string[] }
type Pruned = { packs: Record<'keep' | 'retire' | 'rewrite', number>; bytesRetired: number; checkpoint: number | null }
type Snapshots = { snapshots: { sequence: number; label: string; isPinned: boolean }[] }
type Rescued = { rescued: { sequence: number }[]; lost: { sequence: number }[] }

test(
  'snapshots are forgotten by rules, pruned, rescued, and swept when the hold time is over',
  { timeout: 400_000 },
  async (t) => {
    using scratch = makeScratch('keeping')
    await using house = await makeHousehold(scratch)
    const { server, desk, laptop, deskFolder, laptopFolder } = house
    const dice = new Dice('keeping')
    mkdirSync(join(deskFolder, 'docs'))
    writeFileSync(join(deskFolder, 'docs/stays'), dice.bytes(200_000))
    const written: Buffer[] = []
    const edit = async () => {
      written.push(dice.bytes(600_000))
      writeFileSync(join(deskFolder, 'docs/changes'), written.at(-1) ?? '')
      await sync(desk)
    }
    writeFileSync(join(deskFolder, 'first'), 'x')
    await linkBoth(house)
    for (let i = 0; i < 4; i++) await edit()
    const listed = async () => (await desk.json<Snapshots>(['snapshots', deskFolder, '--all'])).snapshots
    const [first = 0, second = 0] = (await listed()).map(({ sequence }) => sequence)
    const newest = (await listed()).at(-1)?.sequence ?? 0
    const bytesOf = async () => (await desk.json<{ bytesUsed: number }>(['whoami'])).bytesUsed

    await t.test('a dry run says which rule keeps what, and forgets nothing', async () => {
      await desk.done(['tag', `${first}`, 'the first', '--folder', deskFolder])
      await desk.done(['tag', `${second}`, '--pin', '--folder', deskFolder])
      const words = ['forget', deskFolder, '--keep-last', '1', '--keep-tag', 'the first']
      const { snapshots } = await desk.json<{ snapshots: Kept[] }>([...words, '--dry-run'])
      assert.deepEqual(
        snapshots.filter(({ keptBy }) => keptBy.length > 0).map(({ sequence, keptBy }) => [sequence, keptBy]),
        [
          [first, ['tag']],
          [second, ['pinned']],
          [newest, ['newest', 'last']],
        ],
      )
      assert.equal((await listed()).length, 5)
      const { stdout } = await desk.done([...words, '--dry-run'])
      assert.match(stdout, /the first +kept: tag\n/)
      assert.match(stdout, /\n2 snapshots would be forgotten, by keep-last 1, keep-tag the first\n/)
      assert.equal((await desk.json<{ forgotten: number }>(['forget', deskFolder])).forgotten, 0)
      assert.equal((await desk.run(['forget', deskFolder, '--keep-last', 'many'])).exitCode, 2)
    })

    await t.test('what is forgotten and pruned is gone for every device, and nothing else is', async () => {
      assert.equal((await desk.json<{ forgotten: number }>(['forget', deskFolder, '--keep-last', '1'])).forgotten, 3)
      assert.deepEqual(
        (await listed()).map(({ sequence }) => sequence),
        [second, newest],
      )
      await desk.done(['tag', `${second}`, '--unpin', '--folder', deskFolder])
      await desk.done(['forget', deskFolder, '--keep-last', '1'])
      const dry = await desk.json<Pruned>(['prune', deskFolder, '--dry-run'])
      assert.equal(dry.packs.retire, 3)
      const pruned = await desk.json<Pruned>(['prune', deskFolder])
      assert.deepEqual([pruned.packs.retire, pruned.packs.rewrite], [dry.packs.retire, dry.packs.rewrite])
      assert.ok(pruned.checkpoint !== null)
      await sync(laptop)
      writeFileSync(join(laptopFolder, 'from the laptop'), 'x')
      await syncAll(laptop, desk)
      assertSameTree(treeOf(deskFolder), treeOf(laptopFolder))
      const message = (await desk.run(['cat', join(deskFolder, 'docs/changes'), '--at', `${second}`])).stderr
      assert.match(message, /no snapshot/)
    })

    await t.test('a device that signs in now begins with the checkpoint', async () => {
      const phone = newDevice(scratch, 'phone')
      assertDone(await logIn(phone, house.link, house.person))
      const folder = scratch.folder('phone')
      await phone.done(['add', folder, '--vault', vaultName])
      await sync(phone)
      assertSameTree(treeOf(folder), treeOf(deskFolder))
      using database = new DatabaseSync(join(phone.account(), 'state.db'), { readOnly: true })
      const { first } = database.prepare('SELECT min(sequence) AS first FROM records').get() as { first: number }
      assert.ok(first > newest)
    })

    await t.test('what was forgotten is rescued while the server holds it', async () => {
      const dry = await laptop.json<Rescued>(['rescue', '--folder', laptopFolder, '--dry-run'])
      assert.equal(dry.rescued.length, 4)
      const some = await laptop.json<Rescued>(['rescue', `${second}`, '--folder', laptopFolder])
      assert.deepEqual(
        some.rescued.map(({ sequence }) => sequence),
        [second],
      )
      const target = scratch.folder('rescued')
      await desk.done(['restore', join(deskFolder, 'docs/changes'), '--at', `${second}`, '--to', target])
      assert.deepEqual(readFileSync(join(target, 'changes')), written[0])
    })

    await t.test('what a disk of the server spoiled is found, and stored again by a device that has it', async () => {
      type Verified = {
        isWhole: boolean
        lost: string[]
        packsRead: number
        repaired: { chunksMissing: number } | null
      }
      const verified = async (...words: string[]) =>
        JSON.parse((await desk.run(['verify', deskFolder, '--json', ...words])).stdout) as Verified
      assert.equal((await verified()).isWhole, true)
      type Status = { folders: { lastProven: { time: string; share: number } | null }[] }
      const proven = async () => (await desk.json<Status>(['status', deskFolder])).folders[0]?.lastProven
      assert.equal((await proven())?.share, 0)
      assert.ok((await verified('--data', 'all')).packsRead > 0)
      const certified = await proven()
      assert.equal(certified?.share, 1)
      assert.equal((await desk.run(['verify', deskFolder, '--data', 'some'])).exitCode, 2)
      const packs = filesBelow(join(server.home, 'objects')).filter((path) => /[0-9a-f]{64}$/.test(path))
      for (const path of packs) {
        const bytes = readFileSync(path)
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
        chmodSync(path, 0o600)
        writeFileSync(path, bytes)
      }
      assert.equal((await verified('--data', 'all')).isWhole, false)
      assert.deepEqual(await proven(), certified)
      const scrubbed = await run('anysync-server', ['scrub', '--json'], { home: server.home })
      assert.equal(scrubbed.exitCode, 1)
      assert.equal((JSON.parse(scrubbed.stdout) as { troubles: unknown[] }).troubles.length, packs.length)
      await desk.done(['forget', deskFolder, '--keep-last', '1'])
      const { lost, repaired } = await verified('--repair')
      assert.ok(lost.length > 0)
      assert.ok(repaired !== null)
      const after = await verified('--data', 'all')
      assert.deepEqual([after.isWhole, after.lost], [true, []])
      const target = scratch.folder('repaired')
      await laptop.done(['restore', laptopFolder, '--to', target])
      assert.deepEqual(readFileSync(join(target, 'docs/changes')), readFileSync(join(deskFolder, 'docs/changes')))
    })

    await t.test('the server deletes what is retired only after the hold time', async () => {
      await desk.done(['forget', deskFolder, '--keep-last', '1'])
      await desk.done(['prune', deskFolder])
      const before = await bytesOf()
      const busy = await run('anysync-server', ['sweep'], { home: server.home })
      assert.deepEqual([busy.exitCode, /sweeps by itself/.test(busy.stderr)], [1, true])
      await server.stop()
      const sweep = async () =>
        documentsOf(assertDone(await run('anysync-server', ['sweep', '--json'], { home: server.home })))[0] as {
          packs: number
        }
      assert.equal((await sweep()).packs, 0)
      {
        using database = new DatabaseSync(join(server.home, 'server/anysync.db'))
        database.exec('UPDATE pack SET retired_ms = 0 WHERE retired_ms IS NOT NULL')
      }
      assert.ok((await sweep()).packs >= 3)
      assertDone(await run('anysync-server', ['scrub'], { home: server.home }))
      await server.start()
      assert.ok((await bytesOf()) < before)
      await syncAll(desk, laptop)
      const rescued = await desk.run(['rescue', '--folder', deskFolder, '--json'])
      assert.equal(rescued.exitCode, 1)
      assert.ok((JSON.parse(rescued.stdout) as Rescued).lost.length >= 3)
      const target = scratch.folder('after')
      await laptop.done(['restore', laptopFolder, '--to', target])
      assert.deepEqual(readFileSync(join(target, 'docs/changes')), written.at(-1))
    })
  },
)
