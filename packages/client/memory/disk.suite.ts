/**
 * What every Disk must do, real or in memory.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  attributes,
  bytesOf,
  namesIn,
  placeText,
  refuses,
  statOf,
  textOf,
  type DiskWorld,
  type Fact,
} from './disk-things.suite.ts'
import { readTree } from './read-tree.ts'
import { testChanges } from './disk-changes.suite.ts'
import { testLooks } from './disk-looks.suite.ts'

export const diskSuite = (open: () => Promise<DiskWorld>): void => {
  const fact: Fact = (name, body) => {
    test(name, async () => {
      await using world = await open()
      await body(world)
    })
  }

  testLooks(fact)
  testChanges(fact)

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
