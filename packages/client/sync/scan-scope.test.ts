/** What a scan finds that looks at some folders only, and what it leaves for later. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootNodeId } from '@anysync/protocol/ids.ts'
import { asideName } from './identify-node.ts'
import { baseNodeOf } from './node.ts'
import { linkId, scannedFolder } from './scan.suite.ts'

const scopeOf = (...paths: string[]): ReadonlySet<string> => new Set(paths)

test('only the folders of the scope are looked at', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('a/x', 'x')
  user.writeFile('b/y', 'y')
  await agree()
  user.writeFile('a/x', 'edited')
  user.writeFile('b/y', 'edited')
  assert.deepEqual(await changes(scopeOf('b')), ['~b/y'])
  assert.deepEqual(await changes(scopeOf('a', 'b')), ['~a/x', '~b/y'])
  assert.deepEqual(await changes(scopeOf()), [])
})

test('a new folder is looked at with all that is in it', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('a/x', 'x')
  await agree()
  user.writeFile('a/new/deep/y', 'y')
  assert.deepEqual(await changes(scopeOf('a')), ['+a/new', '+a/new/deep', '+a/new/deep/y'])
})

test('a hint from within a folder that is new or moved leads to the folder above', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('a/sub/x', 'x')
  await agree()
  user.rename('a', 'b')
  user.writeFile('b/sub/x', 'edited')
  assert.deepEqual(await changes(scopeOf('b/sub')), ['a>b', '~b/sub/x'])
  user.writeFile('new/deep/y', 'y')
  assert.deepEqual(await changes(scopeOf('new/deep')), ['+new', '+new/deep', '+new/deep/y', 'a>b', '~b/sub/x'])
})

test('folders that exchanged their names are not taken for each other', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('a/x', 'x')
  user.writeFile('b/y', 'y')
  await agree()
  user.rename('a', 't')
  user.rename('b', 'a')
  user.rename('t', 'b')
  assert.deepEqual(await changes(scopeOf('a', 'b')), ['a>b', 'b>a'])
})

test('a file that moves between two folders of the scope keeps its node', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('a/x', 'x')
  user.mkdir('b')
  await agree()
  user.rename('a/x', 'b/x')
  assert.deepEqual(await changes(scopeOf('a', 'b')), ['x>b/x'])
  assert.deepEqual(await changes(scopeOf('b', 'a')), ['x>b/x'])
})

test('a folder of the scope that became a file or a link, or is closed, is told by the folder above', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('a/x', 'x')
  user.writeFile('b/y', 'y')
  await agree()
  user.rm('a')
  user.writeFile('a', 'a file now')
  user.rm('b')
  user.symlink('elsewhere', 'b')
  assert.deepEqual(await changes(scopeOf('a', 'b')), ['+a', '+b', '-a', '-b', '-x', '-y'])
})

test('of two folders that the base has under one name, the one that lies there is looked at', async () => {
  for (const names of [
    ['a', 'b'],
    ['b', 'a'],
  ]) {
    const { user, agree, changes, state } = await scannedFolder()
    for (const name of names) user.writeFile(`${name}/x`, name)
    await agree()
    user.writeFile('a/x', 'edited')
    // It was set aside for the other, and its step is still to be carried out.
    const [other] = state.childrenNamed(linkId, rootNodeId, 'b')
    assert.ok(other)
    user.rename('b', asideName(other.id))
    state.putNode(linkId, { ...other, name: 'a' })
    assert.deepEqual(await changes(scopeOf('a')), ['~a/x'])
  }
})

test('a folder of the scope that moves before the scan comes to it is looked at where it is then', async () => {
  const { disk, user, agree, changes } = await scannedFolder()
  user.writeFile('b/x', 'x')
  user.mkdir('c')
  await agree()
  user.writeFile('b/x', 'edited')
  const list = disk.list.bind(disk)
  disk.list = (path) => {
    if (path === 'b') user.rename('b', 'c/b')
    return list(path)
  }
  assert.deepEqual(await changes(scopeOf('b', 'c')), ['b>c/b', '~c/b/x'])
})

test('a scan that finds much stops, and says so, but not while something is missing', async () => {
  const { user, agree, look } = await scannedFolder()
  user.writeFile('old', 'old')
  await agree()
  for (const folder of ['a', 'b', 'c']) for (const name of ['1', '2', '3']) user.writeFile(`${folder}/${name}`, name)
  const cut = await look('all', undefined, 4)
  assert.deepEqual([cut.rest.map(({ path }) => path), cut.changes.size], [['b', 'c'], 6])
  user.rm('old')
  const whole = await look('all', undefined, 4)
  assert.deepEqual(whole.rest, [])
  assert.equal(whole.changes.size, 13)
})

test('a scan goes on where one stopped, and both together find all', async () => {
  const { user, look, state } = await scannedFolder()
  for (const path of ['a/1', 'a/deep/2', 'b/deep/deeper/3', 'b/4', 'c/5']) user.writeFile(path, path)
  const found: string[] = []
  let whole: Set<string> | undefined
  for (let scans = 0; whole?.size !== 0; scans++) {
    assert.ok(scans < 10)
    const { changes, rest } = await look(whole === undefined ? 'all' : new Set(), undefined, 2, whole)
    for (const [id, { local }] of changes) {
      assert.ok(local !== null)
      found.push(local.path)
      state.putNode(linkId, baseNodeOf({ ...local, id }, local.disk, null))
    }
    whole = new Set(rest.map(({ path }) => path))
  }
  assert.deepEqual(found.sort(), 'a a/1 a/deep a/deep/2 b b/4 b/deep b/deep/deeper b/deep/deeper/3 c c/5'.split(' '))
  assert.equal((await look()).changes.size, 0)
})

test('memory grows with what changed, not with what is there', async () => {
  const { user, agree, look } = await scannedFolder()
  for (let number = 0; number < 300; number++) user.writeFile(`f${number % 10}/${number}`, 'x')
  await agree()
  const { changes, nodes, listed } = await look()
  assert.deepEqual([changes.size, nodes, listed.size], [0, 310, 11])
})
