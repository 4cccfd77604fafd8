/**
 * The past, as people get at it with the real programs: what there was, what changed, and getting it back.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { linkBoth, makeHousehold, sync, syncAll } from './support/household.ts'
import { makeScratch } from './support/scratch.ts'
import { assertSameTree, treeOf } from './support/tree.ts'

type Snapshots = { hidden: number; snapshots: { sequence: number; device: string }[] }
type Diff = { differences: { change: string; path: string; from?: string }[] }
type Versions = { versions: { sequence: number; change: string; path: string; device: string; size?: number }[] }
type Restored = { files: number; unchanged: number; leftovers: { path: string }[]; isDryRun: boolean }
type PutBack = { snapshot: { sequence: number } | null; steps: { path: string; what: string }[] }

test('a history is listed, compared, followed, read and restored', { timeout: 300_000 }, async (t) => {
  using scratch = makeScratch('history')
  await using house = await makeHousehold(scratch)
  const { desk, laptop, deskFolder, laptopFolder } = house
  const at = (path: string) => join(deskFolder, path)
  mkdirSync(at('docs'))
  writeFileSync(at('docs/plan'), 'one')
  writeFileSync(at('docs/keep'), 'kept')
  await linkBoth(house)
  writeFileSync(join(laptopFolder, 'docs/plan'), 'two!')
  await syncAll(laptop, desk)
  renameSync(at('docs/plan'), at('docs/renamed'))
  await sync(desk)
  rmSync(at('docs'), { recursive: true })
  writeFileSync(at('new'), 'new')
  await sync(desk)
  const all = (await desk.json<Snapshots>(['snapshots', deskFolder, '--all'])).snapshots
  const [first = 0, second = 0, third = 0, last = 0] = all.map(({ sequence }) => sequence)
  assert.equal(all.length, 4)

  await t.test('snapshots are filtered by device, time and path', async () => {
    const sequences = async (...words: string[]) =>
      (await desk.json<Snapshots>(['snapshots', ...words])).snapshots.map(({ sequence }) => sequence)
    assert.deepEqual(await sequences(deskFolder, '--device', 'laptop'), [second])
    assert.deepEqual(await sequences(deskFolder, '--until', '1h'), [])
    assert.deepEqual(await sequences(deskFolder, '--since', '1h'), [first, second, third, last])
    assert.deepEqual(await sequences(at('docs/keep')), [first, last])
    assert.deepEqual(await sequences(at('new')), [last])
    assert.match((await desk.run(['snapshots', '--since', 'soon'])).stderr, /'soon' is no time/)
  })

  await t.test('a diff names what was added, removed, edited and moved', async () => {
    const told = async (...words: string[]) =>
      (await desk.json<Diff>(['diff', ...words, '--path', deskFolder])).differences.map(
        ({ change, path, from }) => `${change} ${from === undefined ? '' : `${from} > `}${path}`,
      )
    assert.deepEqual(await told(`${first}`, `${second}`), ['edited docs/plan'])
    assert.deepEqual(await told(`${second}`, `${third}`), ['moved docs/plan > docs/renamed'])
    assert.deepEqual(await told(`${third}`), ['removed docs', 'removed docs/keep', 'removed docs/renamed', 'added new'])
    const { stdout } = await desk.done(['diff', `${second}`, `${third}`, '--path', at('docs')])
    assert.match(stdout, /moved +4 B +docs\/plan -> docs\/renamed/)
  })

  await t.test('the versions of a file go on through a rename, and say who made them', async () => {
    const { versions } = await desk.json<Versions>(['versions', at('docs/renamed')])
    assert.deepEqual(
      versions.map(({ sequence, change, path, device, size }) => [sequence, change, path, device, size]),
      [
        [last, 'removed', 'docs/renamed', 'desk', undefined],
        [third, 'moved', 'docs/renamed', 'desk', 4],
        [second, 'edited', 'docs/plan', 'laptop', 4],
        [first, 'created', 'docs/plan', 'desk', 3],
      ],
    )
  })

  await t.test('cat writes the bytes of a time, and of what was deleted the last ones', async () => {
    assert.equal((await desk.done(['cat', at('docs/plan'), '--at', `${first}`])).stdout, 'one')
    assert.equal((await desk.done(['cat', at('docs/renamed')])).stdout, 'two!')
    assert.match((await desk.run(['cat', at('docs'), '--at', `${first}`])).stderr, /no file/)
    assert.equal((await desk.run(['cat', at('docs/plan'), '--json'])).exitCode, 2)
  })

  await t.test('a restore makes only what is missing, and says what is in the way', async () => {
    const target = scratch.folder('restored')
    const words = ['restore', at('docs'), '--at', `${first}`, '--to', target]
    const dry = await desk.json<Restored>([...words, '--dry-run'])
    assert.deepEqual([dry.files, dry.isDryRun, existsSync(join(target, 'docs'))], [2, true, false])
    assert.equal((await desk.json<Restored>([...words, '--verify'])).files, 2)
    assert.equal(readFileSync(join(target, 'docs/plan'), 'utf8'), 'one')
    rmSync(join(target, 'docs/plan'))
    const again = await desk.json<Restored>(words)
    assert.deepEqual([again.files, again.unchanged], [1, 1])
    writeFileSync(join(target, 'docs/plan'), 'mine')
    const blocked = await desk.run([...words, '--json'])
    assert.equal(blocked.exitCode, 1)
    assert.deepEqual(
      (JSON.parse(blocked.stdout) as Restored).leftovers.map(({ path }) => path),
      ['docs/plan'],
    )
    assert.equal(readFileSync(join(target, 'docs/plan'), 'utf8'), 'mine')
    const whole = scratch.folder('whole')
    await desk.done(['restore', deskFolder, '--at', `${third}`, '--to', whole])
    assert.equal(readFileSync(join(whole, 'docs/renamed'), 'utf8'), 'two!')
    assert.equal(existsSync(join(whole, '.anysync')), false)
  })

  await t.test('what was deleted comes back in place, on every device, and that can be undone', async () => {
    const before = treeOf(deskFolder)
    const dry = await desk.json<PutBack>(['restore', at('docs'), '--in-place', '--dry-run'])
    assert.deepEqual([dry.snapshot, dry.steps.map(({ path }) => path)], [null, ['docs', 'docs/keep', 'docs/renamed']])
    const put = await desk.json<PutBack>(['restore', at('docs'), '--in-place', '--verify'])
    assert.equal(put.snapshot?.sequence, last + 1)
    assert.equal(readFileSync(at('docs/renamed'), 'utf8'), 'two!')
    assert.equal(readFileSync(at('new'), 'utf8'), 'new')
    await sync(laptop)
    assertSameTree(treeOf(laptopFolder), treeOf(deskFolder))
    assert.equal((await desk.json<PutBack>(['restore', at('docs'), '--in-place'])).snapshot, null)
    await desk.done(['restore', deskFolder, '--at', `${last}`, '--in-place', '--delete'])
    assertSameTree(treeOf(deskFolder), before)
    await desk.done(['restore', deskFolder, '--at', `${first}`, '--in-place', '--delete'])
    assert.equal(readFileSync(at('docs/plan'), 'utf8'), 'one')
    assert.equal(existsSync(at('new')), false)
  })

  await t.test('where to is asked for', async () => {
    for (const words of [
      ['restore', at('docs')],
      ['restore', at('docs'), '--to', '/x', '--in-place'],
      ['restore', at('docs'), '--to', '/x', '--delete'],
    ])
      assert.equal((await desk.run(words)).exitCode, 2)
  })
})
