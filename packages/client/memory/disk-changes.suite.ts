/** How every Disk makes, places, moves and removes: only where what is there was expected. */
import assert from 'node:assert/strict'
import { isSameStat } from '../disk-stat.ts'
import { attributes, bytesOf, namesIn, placeText, refuses, statOf, textOf, type Fact } from './disk-things.suite.ts'

export const testChanges = (fact: Fact): void => {
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
}
