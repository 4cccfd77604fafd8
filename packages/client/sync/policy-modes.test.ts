/**
 * Stories of the modes of a link. `a` syncs; `b` has another mode. What each person saved is somewhere in the end.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LinkMode } from '../ports.ts'
import { assertAlike, household, type Household } from './household.suite.ts'
import { filesOf, linesOf, settle, type Device } from './world.suite.ts'

const conflictOf = (name: string): RegExp => new RegExp(`^${name} \\(conflict `)

/** Both have the files; from then on `b` has the mode. */
const inMode = async (mode: LinkMode, files: Record<string, string> = {}): Promise<Household> => {
  const world = await household({ ...files, keep: 'k' })
  world.b.setMode(mode)
  await settle(world)
  return world
}

const changing = ['createTemp', 'place', 'placeLink', 'makeFolder', 'move', 'remove', 'setAttributes']

/** A turn that must not touch the disk. */
const turnUntouched = async (device: Device): Promise<void> => {
  const before = await linesOf(device.disk)
  device.faults.disk = ({ operation }) => assert.ok(!changing.includes(operation.slice('disk.'.length)), operation)
  assert.equal((await device.engine.turn()).isSettled, true)
  device.faults.disk = null
  assert.deepEqual(await linesOf(device.disk), before)
}

const held = async (device: Device): Promise<string[]> => {
  const { troubles, isSettled } = await device.engine.turn()
  assert.equal(isSettled, true)
  return troubles.filter(({ kind }) => kind === 'held').map(({ path }) => path)
}

const assertResting = async (world: Household): Promise<void> => {
  await settle(world)
  const sequence = world.a.vault.newest()?.sequence
  for (const device of world.devices) {
    const { pulled, pushed, isSettled } = await device.engine.turn()
    assert.equal(isSettled, true)
    assert.deepEqual(
      [...Object.values(pulled), ...Object.values(pushed)].filter((count) => count > 0),
      [],
    )
  }
  assert.equal(world.a.vault.newest()?.sequence, sequence)
}

// ---------------------------------------------------------------------------------------------------
// Backup

test('backup: what is new, edited, moved or deleted here reaches the vault', async () => {
  const world = await inMode('backup', { edited: '1', moved: '2', deleted: '3', 'folder/x': '4' })
  const { a, b } = world
  b.user.writeFile('edited', 'new text')
  b.user.rename('moved', 'folder/moved')
  b.user.rm('deleted')
  b.user.writeFile('new/y', '5')
  b.user.symlink('keep', 'link')
  await turnUntouched(b)
  await assertResting(world)
  await assertAlike(world)
  assert.deepEqual(Object.keys(await filesOf(a.disk)).sort(), ['edited', 'folder/moved', 'folder/x', 'keep', 'new/y'])
})

test('backup: nothing that others do touches the disk; moves and deletions are undone, edits stay in the vault', async () => {
  const world = await inMode('backup', { edited: '1', moved: '2', deleted: '3', 'folder/x': '4', 'gone/z': '5' })
  const { a, b } = world
  a.user.writeFile('edited', 'edited there')
  a.user.rename('moved', 'elsewhere')
  a.user.rm('deleted')
  a.user.rename('folder', 'folder there')
  a.user.rm('gone')
  a.user.writeFile('new there/n', 'n')
  await a.engine.turn()
  await turnUntouched(b)
  await assertResting(world)
  assert.deepEqual(await filesOf(a.disk), {
    edited: 'edited there',
    moved: '2',
    deleted: '3',
    'folder/x': '4',
    'gone/z': '5',
    keep: 'k',
    'new there/n': 'n',
  })
  assert.deepEqual(await filesOf(b.disk), {
    edited: '1',
    moved: '2',
    deleted: '3',
    'folder/x': '4',
    'gone/z': '5',
    keep: 'k',
  })
  b.user.writeFile('edited', 'and edited here')
  await assertResting(world)
  assert.equal((await filesOf(a.disk))['edited'], 'and edited here')
})

test('backup: where both sides changed, the disk wins, and the other version stays in the history', async () => {
  const world = await inMode('backup', { both: '1', 'deleted here': '2', 'deleted there': '3', moved: '4' })
  const { a, b } = world
  a.user.writeFile('both', 'edited there')
  a.user.writeFile('deleted here', 'edited there')
  a.user.rm('deleted there')
  a.user.rename('moved', 'moved there')
  await a.engine.turn()
  b.user.writeFile('both', 'edited here')
  b.user.rm('deleted here')
  b.user.writeFile('deleted there', 'edited here')
  b.user.rename('moved', 'moved here')
  await turnUntouched(b)
  await assertResting(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(a.disk), {
    both: 'edited here',
    'deleted there': 'edited here',
    'moved here': '4',
    keep: 'k',
  })
})

test('backup: two new files of one name are both kept, and the disk keeps the name', async () => {
  for (const contents of [
    ['of a', 'of b'],
    ['of a', 'longer, of b'],
    ['same', 'same'],
  ] as const) {
    const world = await inMode('backup')
    const { a, b } = world
    a.user.writeFile('f', contents[0])
    a.user.writeFile('as folder here', 'of a')
    await a.engine.turn()
    b.user.writeFile('f', contents[1])
    b.user.writeFile('as folder here/x', 'of b')
    await turnUntouched(b)
    await assertResting(world)
    const files = await filesOf(a.disk)
    assert.equal(files['f'], contents[1])
    assert.equal(files['as folder here/x'], 'of b')
    const copies = Object.entries(files).filter(([name]) => name.includes('(conflict'))
    const isSame = contents[0] === contents[1]
    assert.deepEqual(
      copies.map(([, content]) => content),
      isSame ? ['of a'] : ['of a', 'of a'],
    )
  }
})

test('backup: a name that is taken here later is given up by what was only in the vault', async () => {
  const world = await inMode('backup')
  const { a, b } = world
  a.user.writeFile('f', 'of a')
  a.user.writeFile('folder/x', 'of a')
  a.user.writeFile('same', 'same')
  await a.engine.turn()
  await turnUntouched(b)
  b.user.writeFile('f', 'of b')
  b.user.writeFile('folder/y', 'of b')
  b.user.writeFile('same', 'same')
  await turnUntouched(b)
  await assertResting(world)
  const { f, 'folder/x': x, 'folder/y': y, same, keep, ...rest } = await filesOf(a.disk)
  assert.deepEqual([f, x, y, same, keep], ['of b', 'of a', 'of b', 'same', 'k'])
  assert.deepEqual(Object.values(rest), ['of a'])
  assert.match(Object.keys(rest)[0] ?? '', conflictOf('f'))
  assert.deepEqual(await filesOf(b.disk), { f: 'of b', 'folder/y': 'of b', same: 'same', keep: 'k' })
})

test('backup: a folder that is deleted here lives on in the vault with what was only there', async () => {
  const world = await inMode('backup', { 'f/here': '1', 'f/sub/here': '2', x: '3', y: '4' })
  const { a, b } = world
  a.user.writeFile('f/there', 'only there')
  await settle(world)
  b.user.rm('f')
  await turnUntouched(b)
  await assertResting(world)
  assert.deepEqual(await filesOf(a.disk), { 'f/there': 'only there', x: '3', y: '4', keep: 'k' })
})

test('backup: a touch does not put an old version over an edit from elsewhere', async () => {
  const world = await inMode('backup', { f: 'old' })
  const { a, b } = world
  a.user.writeFile('f', 'new')
  await a.engine.turn()
  b.user.setMtime('f', 5n)
  await turnUntouched(b)
  await assertResting(world)
  assert.deepEqual([(await filesOf(a.disk))['f'], (await filesOf(b.disk))['f']], ['new', 'old'])
})

// ---------------------------------------------------------------------------------------------------
// New only

test('new-only: new files go up with the folders that they need, and nothing else does', async () => {
  const world = await inMode('new-only', { edited: '1', moved: '2', deleted: '3', 'folder/x': '4' })
  const { a, b } = world
  b.user.writeFile('new', 'n')
  b.user.writeFile('deep/er/new', 'n')
  b.user.mkdir('empty')
  b.user.symlink('new', 'link')
  b.user.writeFile('edited', 'edited here')
  b.user.rename('moved', 'moved here')
  b.user.rename('folder', 'folder here')
  b.user.writeFile('folder here/new', 'n')
  b.user.rm('deleted')
  await turnUntouched(b)
  assert.deepEqual((await held(b)).sort(), ['edited', 'folder here', 'moved here'])
  await assertResting(world)
  assert.deepEqual(await filesOf(a.disk), {
    edited: '1',
    moved: '2',
    deleted: '3',
    'folder/x': '4',
    'folder/new': 'n',
    new: 'n',
    'deep/er/new': 'n',
    keep: 'k',
  })
  assert.equal(await a.disk.readLink('link'), 'new')
  assert.equal(await a.disk.lstat('empty'), null)
})

test('new-only: nothing that others do touches the disk, and it is not undone', async () => {
  const world = await inMode('new-only', { edited: '1', moved: '2', deleted: '3', 'folder/x': '4' })
  const { a, b } = world
  a.user.writeFile('edited', 'edited there')
  a.user.rename('moved', 'elsewhere')
  a.user.rm('deleted')
  a.user.rename('folder', 'folder there')
  a.user.writeFile('new there/n', 'n')
  const files = await filesOf(a.disk)
  await a.engine.turn()
  await turnUntouched(b)
  assert.deepEqual(await held(b), [])
  await assertResting(world)
  assert.deepEqual(await filesOf(a.disk), files)
  b.user.writeFile('folder/new', 'n')
  await turnUntouched(b)
  assert.deepEqual(await held(b), [])
  await assertResting(world)
  assert.deepEqual(await filesOf(a.disk), { ...files, 'folder there/new': 'n' })
})

test('new-only: a new file in a folder that was deleted elsewhere brings the folder back', async () => {
  const world = await inMode('new-only', { 'f/g/old': '1', x: '2' })
  const { a, b } = world
  a.user.rm('f')
  await a.engine.turn()
  b.user.writeFile('f/g/new', 'n')
  await turnUntouched(b)
  await assertResting(world)
  assert.deepEqual(await filesOf(a.disk), { 'f/g/new': 'n', x: '2', keep: 'k' })
})

test('new-only: a name that the vault has is told, and sent under another', async () => {
  const world = await inMode('new-only')
  const { a, b } = world
  a.user.writeFile('early', 'of a')
  a.user.writeFile('same', 'same')
  await settle(world)
  a.user.writeFile('late', 'of a')
  a.user.writeFile('folder there', 'of a')
  await a.engine.turn()
  b.user.writeFile('early', 'of b')
  b.user.writeFile('late', 'of b too')
  b.user.writeFile('same', 'same')
  b.user.writeFile('folder there/x', 'of b')
  await turnUntouched(b)
  assert.deepEqual((await held(b)).sort(), ['early', 'folder there', 'late'])
  b.user.rename('late', 'free')
  await turnUntouched(b)
  await assertResting(world)
  assert.deepEqual(await filesOf(a.disk), {
    early: 'of a',
    late: 'of a',
    same: 'same',
    'folder there': 'of a',
    free: 'of b too',
    keep: 'k',
  })
})

test('new-only: a new file at the old place of a moved one waits, for in the vault the name is in use', async () => {
  const world = await inMode('new-only', { 'f/x': '1' })
  const { a, b } = world
  b.user.rename('f/x', 'moved')
  b.user.writeFile('f/x', 'new')
  b.user.rename('f', 'g')
  world.clock.advance(1000)
  assert.deepEqual((await held(b)).sort(), ['g', 'g/x', 'moved'])
  await assertResting(world)
  assert.deepEqual(await filesOf(a.disk), { 'f/x': '1', keep: 'k' })
  b.setMode('sync')
  await settle(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(a.disk), { moved: '1', 'g/x': 'new', keep: 'k' })
})

test('new-only: what is deleted here stays in the vault, and a file of that name is judged as new', async () => {
  const world = await inMode('new-only', { f: 'text', 'g/x': 'x' })
  const { a, b } = world
  b.user.rm('f')
  b.user.rm('g')
  await turnUntouched(b)
  assert.deepEqual(await held(b), [])
  assert.match(
    b.state.absentNodes('link of device1', 'mode', 9)[0]?.absence?.message ?? '',
    /deleted here; the vault keeps/,
  )
  b.user.writeFile('f', 'other')
  assert.deepEqual(await held(b), ['f'])
  b.user.writeFile('f', 'text')
  assert.deepEqual(await held(b), [])
  await assertResting(world)
  assert.deepEqual(await filesOf(a.disk), { f: 'text', 'g/x': 'x', keep: 'k' })
})

// ---------------------------------------------------------------------------------------------------
// Mirror

test('mirror: all that others do arrives, and nothing that is done here leaves', async () => {
  const world = await inMode('mirror', { edited: '1', moved: '2', deleted: '3', 'folder/x': '4', touched: '5' })
  const { a, b } = world
  const files = await filesOf(a.disk)
  b.user.writeFile('edited', 'edited here')
  b.user.rename('moved', 'moved here')
  b.user.rm('deleted')
  b.user.rename('folder', 'folder here')
  b.user.writeFile('new/n', 'n')
  b.user.setMtime('touched', 5n)
  await turnUntouched(b)
  assert.deepEqual((await held(b)).sort(), ['deleted', 'edited', 'folder here', 'moved here', 'new'])
  await assertResting(world)
  assert.deepEqual(await filesOf(a.disk), files)
  a.user.writeFile('new there', 'n')
  a.user.writeFile('folder/y', 'y')
  await assertResting(world)
  const here = await filesOf(b.disk)
  assert.deepEqual([here['new there'], here['folder here/y'], here['edited']], ['n', 'y', 'edited here'])
})

test('mirror: an edit here lives on beside the one from the vault, here only', async () => {
  const world = await inMode('mirror', { f: 'old', moved: '1', deleted: '2' })
  const { a, b } = world
  b.user.writeFile('f', 'edited here')
  b.user.rename('moved', 'moved here')
  b.user.rm('deleted')
  await b.engine.turn()
  for (const name of ['f', 'moved', 'deleted']) a.user.writeFile(name, `${name} edited there`)
  await a.engine.turn()
  const { conflicts } = await b.engine.turn()
  const { f, moved, deleted, keep, ...rest } = await filesOf(b.disk)
  assert.deepEqual([f, moved, deleted, keep], ['f edited there', 'moved edited there', 'deleted edited there', 'k'])
  assert.deepEqual(Object.values(rest), ['edited here'])
  assert.deepEqual(conflicts, Object.keys(rest))
  assert.match(conflicts[0] ?? '', conflictOf('f'))
  assert.deepEqual(await held(b), conflicts)
  await assertResting(world)
  assert.deepEqual(Object.keys(await filesOf(a.disk)).sort(), ['deleted', 'f', 'keep', 'moved'])
})

test('mirror: what was deleted there goes, but what was changed in it here stays here', async () => {
  const world = await inMode('mirror', { 'f/same': '1', 'f/edited': '2', 'g/x': '3', lone: '4', y: '5' })
  const { a, b } = world
  b.user.writeFile('f/edited', 'edited here')
  b.user.writeFile('f/new', 'new here')
  b.user.writeFile('lone', 'edited here')
  await b.engine.turn()
  for (const name of ['f', 'g', 'lone']) a.user.rm(name)
  await a.engine.turn()
  await b.engine.turn()
  assert.deepEqual(await filesOf(b.disk), {
    'f/edited': 'edited here',
    'f/new': 'new here',
    lone: 'edited here',
    y: '5',
    keep: 'k',
  })
  await assertResting(world)
  assert.deepEqual((await held(b)).sort(), ['f', 'lone'])
  assert.deepEqual(await filesOf(a.disk), { y: '5', keep: 'k' })
})

test('mirror: a name that is taken by what is only here is freed for what comes', async () => {
  const world = await inMode('mirror', { x: '1' })
  const { a, b } = world
  b.user.writeFile('f', 'of b')
  b.user.writeFile('folder there', 'of b')
  b.user.rename('x', 'taken')
  await b.engine.turn()
  a.user.writeFile('f', 'of a')
  a.user.writeFile('folder there/x', 'of a')
  a.user.writeFile('taken', 'of a')
  await assertResting(world)
  const { f, 'folder there/x': x, taken, keep, ...rest } = await filesOf(b.disk)
  assert.deepEqual([f, x, taken, keep], ['of a', 'of a', 'of a', 'k'])
  assert.deepEqual(Object.values(rest).sort(), ['1', 'of b', 'of b'])
})

test('mirror: a file that comes into a folder that was deleted here brings the folder back, and nothing else', async () => {
  const world = await inMode('mirror', { 'f/x': '1', 'f/y': '2', z: '3' })
  const { a, b } = world
  b.user.rm('f')
  await b.engine.turn()
  a.user.writeFile('f/new', 'n')
  await assertResting(world)
  assert.deepEqual(await filesOf(b.disk), { 'f/new': 'n', z: '3', keep: 'k' })
})

test('mirror: a lost database brings back what the vault has and loses nothing that was here', async () => {
  const world = await inMode('mirror', { f: 'old', deleted: '1' })
  const { a, b } = world
  b.user.writeFile('f', 'edited here')
  b.user.rm('deleted')
  b.user.writeFile('new', 'new here')
  await b.engine.turn()
  b.loseState()
  b.setMode('mirror')
  await assertResting(world)
  const { f, deleted, keep, new: fresh, ...rest } = await filesOf(b.disk)
  assert.deepEqual([f, deleted, keep, fresh, ...Object.values(rest)], ['old', '1', 'k', 'new here', 'edited here'])
  assert.deepEqual(await filesOf(a.disk), { f: 'old', deleted: '1', keep: 'k' })
})

// ---------------------------------------------------------------------------------------------------
// From one mode to another

test('a folder that is synced after it was backed up gets what was only in the vault, and deletes nothing', async () => {
  for (const mode of ['backup', 'new-only'] as const) {
    const world = await inMode(mode, { edited: '1', here: '2' })
    const { a, b } = world
    a.user.writeFile('edited', 'edited there')
    a.user.writeFile('new there/n', 'n')
    b.user.writeFile('new here', 'n')
    await assertResting(world)
    b.setMode('sync')
    await assertResting(world)
    await assertAlike(world)
    assert.deepEqual(await filesOf(b.disk), {
      edited: 'edited there',
      here: '2',
      'new there/n': 'n',
      'new here': 'n',
      keep: 'k',
    })
  }
})

test('a folder that is synced after it sent only new files sends its edits, and gets back what was deleted here', async () => {
  const world = await inMode('new-only', { edited: '1', both: '2', deleted: '3', moved: '4' })
  const { a, b } = world
  b.user.writeFile('edited', 'edited here')
  b.user.writeFile('both', 'edited here')
  a.user.writeFile('both', 'edited there')
  b.user.rm('deleted')
  b.user.rename('moved', 'moved here')
  await assertResting(world)
  b.setMode('sync')
  await assertResting(world)
  await assertAlike(world)
  const { edited, both, deleted, 'moved here': moved, keep, ...rest } = await filesOf(a.disk)
  assert.deepEqual([edited, both, deleted, moved, keep], ['edited here', 'edited there', '3', '4', 'k'])
  assert.deepEqual(Object.values(rest), ['edited here'])
})

test('what was only in the vault comes into a folder that was made here meanwhile, also with another mode', async () => {
  for (const mode of ['backup', 'new-only'] as const) {
    const world = await inMode(mode)
    const { a, b } = world
    a.user.writeFile('folder/sub/x', 'x')
    await settle(world)
    b.user.mkdir('folder/sub')
    b.user.chmod('folder', 0o700)
    await assertResting(world)
    b.setMode('sync')
    await assertResting(world)
    assert.deepEqual(await filesOf(b.disk), { 'folder/sub/x': 'x', keep: 'k' }, mode)
  }
})

test('equal files with other times and modes settle in new-only, and their attributes when it is synced', async () => {
  const world = await inMode('new-only')
  const { a, b } = world
  a.user.writeFile('f', 'same')
  a.user.writeFile('folder/x', 'x')
  await settle(world)
  world.clock.advance(1000)
  b.user.writeFile('f', 'same', 0o600)
  b.user.mkdir('folder')
  b.user.chmod('folder', 0o700)
  await turnUntouched(b)
  // A folder that both made goes up with a new file in it, but without the mode that it has here.
  a.user.mkdir('made by both')
  await a.engine.turn()
  b.user.writeFile('made by both/new', 'n')
  b.user.chmod('made by both', 0o700)
  await turnUntouched(b)
  await assertResting(world)
  b.setMode('sync')
  await assertResting(world)
  await assertAlike(world)
})

test('a mirror that is synced sends what was held', async () => {
  const world = await inMode('mirror', { edited: '1', deleted: '2', moved: '3' })
  const { a, b } = world
  b.user.writeFile('edited', 'edited here')
  b.user.rename('moved', 'moved here')
  b.user.rm('deleted')
  b.user.writeFile('new', 'n')
  await assertResting(world)
  b.setMode('sync')
  await assertResting(world)
  await assertAlike(world)
  assert.deepEqual(await filesOf(a.disk), { edited: 'edited here', 'moved here': '3', new: 'n', keep: 'k' })
})

test('whatever mode follows whatever mode, no file of either person is lost', async () => {
  const modes = ['sync', 'backup', 'new-only', 'mirror'] as const
  for (const first of modes)
    for (const second of modes) {
      const world = await inMode(first, { edited: '1', both: '2', 'f/x': '3' })
      const { a, b } = world
      a.user.writeFile('both', 'both of a')
      a.user.writeFile('new', 'new of a')
      a.user.writeFile('f/a', 'in f of a')
      b.user.writeFile('both', 'both of b')
      b.user.writeFile('new', 'new of b')
      b.user.writeFile('f/b', 'in f of b')
      await settle(world)
      b.setMode(second)
      b.user.writeFile('edited', 'edited of b')
      await settle(world)
      b.setMode('sync')
      await assertResting(world)
      await assertAlike(world)
      const found = new Set(Object.values(await filesOf(a.disk)))
      const wanted = ['edited of b', 'new of a', 'new of b', 'in f of a', 'in f of b', 'both of b', 'k', '3']
      for (const content of wanted) assert.ok(found.has(content), `${content}: ${first}, ${second}`)
    }
})
