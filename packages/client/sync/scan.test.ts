/** What a scan makes of a disk that changed: each test changes a folder that was agreed on before. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeIdFromBytes, rootNodeId } from '@anysync/protocol/ids.ts'
import { asideName } from './identify-node.ts'
import { noRules } from './rules.ts'
import { linkId, scannedFolder } from './scan.suite.ts'

test('a new folder is all new, and after agreeing nothing is', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('a/b/c.txt', 'c')
  user.mkdir('empty')
  user.symlink('a/b', 'link')
  assert.deepEqual(await changes(), ['+a', '+a/b', '+a/b/c.txt', '+empty', '+link'])
  await agree()
  assert.deepEqual(await changes(), [])
})

test('an edit in place, and one saved by rename, touch the same file', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('in-place', 'x')
  user.writeFile('by-rename', 'x')
  await agree()
  user.writeFile('in-place', 'y')
  user.saveFile('by-rename', 'y')
  assert.deepEqual(await changes(), ['~by-rename', '~in-place'])
})

test('a rename keeps the node', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('a', 'x')
  user.writeFile('f/x', 'x')
  await agree()
  user.rename('a', 'f/b')
  assert.deepEqual(await changes(), ['a>f/b'])
})

test('a folder moves with all that is in it, and only it is reported', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('f/g/x', 'x')
  user.mkdir('t')
  await agree()
  user.rename('f', 't/h')
  assert.deepEqual(await changes(), ['f>t/h'])
})

test('exchanged names are two moves', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('a', 'x')
  user.writeFile('b', 'yy')
  await agree()
  user.rename('a', 't')
  user.rename('b', 'a')
  user.rename('t', 'b')
  assert.deepEqual(await changes(), ['a>b', 'b>a'])
})

test('a chain of renames moves each node', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('a', 'x')
  user.writeFile('b', 'yy')
  await agree()
  user.rename('b', 'c')
  user.rename('a', 'b')
  assert.deepEqual(await changes(), ['a>b', 'b>c'])
})

test("an editor's backup by rename leaves the node under its name", async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('notes', 'old')
  await agree()
  user.rename('notes', 'notes~')
  user.writeFile('notes', 'new text')
  assert.deepEqual(await changes(), ['+notes~', '~notes'])
})

test('what is deleted is gone with all below it', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('f/g/x', 'x')
  user.writeFile('y', 'y')
  await agree()
  user.rm('f')
  assert.deepEqual(await changes(), ['-f', '-g', '-x'])
})

test('a file that became a folder is gone and new', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('a', 'x')
  await agree()
  user.rm('a')
  user.writeFile('a/b', 'y')
  assert.deepEqual(await changes(), ['+a', '+a/b', '-a'])
})

test('nothing below an unreadable folder is said to be gone', async () => {
  const { user, agree, look, changes } = await scannedFolder()
  user.writeFile('f/g/x', 'x')
  await agree()
  user.chmod('f', 0)
  assert.deepEqual(await changes(), ['~f'])
  const { isComplete, troubles } = await look()
  assert.equal(isComplete, false)
  assert.deepEqual(
    troubles.map(({ path, kind }) => [path, kind]),
    [['f', 'unreadable']],
  )
})

test('a second name of a file is a new file also when the folder of the first one moved', async () => {
  const { user, agree, changes } = await scannedFolder()
  user.writeFile('f/x', 'x')
  user.mkdir('t')
  await agree()
  user.mkdir('f/g')
  user.link('f/x', 'f/g/y')
  user.rename('f', 't/h')
  assert.deepEqual(await changes(), ['+t/h/g', '+t/h/g/y', 'f>t/h', '~t/h/x'])
})

test('a file whose old name something else has taken that is not synced has moved, wherever the scan meets it', async () => {
  for (const to of ['a', 'z', 'f/a']) {
    const { user, agree, look, changes } = await scannedFolder()
    user.writeFile('m', 'x')
    user.mkdir('f')
    await agree()
    user.rename('m', to)
    user.makeOther('m')
    assert.deepEqual(await changes(), [`m>${to}`])
    assert.equal((await look()).leftOut.size, 0)
  }
})

test('what was moved out of a folder whose name something else has taken has moved, and the rest is left out', async () => {
  for (const to of ['a', 'z']) {
    const { user, agree, look, changes } = await scannedFolder()
    user.writeFile('m/g/x', 'x')
    user.writeFile('m/y', 'y')
    await agree()
    user.rename('m/g', to)
    user.rm('m')
    user.makeOther('m')
    assert.deepEqual(await changes(), [`g>${to}`])
    assert.equal((await look()).leftOut.size, 2)
  }
})

test('a socket or a name that is not UTF-8 is skipped with a reason, and never a deletion', async () => {
  const { user, agree, look, changes } = await scannedFolder()
  user.writeFile('a', 'x')
  await agree()
  user.rm('a')
  user.makeOther('a')
  user.makeLostName('')
  assert.deepEqual(await changes(), [])
  assert.deepEqual(
    (await look()).troubles.map(({ kind }) => kind),
    ['skipped', 'skipped'],
  )
})

test('what is in the vault but was never on this disk is not gone', async () => {
  const { user, state, agree, changes } = await scannedFolder()
  user.writeFile('f/a', 'x')
  await agree()
  const [folder] = state.children(linkId, nodeIdFromBytes(new Uint8Array(16)))
  assert.ok(folder)
  state.putNode(linkId, {
    ...folder,
    id: nodeIdFromBytes(new Uint8Array(16).fill(7)),
    name: 'CON',
    disk: null,
    absence: { kind: 'name', message: 'not here' },
  })
  assert.deepEqual(await changes(), [])
})

test('of two nodes that the base has under one name, the one that is not there is gone', async () => {
  for (const isFirst of [true, false]) {
    const { user, state, agree, changes } = await scannedFolder()
    user.writeFile('f/a', 'x')
    await agree()
    const [folder] = state.children(linkId, rootNodeId)
    assert.ok(folder?.disk)
    const other = nodeIdFromBytes(new Uint8Array(16).fill(7))
    if (isFirst) state.removeNode(linkId, folder.id)
    state.putNode(linkId, { ...folder, id: other, kind: 'file', disk: { ...folder.disk, kind: 'file', inode: 999n } })
    if (isFirst) state.putNode(linkId, folder)
    assert.deepEqual(await changes(), ['-f'])
    user.writeFile('f/b', 'y')
    assert.deepEqual(await changes(), ['+f/b', '-f'])
  }
})

test('what is missing where another file system lies than before is not gone', async () => {
  const { user, state, agree, changes, look } = await scannedFolder()
  user.writeFile('f/a', 'x')
  user.writeFile('f/b/c', 'y')
  await agree()
  const [folder] = state.children(linkId, rootNodeId)
  assert.ok(folder?.disk)
  state.putNode(linkId, { ...folder, disk: { ...folder.disk, device: 8n, inode: 999n } })
  assert.deepEqual(await changes(), ['~f'])
  user.rm('f/b')
  user.writeFile('f/d', 'z')
  assert.deepEqual(await changes(), ['+f/d'])
  const { troubles, isComplete } = await look()
  assert.deepEqual([troubles.map(({ path, kind }) => [path, kind]), isComplete], [[['f', 'unreadable']], false])
  user.rm('f')
  assert.deepEqual(await changes(), ['-a', '-b', '-c', '-f'])
})

test('a file that was renamed and then edited is gone and new: its inode alone proves nothing', async () => {
  const { disk, user, agree, changes } = await scannedFolder()
  user.writeFile('a', 'x')
  user.writeFile('b', 'x')
  await agree()
  user.rename('a', 'c')
  user.setMtime('c', 5n)
  const stat = await disk.lstat('b')
  user.rename('b', 'd')
  user.writeFile('d', 'longer')
  user.setMtime('d', stat?.mtimeNs ?? 0n)
  assert.deepEqual(await changes(), ['+c', '+d', '-a', '-b'])
})

test('a hard link is a node of its own', async () => {
  const { disk, user, agree, changes } = await scannedFolder()
  user.writeFile('a', 'x')
  await agree()
  const list = disk.list.bind(disk)
  disk.list = async (path) => {
    const entries = await list(path)
    return [...entries.map((entry) => ({ ...entry, name: 'hard link' })), ...entries]
  }
  assert.deepEqual(await changes(), ['+hard link'])
})

test('what lies under an aside name is the node of that id, at its own place, whatever happened to it', async () => {
  const { user, state, agree, look } = await scannedFolder()
  user.writeFile('a', 'x')
  await agree()
  const [node] = state.children(linkId, rootNodeId)
  assert.ok(node)
  user.rm('a')
  user.writeFile(asideName(node.id), 'written anew')
  const { changes: found } = await look()
  assert.deepEqual([...found.keys()], [node.id])
  const { local } = found.get(node.id) ?? {}
  assert.deepEqual([local?.name, local?.path, local?.isAside], ['a', asideName(node.id), true])
})

test('what lies under the aside name of a node that is at its own place is another node', async () => {
  const { user, state, agree, look } = await scannedFolder()
  user.writeFile('b', 'x')
  await agree()
  const [node] = state.children(linkId, rootNodeId)
  assert.ok(node)
  user.writeFile(asideName(node.id), 'left behind')
  const { changes: found } = await look()
  const [change] = [...found.values()]
  assert.deepEqual(
    [found.size, found.has(node.id), change?.base, change?.local?.name.split(' ')[0]],
    [1, false, null, 'recovered'],
  )
})

test('of two nodes of one name that had the inode, the one is here that looks the same', async () => {
  const { user, state, agree, look } = await scannedFolder()
  user.writeFile('a', 'new one')
  await agree()
  const [row] = state.children(linkId, rootNodeId)
  assert.ok(row?.disk)
  // Saved by rename, which set its inode free for the new one, and not agreed on yet.
  const before = nodeIdFromBytes(new Uint8Array(16).fill(1))
  state.removeNode(linkId, row.id)
  state.putNode(linkId, { ...row, id: before, disk: { ...row.disk, size: 3, mtimeNs: 1n } })
  state.putNode(linkId, row)
  const { changes } = await look()
  assert.deepEqual([...changes.keys()], [before])
  assert.equal(changes.get(before)?.local, null)
})

test('a folder in which nothing happened is looked at without its rows, until something does', async () => {
  const { user, state, agree, look, changes } = await scannedFolder()
  user.writeFile('f/g/x', 'x')
  user.writeFile('f/y', 'y')
  user.symlink('f', 'link')
  await agree()
  let read = 0
  const children = state.children.bind(state)
  state.children = (...words) => {
    read++
    return children(...words)
  }
  const readBy = async (rules = noRules): Promise<number> => {
    read = 0
    const { nodes, listed } = await look('all', rules)
    assert.deepEqual([nodes, listed.size], [5, 3])
    return read
  }
  assert.deepEqual([await readBy(), await readBy()], [3, 0])
  assert.deepEqual([await readBy({ ...noRules, fingerprint: 'others' }), await readBy()], [3, 3])
  // A row that is put, even as it was, and only the folder that holds it.
  const [row] = children(linkId, rootNodeId).filter(({ name }) => name === 'link')
  state.putNode(linkId, row!)
  assert.deepEqual([await readBy(), await readBy()], [1, 0])
  user.writeFile('f/g/x', 'z')
  assert.deepEqual(await changes(), ['~f/g/x'])
  assert.deepEqual(await changes(), ['~f/g/x'])
  await agree()
  assert.deepEqual([await readBy(), await readBy()], [1, 0])
  user.rename('f/g', 'h')
  assert.deepEqual(await changes(), ['g>h'])
  user.rename('h', 'f/g')
  assert.deepEqual([await changes(), await readBy()], [[], 0])
  user.rm('f/y')
  assert.deepEqual(await changes(), ['-y'])
})
