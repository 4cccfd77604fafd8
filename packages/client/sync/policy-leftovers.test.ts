/** Stories of what lies in a folder and is not synced: sockets and pipes, names that are not UTF-8, what rules leave out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertBaseIsHead, assertNothingToDo } from './settled.suite.ts'
import { household } from './household.suite.ts'
import { filesOf, noSettings, settle } from './world.suite.ts'

test('a folder that was removed elsewhere stays here with what is not synced, is at rest, and is not sent again', async () => {
  for (const leave of ['socket', 'lost name'] as const) {
    const world = await household({ 'f/g/x': 'x', 'f/y': 'y', keep: 'k', more: 'm' })
    const { a, b } = world
    if (leave === 'socket') b.user.makeOther('f/g/socket')
    else b.user.makeLostName('f/g')
    a.user.rm('f')
    await a.engine.turn()
    assert.equal((await b.engine.turn()).isSettled, true)
    await settle(world)
    assert.deepEqual(await filesOf(b.disk), { keep: 'k', more: 'm' })
    assert.equal((await b.disk.lstat('f/g'))?.kind, 'folder')
    assert.equal(await a.disk.lstat('f'), null)
    for (const device of world.devices) {
      await assertNothingToDo(device)
      await assertBaseIsHead(device)
    }
    a.user.writeFile('f/g/again', 'back')
    await settle(world)
    assert.deepEqual(await filesOf(b.disk), { 'f/g/again': 'back', keep: 'k', more: 'm' })
    for (const device of world.devices) await assertBaseIsHead(device)
  }
})

test('a file that a person puts into a folder that was left here brings it back everywhere', async () => {
  const world = await household({ 'f/x': 'x', keep: 'k', more: 'm' })
  const { a, b } = world
  b.user.makeOther('f/socket')
  a.user.rm('f')
  await settle(world)
  b.user.writeFile('f/new', 'n')
  await settle(world)
  assert.deepEqual(await filesOf(a.disk), { 'f/new': 'n', keep: 'k', more: 'm' })
})

test('a socket that takes the name of a file is told, and the file stays in the vault', async () => {
  const world = await household({ f: 'text', keep: 'k' })
  const { a, b } = world
  b.user.rm('f')
  b.user.makeOther('f')
  const { troubles } = await b.engine.turn()
  assert.deepEqual(
    troubles.map(({ path, kind }) => [path, kind]),
    [['f', 'skipped']],
  )
  await a.engine.turn()
  assert.deepEqual(await filesOf(a.disk), { f: 'text', keep: 'k' })
})

test('a file that was moved while a socket took its name gets the edits of others, before and after it is sent', async () => {
  for (const to of ['a', 'z'])
    for (const isMoveFirst of [true, false]) {
      const world = await household({ f: 'text', keep: 'k' })
      const { a, b } = world
      b.user.rename('f', to)
      b.user.makeOther('f')
      a.user.writeFile('f', 'edited')
      for (const { engine } of isMoveFirst ? [b, a] : [a, b]) await engine.turn()
      await settle(world)
      for (const { disk } of [a, b]) assert.deepEqual(await filesOf(disk), { [to]: 'edited', keep: 'k' })
    }
})

test('a folder whose name a socket took, and that others give a name that is refused here, is not here with all in it', async () => {
  const world = await household({ 'f/g/x': 'x', keep: 'k' }, { refusedByB: ['con'] })
  const { a, b } = world
  b.user.rm('f')
  b.user.makeOther('f')
  a.user.rename('f', 'con')
  await settle(world)
  await assertBaseIsHead(b)
  a.user.chmod('con/g', 0o700)
  await settle(world)
  await assertBaseIsHead(b)
  a.user.rename('con', 'h')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'h/g/x': 'x', keep: 'k' })
})

test('a folder whose name a socket took comes again with all in it under the name that others give it', async () => {
  const world = await household({ 'f/g/x': 'x', keep: 'k' })
  const { a, b } = world
  b.user.rm('f')
  b.user.makeOther('f')
  a.user.rename('f', 'h')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'h/g/x': 'x', keep: 'k' })
  await assertBaseIsHead(b)
})

test('a folder that is left out here comes again with all in it when others give it a name that is not: nothing is deleted', async () => {
  const world = await household({ 'f/g/x': 'x', keep: 'k' })
  const { a, b } = world
  b.rules = { ...noSettings, settings: { ...noSettings.settings, exclude: ['/f'] } }
  await settle(world)
  a.user.rename('f', 'h')
  await settle(world)
  assert.deepEqual(await filesOf(a.disk), { 'h/g/x': 'x', keep: 'k' })
  assert.deepEqual(await filesOf(b.disk), { 'f/g/x': 'x', 'h/g/x': 'x', keep: 'k' })
  await assertBaseIsHead(b)
})

test('what others move into a folder whose name a socket took is not here, and comes when the folder gets another name', async () => {
  const world = await household({ 'f/g/x': 'x', b2: 'two', keep: 'k' })
  const { a, b } = world
  b.user.rm('f')
  b.user.makeOther('f')
  a.user.rename('b2', 'f/g/y')
  await settle(world)
  await assertBaseIsHead(b)
  a.user.rename('f', 'h')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'h/g/x': 'x', 'h/g/y': 'two', keep: 'k' })
  await assertBaseIsHead(b)
})

test('what changes in a folder that could not be here comes with the rest when the folder gets another name', async () => {
  const world = await household({ keep: 'k' }, { refusedByB: ['con'] })
  const { a, b } = world
  a.user.writeFile('con/g/x', 'x')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { keep: 'k' })
  a.user.writeFile('con/g/y', 'y')
  a.user.rename('con', 'h')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'h/g/x': 'x', 'h/g/y': 'y', keep: 'k' })
  await assertBaseIsHead(b)
})

test('what changes deep in a folder that could not be here comes when the folder gets another name at the same time', async () => {
  const world = await household({ 'f/g/h/x': 'x', 'f/y': 'y', keep: 'k' })
  const { a, b } = world
  b.user.rm('f')
  b.user.makeOther('f')
  await settle(world)
  a.user.rm('f/y')
  await settle(world)
  a.user.rename('f', 'n')
  a.user.writeFile('n/g/h/x', 'edited')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { 'n/g/h/x': 'edited', keep: 'k' })
})

test('a folder whose name a socket took, and in which others made something, comes again when the socket goes', async () => {
  const world = await household({ 'f/x': 'x', keep: 'k' })
  const { a, b } = world
  b.user.rm('f')
  b.user.makeOther('f')
  a.user.writeFile('f/y', 'new')
  await settle(world)
  await assertBaseIsHead(b)
  b.user.rm('f')
  await settle(world)
  for (const { disk } of [a, b]) assert.deepEqual(await filesOf(disk), { 'f/x': 'x', 'f/y': 'new', keep: 'k' })
  await assertBaseIsHead(b)
})

test('a mode or time that arrives for one of two names of a file does not change the other', async () => {
  const world = await household({ one: 'text', keep: 'k' })
  const { a, b } = world
  b.user.link('one', 'two')
  await settle(world)
  const before = await b.disk.lstat('two')
  a.user.chmod('one', 0o600)
  await settle(world)
  assert.deepEqual([(await b.disk.lstat('one'))?.mode, (await b.disk.lstat('two'))?.mode], [0o600, before?.mode])
  assert.equal((await a.disk.lstat('two'))?.mode, before?.mode)
  await settle(world)
})

test('hard links are two files of the same bytes, and an edit through one name shows under both', async () => {
  const world = await household({ one: 'text' })
  const { a, b } = world
  a.user.link('one', 'two')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { one: 'text', two: 'text' })
  a.user.writeFile('one', 'edited')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { one: 'edited', two: 'edited' })
  b.user.writeFile('one', 'edited there')
  await settle(world)
  assert.deepEqual(await filesOf(a.disk), { one: 'edited there', two: 'edited' })
  a.user.rm('two')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { one: 'edited there' })
  for (const device of world.devices) await assertNothingToDo(device)
})

test('a folder that was removed elsewhere and stays here keeps its name while another wants it', async () => {
  const world = await household({ 'f/x': 'x', keep: 'k', more: 'm' })
  const { a, b } = world
  b.user.makeOther('f/socket')
  a.user.rm('f')
  a.user.rename('keep', 'f')
  await a.engine.turn()
  await b.engine.turn()
  assert.deepEqual((await b.disk.list('')).map(({ name }) => name).sort(), ['f', 'keep', 'more'])
  assert.equal((await b.disk.lstat('f'))?.kind, 'folder')
  b.user.rm('f')
  await settle(world)
  assert.deepEqual(await filesOf(b.disk), { f: 'k', more: 'm' })
  for (const device of world.devices) await assertBaseIsHead(device)
})
