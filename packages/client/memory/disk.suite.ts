/**
 * What every Disk must do, real or in memory.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble, type Kind } from '@anysync/protocol/errors.ts'
import { isSameStat } from '../disk-stat.ts'
import type { Disk, DiskStat } from '../ports.ts'
import type { DiskUser } from './disk-user.ts'
import { readFile, readTree } from './read-tree.ts'

/** A fresh, empty folder with a marker, and the person at it. */
export type DiskWorld = AsyncDisposable & {
  disk: Disk
  user: Omit<DiskUser, 'plug' | 'hideUnderEmptyFolder' | 'rewriteUnseen'>
  /** Runs the work as somebody whom permissions bind. */
  asOrdinaryPerson<Result>(work: () => Promise<Result>): Promise<Result>
}

const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = async (disk: Disk, path: string) => new TextDecoder().decode(await readFile(disk, path))
const refuses = (kind: Kind, work: Promise<unknown>) =>
  assert.rejects(
    work,
    (error: unknown) => isTrouble(error, kind) || assert.fail(`wanted ${kind}, got ${String(error)}`),
  )
const attributes = { mode: 0o640, mtimeNs: 1_600_000_000_123_456_789n }

const statOf = async (disk: Disk, path: string): Promise<DiskStat> => {
  const stat = await disk.lstat(path)
  assert.ok(stat, `nothing at ${path}`)
  return stat
}

const placeText = async (disk: Disk, path: string, text: string, expected: DiskStat | null): Promise<DiskStat> => {
  await using temp = await disk.createTemp('')
  await temp.write(bytesOf(text))
  await temp.finish(attributes)
  return await disk.place(temp, path, expected)
}

const namesIn = async (disk: Disk, path: string) => (await disk.list(path)).map(({ name }) => name).sort()

export const diskSuite = (open: () => Promise<DiskWorld>): void => {
  const fact = (name: string, body: (world: DiskWorld) => Promise<void>): void => {
    test(name, async () => {
      await using world = await open()
      await body(world)
    })
  }

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

  fact('what is set on one of two names of a file does not show under the other', async ({ disk, user }) => {
    user.writeFile('one', 'text', 0o600)
    user.link('one', 'two')
    const before = await statOf(disk, 'two')
    assert.equal((await statOf(disk, 'one')).inode, before.inode)
    const set = await disk.setAttributes('one', await statOf(disk, 'one'), attributes)
    assert.deepEqual([set.mode, set.mtimeNs], [attributes.mode, attributes.mtimeNs])
    assert.ok(isSameStat(set, await statOf(disk, 'one')))
    const after = await statOf(disk, 'two')
    assert.deepEqual([after.inode, after.mode, after.mtimeNs], [before.inode, 0o600, before.mtimeNs])
    assert.notEqual(set.inode, after.inode)
    user.writeFile('two', 'other')
    assert.deepEqual([await textOf(disk, 'one'), await textOf(disk, 'two')], ['text', 'other'])
    const alone = await disk.setAttributes('one', set, { mode: 0o644, mtimeNs: 1n })
    assert.equal(alone.inode, set.inode, 'a file with one name is changed in place')
    await refuses('conflict', disk.setAttributes('two', before, attributes))
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

  fact('many files are made and placed at once, each only where it was expected', async ({ disk, user }) => {
    user.writeFile('folder/there', 'before')
    const there = await statOf(disk, 'folder/there')
    const texts = Array.from({ length: 40 }, (_, i) => `text ${'.'.repeat(i)}`)
    const temps = await disk.writeTemps(
      texts.map((text, i) => ({ folder: i < 20 ? '' : 'folder', bytes: bytesOf(text), ...attributes })),
    )
    const paths = texts.map((_, i) => (i < 20 ? `${i}` : `folder/${i}`))
    paths[1] = 'folder/there'
    paths[2] = 'folder/there'
    paths[3] = 'gone/3'
    await disk.settle()
    const placed = await disk.placeFiles(
      temps.map((temp, i) => ({ temp, path: paths[i]!, expected: i === 1 ? there : null })),
    )
    for (const [i, answer] of placed.entries()) {
      if (i === 2 || i === 3) assert.equal('trouble' in answer && answer.trouble.kind, i === 2 ? 'conflict' : 'missing')
      else {
        assert.ok('stat' in answer && isSameStat(answer.stat, await statOf(disk, paths[i]!)), `file ${i}`)
        assert.deepEqual([answer.stat.mode, answer.stat.mtimeNs], [attributes.mode, attributes.mtimeNs])
        assert.equal(await textOf(disk, paths[i]!), texts[i])
      }
    }
    for (const temp of temps) await temp[Symbol.asyncDispose]()
    assert.equal((await namesIn(disk, '')).length, 20 - 3 + 1)
    assert.deepEqual([await disk.writeTemps([]), await disk.placeFiles([])], [[], []])
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

  fact('hostile paths are invalid', async ({ disk }) => {
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
    ]) {
      await refuses('invalid', disk.lstat(path))
      await refuses('invalid', placeText(disk, path, 'x', null))
      await refuses('invalid', disk.makeFolder(path))
    }
  })

  fact('a placed file is whole, with its mode and its nanoseconds', async ({ disk, user }) => {
    user.mkdir('folder')
    await using temp = await disk.createTemp('')
    for (const part of ['one ', '', 'two']) await temp.write(bytesOf(part))
    await temp.finish({ mode: 0o4751, mtimeNs: 1_234_567_890_987_654_321n })
    assert.deepEqual(await namesIn(disk, 'folder'), [])
    const stat = await disk.place(temp, 'folder/a', null)
    assert.deepEqual([stat.kind, stat.size, stat.mode, stat.mtimeNs], ['file', 7, 0o4751, 1_234_567_890_987_654_321n])
    assert.ok(isSameStat(stat, await statOf(disk, 'folder/a')))
    assert.equal(await textOf(disk, 'folder/a'), 'one two')
    await refuses('invalid', disk.place(temp, 'b', null))
  })

  fact('place keeps what is there unless it was expected there', async ({ disk, user }) => {
    user.writeFile('a', 'mine')
    const seen = await statOf(disk, 'a')
    await refuses('conflict', placeText(disk, 'a', 'theirs', null))
    user.writeFile('a', 'mine, edited')
    await refuses('conflict', placeText(disk, 'a', 'theirs', seen))
    await refuses('conflict', placeText(disk, 'b', 'theirs', seen))
    await refuses('missing', placeText(disk, 'c/d', 'theirs', null))
    assert.equal(await textOf(disk, 'a'), 'mine, edited')
    const now = await statOf(disk, 'a')
    const placed = await placeText(disk, 'a', 'theirs', now)
    assert.notEqual(placed.inode, now.inode)
    assert.equal(await textOf(disk, 'a'), 'theirs')
  })

  fact('place replaces a symlink but never a folder', async ({ disk, user }) => {
    user.mkdir('folder')
    user.symlink('folder', 'link')
    await refuses('conflict', placeText(disk, 'folder', 'x', await statOf(disk, 'folder')))
    await refuses('conflict', placeText(disk, 'folder', 'x', null))
    await placeText(disk, 'link', 'x', await statOf(disk, 'link'))
    assert.equal(await textOf(disk, 'link'), 'x')
    assert.deepEqual(await namesIn(disk, 'folder'), [])
  })

  fact('placeLink makes links with times of their own, to anywhere and nowhere', async ({ disk, user }) => {
    const mtimeNs = 987_654_321_012_345_678n
    for (const [index, target] of ['nowhere', '../..', '/etc/passwd', 'ü 🎉', 'x'.repeat(1000)].entries()) {
      const stat = await disk.placeLink(target, `link ${index}`, null, mtimeNs)
      assert.deepEqual([stat.kind, stat.mtimeNs], ['symlink', mtimeNs])
      assert.equal(await disk.readLink(`link ${index}`), target)
    }
    const seen = await statOf(disk, 'link 0')
    await refuses('conflict', disk.placeLink('else', 'link 0', null, mtimeNs))
    const replaced = await disk.placeLink('else', 'link 0', seen, mtimeNs + 1n)
    assert.equal(replaced.mtimeNs, mtimeNs + 1n)
    assert.equal(await disk.readLink('link 0'), 'else')
    await refuses('conflict', disk.placeLink('else', 'link 0', seen, mtimeNs))
    user.writeFile('file', 'x')
    await disk.placeLink('else', 'file', await statOf(disk, 'file'), mtimeNs)
    assert.equal(await disk.readLink('file'), 'else')
  })

  fact('makeFolder makes one folder where nothing was', async ({ disk, user }) => {
    user.writeFile('file', 'x')
    const stat = await disk.makeFolder('folder')
    assert.deepEqual([stat.kind, stat.mode], ['folder', 0o700])
    await disk.makeFolder('folder/inner')
    await refuses('conflict', disk.makeFolder('folder'))
    await refuses('conflict', disk.makeFolder('file'))
    await refuses('missing', disk.makeFolder('a/b'))
  })

  fact('move takes files, links and full folders along, and replaces nothing', async ({ disk, user }) => {
    user.writeFile('a', 'x')
    user.writeFile('folder/inner/file', 'y')
    user.symlink('a', 'link')
    user.writeFile('b', 'other')
    const seen = await statOf(disk, 'a')
    await refuses('conflict', disk.move('a', 'b', seen))
    await refuses('conflict', disk.move('a', 'folder', seen))
    await refuses('conflict', disk.move('gone', 'new', seen))
    await refuses('missing', disk.move('a', 'gone/new', seen))
    const moved = await disk.move('a', 'folder/a', seen)
    assert.deepEqual([moved.inode, moved.size, moved.mtimeNs], [seen.inode, seen.size, seen.mtimeNs])
    assert.ok(isSameStat(moved, await statOf(disk, 'folder/a')))
    assert.equal(await disk.lstat('a'), null)
    await disk.move('link', 'moved link', await statOf(disk, 'link'))
    assert.equal(await disk.readLink('moved link'), 'a')
    const folder = await statOf(disk, 'folder')
    await refuses('invalid', disk.move('folder', 'folder/inner/folder', folder))
    user.mkdir('empty')
    await refuses('conflict', disk.move('folder', 'empty', folder))
    await refuses('conflict', disk.move('folder', 'b', folder))
    assert.equal((await disk.move('folder', 'empty/folder', folder)).inode, folder.inode)
    assert.equal(await textOf(disk, 'empty/folder/inner/file'), 'y')
    assert.equal(await textOf(disk, 'b'), 'other')
  })

  fact('move refuses what changed since it was looked at', async ({ disk, user }) => {
    user.writeFile('a', 'x')
    const seen = await statOf(disk, 'a')
    user.saveFile('a', 'edited')
    await refuses('conflict', disk.move('a', 'b', seen))
    assert.deepEqual(await namesIn(disk, ''), ['a'])
  })

  fact('remove takes files, links and empty folders as they were seen, and nothing else', async ({ disk, user }) => {
    user.writeFile('a', 'x')
    user.writeFile('folder/file', 'x')
    user.symlink('folder', 'link')
    const a = await statOf(disk, 'a')
    user.writeFile('a', 'edited')
    await refuses('conflict', disk.remove('a', a))
    await refuses('conflict', disk.remove('folder', await statOf(disk, 'folder')))
    await refuses('conflict', disk.remove('gone', a))
    await refuses('invalid', disk.remove('', await statOf(disk, '')))
    await disk.remove('link', await statOf(disk, 'link'))
    await disk.remove('a', await statOf(disk, 'a'))
    await disk.remove('folder/file', await statOf(disk, 'folder/file'))
    await disk.remove('folder', await statOf(disk, 'folder'))
    assert.deepEqual(await namesIn(disk, ''), [])
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

  fact('setAttributes sets files, folders and links, as they were seen', async ({ disk, user }) => {
    user.writeFile('file', 'x')
    user.mkdir('folder')
    user.symlink('file', 'link')
    for (const path of ['file', 'folder', 'link', '']) {
      const seen = await statOf(disk, path)
      const stat = await disk.setAttributes(path, seen, { mode: 0o711, mtimeNs: attributes.mtimeNs })
      assert.equal(stat.mtimeNs, attributes.mtimeNs)
      if (path !== 'link') assert.equal(stat.mode, 0o711)
      assert.ok(isSameStat(stat, await statOf(disk, path)))
    }
    const seen = await statOf(disk, 'file')
    user.writeFile('file', 'edited')
    await refuses('conflict', disk.setAttributes('file', seen, attributes))
    await refuses('conflict', disk.setAttributes('gone', seen, attributes))
    assert.notEqual((await statOf(disk, 'file')).mtimeNs, attributes.mtimeNs + 1n)
  })

  fact('a temp file that is not placed leaves nothing', async ({ disk }) => {
    {
      await using temp = await disk.createTemp('')
      await temp.write(bytesOf('half'))
    }
    {
      await using temp = await disk.createTemp('')
      await temp.finish(attributes)
    }
    assert.equal((await readTree(disk)).size, 0)
  })

  fact('sweeping takes temp files and nothing else', async ({ disk, user }) => {
    user.writeFile('a', 'x')
    await using temp = await disk.createTemp('')
    await temp.write(bytesOf('half'))
    await disk.sweepTemp()
    assert.deepEqual(await namesIn(disk, ''), ['a'])
    assert.equal(await disk.readMarker(), 'test')
  })

  fact('settle may be called at any time', async ({ disk }) => {
    await disk.settle()
    await placeText(disk, 'a', 'x', null)
    await disk.makeFolder('b')
    await disk.settle()
    await disk.settle()
    assert.deepEqual(await namesIn(disk, ''), ['a', 'b'])
  })

  fact('the marker is written, replaced, read and removed', async ({ disk, user }) => {
    await disk.writeMarker('one')
    await disk.writeMarker('two')
    assert.equal(await disk.readMarker(), 'two')
    await disk.removeMarker()
    assert.equal(await disk.readMarker(), null)
    await disk.removeMarker()
    await refuses('missing', disk.createTemp(''))
    await disk.sweepTemp()
    user.unplug()
    await refuses('missing', disk.readMarker())
    await refuses('missing', disk.lstat('a'))
    await refuses('missing', disk.lstat(''))
    await refuses('missing', disk.list(''))
    await refuses('missing', disk.writeMarker('three'))
  })

  fact('names of 255 bytes, odd names and deep paths go round', async ({ disk }) => {
    const names = [
      'x'.repeat(255),
      'é'.repeat(127),
      '🎉'.repeat(63),
      ' ',
      '-rf',
      'a\nb',
      `"'\\*?`,
      '~',
      'e\u0301',
      '\u00e9',
    ]
    for (const name of names) {
      assert.equal(disk.refuseName(name), null)
      await placeText(disk, name, name, null)
    }
    assert.deepEqual(await namesIn(disk, ''), names.sort())
    let deep = 'deep'
    await disk.makeFolder(deep)
    for (let depth = 0; depth < 100; depth++) await disk.makeFolder((deep += `/folder ${depth}`))
    await placeText(disk, `${deep}/file`, 'far down', null)
    assert.equal(await textOf(disk, `${deep}/file`), 'far down')
  })

  test('names that no system stores are refused with a reason', async () => {
    await using world = await open()
    for (const name of [
      '',
      '.',
      '..',
      'a/b',
      'a\0b',
      '\ud800',
      '.anysync',
      '\ud800',
      'x'.repeat(256),
      'é'.repeat(128),
    ]) {
      assert.equal(typeof world.disk.refuseName(name), 'string', name)
    }
  })

  fact('what permissions forbid is unavailable, and modes of any kind can be placed', async (world) => {
    const { disk, user } = world
    await world.asOrdinaryPerson(async () => {
      user.writeFile('secret', 'x', 0o000)
      user.writeFile('shut/file', 'x')
      user.chmod('shut', 0o000)
      user.writeFile('fixed/file', 'x')
      const file = await statOf(disk, 'fixed/file')
      user.chmod('fixed', 0o500)
      await refuses('unavailable', disk.openFile('secret'))
      await refuses('unavailable', disk.list('shut'))
      await refuses('unavailable', disk.lstat('shut/file'))
      await refuses('unavailable', disk.openFile('shut/file'))
      assert.deepEqual(await namesIn(disk, 'fixed'), ['file'])
      await refuses('unavailable', placeText(disk, 'fixed/new', 'x', null))
      await refuses('unavailable', placeText(disk, 'fixed/file', 'x', file))
      await refuses('unavailable', disk.makeFolder('fixed/new'))
      await refuses('unavailable', disk.placeLink('x', 'fixed/new', null, 0n))
      await refuses('unavailable', disk.remove('fixed/file', file))
      await refuses('unavailable', disk.move('fixed/file', 'new', file))
      user.chmod('fixed', 0o700)
      user.chmod('shut', 0o700)
      for (const mode of [0o000, 0o200, 0o400, 0o444, 0o600, 0o6755, 0o7777]) {
        await using temp = await disk.createTemp('')
        await temp.write(bytesOf('x'))
        await temp.finish({ mode, mtimeNs: attributes.mtimeNs })
        const stat = await disk.place(temp, `mode ${mode}`, null)
        assert.deepEqual([stat.mode, stat.mtimeNs], [mode, attributes.mtimeNs])
        const set = await disk.setAttributes(`mode ${mode}`, stat, { mode: mode ^ 0o100, mtimeNs: 5n })
        assert.deepEqual([set.mode, set.mtimeNs], [mode ^ 0o100, 5n])
        await disk.remove(`mode ${mode}`, set)
      }
    })
  })
}
