/** What every Disk tells of what is there, and what it refuses to look at. */
import assert from 'node:assert/strict'
import { isSameStat } from '../disk-stat.ts'
import { attributes, namesIn, placeText, refuses, statOf, textOf, type Fact } from './disk-things.suite.ts'

export const testLooks = (fact: Fact): void => {
  fact('lstat tells kind, size, mode and times, and null where nothing is', async ({ disk, user }) => {
    user.writeFile('a', 'four', 0o604)
    user.mkdir('b')
    user.symlink('nowhere', 'c')
    const a = await statOf(disk, 'a')
    assert.deepEqual([a.kind, a.size, a.mode], ['file', 4, 0o604])
    assert.ok(a.mtimeNs > 0n && a.ctimeNs > 0n)
    assert.equal((await statOf(disk, 'b')).kind, 'folder')
    assert.deepEqual([(await statOf(disk, 'c')).kind, (await statOf(disk, 'c')).size], ['symlink', 0])
    assert.equal((await statOf(disk, '')).kind, 'folder')
    assert.equal(await disk.lstat('d'), null)
    assert.equal(await disk.lstat('d/e/f'), null)
    assert.ok(isSameStat(a, await statOf(disk, 'a')))
  })

  fact('list tells everything but private folders, which may lie inside of linked ones', async ({ disk, user }) => {
    user.writeFile('folder/file', 'x')
    user.writeFile('.hidden', 'x')
    user.symlink('folder', 'link')
    user.mkdir('folder/.anysync')
    assert.deepEqual(await namesIn(disk, ''), ['.hidden', 'folder', 'link'])
    assert.deepEqual(await namesIn(disk, 'folder'), ['file'])
    const [file] = (await disk.list('folder')).filter(({ name }) => name === 'file')
    assert.deepEqual(file, { name: 'file', stat: await statOf(disk, 'folder/file') })
    await refuses('missing', disk.list('gone'))
    await refuses('conflict', disk.list('.hidden'))
    await refuses('conflict', disk.list('link'))
  })

  fact('a name that is not UTF-8 is told, and one that truly holds U+FFFD is a name', async ({ disk, user }) => {
    user.makeLostName('')
    user.writeFile('true \uFFFD', 'x')
    const entries = (await disk.list('')).sort((a, b) => (a.name < b.name ? -1 : 1))
    assert.deepEqual(entries, [
      { name: 'caf\uFFFD', stat: null, reason: 'name-not-utf8' },
      { name: 'true \uFFFD', stat: await statOf(disk, 'true \uFFFD') },
    ])
  })

  fact('a name stands for itself where names are bytes', async ({ disk }) => {
    for (const name of ['Readme', 'caf\u00e9', 'cafe\u0301']) assert.equal(disk.foldName(name), name)
  })

  fact('pipes, sockets and devices are other, and never opened', async ({ disk, user }) => {
    user.makeOther('pipe')
    assert.deepEqual([(await statOf(disk, 'pipe')).kind, (await statOf(disk, 'pipe')).size], ['other', 0])
    await refuses('conflict', disk.openFile('pipe'))
  })

  fact('a file reads from any position, as far as it goes', async ({ disk, user }) => {
    user.writeFile('a', '0123456789')
    await using file = await disk.openFile('a')
    assert.ok(isSameStat(await file.stat(), await statOf(disk, 'a')))
    const buffer = new Uint8Array(4)
    assert.equal(await file.read(buffer, 3), 4)
    assert.equal(new TextDecoder().decode(buffer), '3456')
    assert.equal(await file.read(buffer, 8), 2)
    assert.equal(await file.read(buffer, 10), 0)
    assert.equal(await file.read(buffer, 99), 0)
  })

  fact('many files are read at once, each with its stat or with what kept it from being read', async (world) => {
    const { disk, user } = world
    user.writeFile('a', 'one')
    user.writeFile('folder/b', 'two')
    user.writeFile('folder/empty', '')
    user.writeFile('folder/large', 'larger')
    user.symlink('folder', 'link')
    const files = ['a', 'folder/b', 'gone', 'folder', 'link', 'link/b', 'folder/large', 'folder/empty', '']
    const wanted = files.map((path) => ({ path, bytesMax: 3 }))
    const reads = await disk.readFiles(wanted, new Uint8Array(new SharedArrayBuffer(100)))
    const told = await Promise.all(
      reads.map(async (read, i) => {
        if ('trouble' in read) return read.trouble.kind
        assert.ok(isSameStat(read.stat, await statOf(disk, files[i]!)))
        return new TextDecoder().decode(new Uint8Array(read.bytes))
      }),
    )
    const conflict = 'conflict'
    assert.deepEqual(told, ['one', 'two', 'missing', conflict, conflict, conflict, conflict, '', conflict])
    const kindsOf = async (bytes: number) =>
      (await disk.readFiles(wanted.slice(0, 2), new Uint8Array(bytes))).map((read) =>
        'trouble' in read ? read.trouble.kind : read.bytes.length,
      )
    assert.deepEqual(await kindsOf(6), [3, 3])
    assert.deepEqual(await kindsOf(5), [3, conflict])
    assert.deepEqual(await disk.readFiles([], new Uint8Array(0)), [])
  })

  fact('openFile and readLink refuse what is not a file or a link', async ({ disk, user }) => {
    user.writeFile('a', 'x')
    user.mkdir('b')
    user.symlink('a', 'c')
    await refuses('conflict', disk.openFile('b'))
    await refuses('conflict', disk.openFile('c'))
    await refuses('missing', disk.openFile('d'))
    assert.equal(await disk.readLink('c'), 'a')
    await refuses('conflict', disk.readLink('a'))
    await refuses('missing', disk.readLink('d'))
  })

  fact('no call goes through a symlink or a file', async (world) => {
    const { disk, user } = world
    user.writeFile('real/file', 'x')
    user.symlink('real', 'link')
    const stat = await statOf(disk, 'real/file')
    for (const folder of ['link', 'real/file']) {
      const path = `${folder}/file`
      await refuses('conflict', disk.lstat(path))
      await refuses('conflict', disk.openFile(path))
      await refuses('conflict', disk.readLink(path))
      await refuses('conflict', placeText(disk, `${folder}/new`, 'x', null))
      await refuses('conflict', disk.placeLink('t', `${folder}/new`, null, 0n))
      await refuses('conflict', disk.makeFolder(`${folder}/new`))
      await refuses('conflict', disk.move('real/file', `${folder}/new`, stat))
      await refuses('conflict', disk.move(path, 'new', stat))
      await refuses('conflict', disk.remove(path, stat))
      await refuses('conflict', disk.setAttributes(path, stat, attributes))
    }
    assert.deepEqual(await namesIn(disk, 'real'), ['file'])
  })

  fact('hostile paths are invalid, among others as well', async ({ disk, user }) => {
    user.writeFile('a/file', 'x')
    user.writeFile('top', 'x')
    for (const path of [
      '..',
      '../a',
      'a/../b',
      '.',
      'a//b',
      '/a',
      'a/',
      'a\0b',
      'a\ud800',
      '.anysync',
      '.anysync/marker',
      'a/.anysync',
      'a/..',
    ]) {
      await refuses('invalid', disk.lstat(path))
      await refuses('invalid', placeText(disk, path, 'x', null))
      await refuses('invalid', disk.makeFolder(path))
      const together = ['a/file', 'top', path].map((one) => ({ path: one, bytesMax: 1 }))
      const told = (await disk.readFiles(together, new Uint8Array(3))).map((read) =>
        'trouble' in read ? read.trouble.kind : 'read',
      )
      assert.deepEqual(told, ['read', 'read', 'invalid'], path)
    }
  })

  fact('a hard link is the same file under two names, until one of them gets another file', async ({ disk, user }) => {
    user.writeFile('a', 'x')
    user.link('a', 'folder/b')
    assert.ok(isSameStat(await statOf(disk, 'a'), await statOf(disk, 'folder/b')))
    user.writeFile('folder/b', 'written through b')
    assert.equal(await textOf(disk, 'a'), 'written through b')
    await placeText(disk, 'a', 'placed', await statOf(disk, 'a'))
    assert.equal(await textOf(disk, 'folder/b'), 'written through b')
    await disk.remove('a', await statOf(disk, 'a'))
    assert.deepEqual([await namesIn(disk, ''), await namesIn(disk, 'folder')], [['folder'], ['b']])
  })

  fact('a folder is the same folder though things in it come and go', async ({ disk, user }) => {
    user.mkdir('folder')
    const seen = await statOf(disk, 'folder')
    user.writeFile('folder/file', 'x')
    user.rm('folder/file')
    await disk.setAttributes('folder', seen, { mode: 0o755, mtimeNs: 1n })
    await disk.remove('folder', await statOf(disk, 'folder'))
  })
}
