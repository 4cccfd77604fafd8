/**
 * Stories of names that one system can hold and another cannot: twins by case or Unicode form, renames that change only
 * the case, names that are reserved. `a` holds every name as bytes; `b` takes Readme and README for one.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertBaseIsHead, assertNothingToDo } from './settled.suite.ts'
import { assertAlike, household, type Household } from './household.suite.ts'
import { filesOf, settle } from './world.suite.ts'

const folding = (files: Record<string, string> = {}): Promise<Household> => household(files, { foldsB: true })

/** Both have settled, agree with the head, and have nothing more to do. */
const assertCalm = async (world: Household): Promise<void> => {
  await settle(world)
  for (const device of world.devices) {
    await assertNothingToDo(device)
    await assertBaseIsHead(device)
  }
}

const twinPairs = [
  ['README', 'Readme'],
  ['caf\u00e9', 'cafe\u0301'],
  ['Straße', 'STRASSE'],
]

test('of two new twins the first by its bytes comes, whichever was made first, and the other is told', async () => {
  for (const pair of twinPairs)
    for (const order of [pair, pair.toReversed()]) {
      const world = await folding()
      const { a, b } = world
      for (const name of order) {
        a.user.writeFile(name, name)
        await a.engine.turn()
      }
      const { troubles, isSettled } = await b.engine.turn()
      const [first = '', second = ''] = pair.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
      assert.deepEqual(await filesOf(b.disk), { [first]: first })
      assert.deepEqual(
        troubles.map(({ path, kind }) => [path, kind]),
        [[second, 'not-here']],
      )
      assert.match(troubles[0]?.message ?? '', /differs only in case or Unicode form.*rename/)
      assert.equal(isSettled, true)
      await assertCalm(world)
      assert.deepEqual(await filesOf(a.disk), { [first]: first, [second]: second })
    }
})

test('a twin that comes later does not take the place of the one that is here, and is never written over it', async () => {
  const world = await folding({ readme: 'here first' })
  const { a, b } = world
  a.user.writeFile('README', 'later')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { readme: 'here first' })
  b.user.writeFile('readme', 'edited here')
  a.user.writeFile('README', 'edited there')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { readme: 'edited here' })
  assert.deepEqual(await filesOf(a.disk), { readme: 'edited here', README: 'edited there' })
  await assertCalm(world)
})

test('a twin arrives when the one that is here is renamed or deleted, on either side', async () => {
  const leaving: ((world: Household) => void)[] = [
    ({ a }) => a.user.rename('readme', 'other'),
    ({ a }) => a.user.rm('readme'),
    ({ b }) => b.user.rename('readme', 'other'),
    ({ b }) => b.user.rm('readme'),
    ({ a }) => a.user.rename('README', 'free'),
  ]
  for (const leave of leaving) {
    const world = await folding({ readme: 'here', folder: 'so that few are deleted' })
    world.a.user.writeFile('README', 'waits')
    await settle(world)
    leave(world)
    await assertCalm(world)
    assert.deepEqual(await filesOf(world.b.disk), await filesOf(world.a.disk))
    assert.ok(Object.values(await filesOf(world.b.disk)).includes('waits'))
  }
})

test('of two twin folders one comes with all that is in it, and the other when there is room', async () => {
  const world = await folding({ 'docs/x': '1', 'docs/sub/y': '2' })
  const { a, b } = world
  a.user.writeFile('Docs/z', '3')
  a.user.writeFile('Docs/sub/w', '4')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'docs/x': '1', 'docs/sub/y': '2' })
  a.user.writeFile('Docs/later', '5')
  await settle(world)
  await assertCalm(world)
  b.user.rename('docs', 'old docs')
  await assertCalm(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(b.disk), {
    'old docs/x': '1',
    'old docs/sub/y': '2',
    'Docs/z': '3',
    'Docs/sub/w': '4',
    'Docs/later': '5',
  })
})

test('a file that is moved beside its twin elsewhere leaves this disk, unless it was edited here', async () => {
  for (const isEdited of [false, true]) {
    const world = await folding({ readme: 'here', x: 'moves' })
    const { a, b } = world
    a.user.rename('x', 'README')
    await a.engine.turn()
    if (isEdited) b.user.writeFile('x', 'moves, edited')
    const { isSettled, troubles } = await b.engine.turn()
    assert.equal(isSettled, !isEdited)
    assert.deepEqual(
      troubles.map(({ path, kind }) => [path, kind]),
      [['README', 'not-here']],
    )
    assert.deepEqual(await filesOf(b.disk), isEdited ? { readme: 'here', x: 'moves, edited' } : { readme: 'here' })
    a.user.rename('readme', 'elsewhere')
    await assertCalm(world)
    await assertAlike(world)
    assert.equal((await filesOf(b.disk))['README'], isEdited ? 'moves, edited' : 'moves')
  }
})

test('a new mode of a file that is moved beside its twin elsewhere is not lost', async () => {
  const world = await folding({ readme: 'here', x: 'moves' })
  const { a, b } = world
  a.user.rename('x', 'README')
  await a.engine.turn()
  b.user.chmod('x', 0o600)
  await b.engine.turn()
  a.user.rename('readme', 'elsewhere')
  await assertCalm(world)
  assert.equal((await a.disk.lstat('README'))?.mode, 0o600)
})

test('a rename that changes only the case travels both ways, of files and folders, and keeps who is who', async () => {
  for (const from of ['a', 'b'] as const) {
    const world = await folding({ 'Readme.txt': 'text', 'Folder/x': 'x' })
    const { [from]: device, a, b } = world
    const other = from === 'a' ? b : a
    const inode = (await other.disk.lstat('Readme.txt'))?.inode
    device.user.rename('Readme.txt', 'README.txt')
    device.user.rename('Folder', 'FOLDER')
    assert.equal((await device.engine.turn()).pushed.removed, 0)
    await other.engine.turn()
    assert.deepEqual(await filesOf(other.disk), { 'README.txt': 'text', 'FOLDER/x': 'x' })
    assert.equal((await other.disk.lstat('README.txt'))?.inode, inode)
    await assertCalm(world)
    await assertAlike(world)
  }
})

test('a rename of the case meets an edit, and the edit arrives under the new name', async () => {
  for (const [renamer, editor] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const world = await folding({ Readme: 'text' })
    world[renamer].user.rename('Readme', 'README')
    world[editor].user.writeFile('Readme', 'edited')
    await assertCalm(world)
    await assertAlike(world)
    assert.deepEqual(await filesOf(world.a.disk), { README: 'edited' })
  }
})

test('an editor that saves by rename under another spelling edits the file', async () => {
  const world = await folding({ Readme: 'text' })
  world.b.user.saveFile('README', 'saved')
  assert.equal((await world.b.engine.turn()).pushed.removed, 0)
  await assertCalm(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(world.a.disk), { README: 'saved' })
})

test('twins that are made on both sides at once are two files there and one here, and nothing is lost', async () => {
  for (const first of ['a', 'b'] as const) {
    const world = await folding({ keep: 'k' })
    const { a, b } = world
    a.user.writeFile('notes', 'of a')
    b.user.writeFile('Notes', 'of b')
    await world[first].engine.turn()
    await assertCalm(world)
    assert.deepEqual(await filesOf(a.disk), { keep: 'k', notes: 'of a', Notes: 'of b' })
    assert.deepEqual(await filesOf(b.disk), { keep: 'k', Notes: 'of b' })
  }
})

test('twins on a disk that tells them apart are just two files', async () => {
  const world = await household()
  const { a } = world
  for (const name of ['Readme', 'README', 'caf\u00e9', 'cafe\u0301']) a.user.writeFile(name, name)
  await settle(world)
  await assertAlike(world)
  a.user.rename('Readme', 'readme')
  a.user.rm('cafe\u0301')
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(Object.keys(await filesOf(world.b.disk)).sort(), ['README', 'caf\u00e9', 'readme'])
})

test('a device that lost its database takes twins as before', async () => {
  const world = await folding({ readme: 'here' })
  world.a.user.writeFile('README', 'waits')
  await settle(world)
  world.b.loseState()
  await assertCalm(world)
  assert.deepEqual(await filesOf(world.b.disk), { readme: 'here' })
  assert.deepEqual(await filesOf(world.a.disk), { readme: 'here', README: 'waits' })
})

test('a file that gets a name elsewhere that this disk cannot store leaves this disk, and comes back with another', async () => {
  const world = await household({ x: 'text', keep: 'k' }, { refusedByB: ['con'] })
  const { a, b } = world
  a.user.rename('x', 'con')
  await a.engine.turn()
  const { troubles, isSettled } = await b.engine.turn()
  assert.deepEqual([troubles.map(({ path, kind }) => [path, kind]), isSettled], [[['con', 'not-here']], true])
  assert.deepEqual(await filesOf(b.disk), { keep: 'k' })
  await assertCalm(world)
  assert.deepEqual(await filesOf(a.disk), { con: 'text', keep: 'k' })
  a.user.rename('con', 'fine')
  await assertCalm(world)
  await assertAlike(world)
})

test('an edit of a file whose new name this disk cannot store stays here until the name can be stored', async () => {
  const world = await household({ x: 'text', keep: 'k' }, { refusedByB: ['con'] })
  const { a, b } = world
  a.user.rename('x', 'con')
  await a.engine.turn()
  b.user.writeFile('x', 'edited here')
  assert.equal((await b.engine.turn()).isSettled, false)
  assert.deepEqual(await filesOf(b.disk), { x: 'edited here', keep: 'k' })
  a.user.rename('con', 'fine')
  await assertCalm(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(a.disk), { fine: 'edited here', keep: 'k' })
})

test('a folder that got another spelling is looked into once, though hints tell of both', async () => {
  const world = await folding({ 'c/x': 'x' })
  const { a, b } = world
  b.user.rename('c/x', 'c/y')
  b.user.rename('c', 'C')
  await b.engine.turn(new Set(['c', '', 'C']))
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'C/y': 'x' })
  assert.deepEqual(await filesOf(a.disk), { 'C/y': 'x' })
})

test('a twin of something that waits for a person, or is held, waits as well, and the turn ends', async () => {
  const world = await folding(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`f/${index}`, `${index}`])))
  const { a, b } = world
  b.user.rm('f')
  b.user.writeFile('readme', 'ours')
  a.user.writeFile('README', 'theirs')
  await a.engine.turn()
  const report = await b.engine.turn()
  assert.equal(report.waiting?.deletions, 12)
  assert.deepEqual(
    report.troubles.map(({ path, kind }) => [path, kind]),
    [['README', 'not-here']],
  )
  b.user.writeFile('readme', 'ours')
  b.setMode('mirror')
  await b.engine.turn()
  assert.deepEqual((await filesOf(b.disk))['readme'], 'ours')
})

test('a file that was deleted and made anew elsewhere is one with what was written under its name here', async () => {
  const world = await household({ f: 'old', g: 'old', keep: 'k' })
  const { a, b } = world
  a.user.rm('f')
  a.user.rm('g')
  await a.engine.turn()
  a.user.writeFile('f', 'new')
  a.user.writeFile('g', 'of one')
  await a.engine.turn()
  b.user.writeFile('f', 'new')
  b.user.writeFile('g', 'of other')
  const { conflicts } = await b.engine.turn()
  assert.equal(conflicts.length, 1)
  await settle(world)
  const copy = conflicts[0] ?? ''
  assert.match(copy, /^g \(conflict/)
  assert.deepEqual(await filesOf(b.disk), { f: 'new', g: 'of one', [copy]: 'of other', keep: 'k' })
  await assertAlike(world)
})
