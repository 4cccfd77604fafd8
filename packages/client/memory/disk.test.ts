import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { createMemoryDisk, type MemoryDisk, type MemoryDiskOptions } from './disk.ts'
import { diskSuite } from './disk.suite.ts'
import { readFile, readTree } from './read-tree.ts'

const stillClock = {
  nowNs: () => 1_700_000_000_000_000_000n,
  monotonicMs: () => 0,
  wait: () => Promise.resolve(),
}

const openDisk = async (options: Partial<MemoryDiskOptions> = {}): Promise<MemoryDisk> => {
  const disk = createMemoryDisk({ clock: stillClock, ...options })
  await disk.writeMarker('test')
  return disk
}

const place = async (disk: MemoryDisk, path: string, text: string) => {
  await using temp = await disk.createTemp('')
  await temp.write(new TextEncoder().encode(text))
  await temp.finish({ mode: 0o644, mtimeNs: 1n })
  return await disk.place(temp, path, await disk.lstat(path))
}

const textOf = async (disk: MemoryDisk, path: string) => new TextDecoder().decode(await readFile(disk, path))

const seen = async (disk: MemoryDisk, path: string) => (await disk.lstat(path)) ?? assert.fail()

suite('memory disk', () => {
  diskSuite(async () => {
    const disk = await openDisk()
    return {
      disk,
      user: disk.user,
      asOrdinaryPerson: (work) => work(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  })

  test('a crash loses what was not settled, whole', async () => {
    const disk = await openDisk()
    await place(disk, 'kept', 'kept')
    await place(disk, 'edited', 'before')
    disk.user.writeFile('removed', 'mine')
    await disk.settle()
    await place(disk, 'edited', 'after')
    await place(disk, 'new', 'new')
    await disk.makeFolder('folder')
    const removed = await disk.lstat('removed')
    assert.ok(removed)
    await disk.remove('removed', removed)
    disk.crash()
    assert.deepEqual([...(await readTree(disk)).keys()], ['edited', 'kept', 'removed'])
    assert.equal(await textOf(disk, 'edited'), 'before')
  })

  test('a crash may keep some of it, and never what stands on what is lost', async () => {
    const disk = await openDisk()
    await disk.makeFolder('folder')
    await place(disk, 'folder/file', 'x')
    let turn = 0
    disk.crash(() => turn++ % 2 === 1) // Keeps the file, would lose its folder.
    assert.equal(await textOf(disk, 'folder/file'), 'x')
  })

  test('a crash that takes back a move leaves what was moved in reach', async () => {
    const inEachOther = await openDisk()
    inEachOther.user.writeFile('a/b/file', 'x')
    await inEachOther.move('a/b', 'b', await seen(inEachOther, 'a/b'))
    await inEachOther.move('a', 'b/a', await seen(inEachOther, 'a'))
    let turn = 0
    inEachOther.crash(() => turn++ === 1) // Keeps the later move, would lose the one before.
    assert.equal(await textOf(inEachOther, 'b/file'), 'x')

    const fromRemoved = await openDisk()
    fromRemoved.user.writeFile('a/file', 'x')
    await fromRemoved.move('a/file', 'file', await seen(fromRemoved, 'a/file'))
    await fromRemoved.remove('a', await seen(fromRemoved, 'a'))
    turn = 0
    fromRemoved.crash(() => turn++ === 1) // Keeps the removal, would lose the move before.
    assert.equal(await textOf(fromRemoved, 'file'), 'x')
  })

  test('a crash never takes back what a person saved', async () => {
    const disk = await openDisk()
    await place(disk, 'file', 'pulled')
    disk.user.writeFile('file', 'edited in place')
    const stat = await disk.lstat('file')
    assert.ok(stat)
    await disk.move('file', 'moved', stat)
    disk.user.saveFile('other', 'saved')
    disk.crash()
    assert.equal(await textOf(disk, 'file'), 'edited in place')
    assert.equal(await textOf(disk, 'other'), 'saved')
  })

  test('a fault fails an operation before it does anything', async () => {
    let isFull = false
    const disk = await openDisk({
      fault: ({ operation }) => {
        if (isFull && operation === 'disk.write') throw new SyncError(operation, 'full', 'the disk is full')
      },
    })
    isFull = true
    await assert.rejects(place(disk, 'a', 'x'), (error) => isTrouble(error, 'full'))
    assert.equal((await readTree(disk)).size, 0)
    assert.equal(disk.countTemps(), 0)
  })

  test('a disk that folds names respells a file by moving it, and refuses a second spelling', async () => {
    const disk = await openDisk({ foldsNames: true })
    const stat = await place(disk, 'Readme', 'x')
    await assert.rejects(disk.makeFolder('README'), (error) => isTrouble(error, 'conflict'))
    await disk.move('Readme', 'README', stat)
    assert.deepEqual([...(await readTree(disk)).keys()], ['README'])
    assert.equal(disk.foldName('Readme'), disk.foldName('README'))
    assert.notEqual(disk.foldName('Readme'), disk.foldName('Read me'))
  })

  test('the number of a removed file goes to the next one, unless another name still has it', async () => {
    const disk = await openDisk()
    disk.user.writeFile('a', 'x')
    disk.user.link('a', 'linked')
    const number = (await disk.lstat('a'))?.inode
    disk.user.rm('a')
    disk.user.writeFile('b', 'x')
    assert.notEqual((await disk.lstat('b'))?.inode, number)
    disk.user.rm('linked')
    disk.user.writeFile('c', 'x')
    assert.equal((await disk.lstat('c'))?.inode, number)
  })

  test('times go back when the clock is set back', async () => {
    let nowNs = stillClock.nowNs()
    const disk = await openDisk({ clock: { ...stillClock, nowNs: () => nowNs } })
    disk.user.writeFile('a', 'x')
    nowNs -= 3_600_000_000_000n
    disk.user.writeFile('a', 'y')
    assert.equal((await disk.lstat('a'))?.ctimeNs, nowNs)
  })

  test('a copy of a disk goes its own way, hard links and all', async () => {
    const disk = await openDisk()
    disk.user.writeFile('a', 'x')
    disk.user.link('a', 'linked')
    const copy = createMemoryDisk({ clock: stillClock, from: disk })
    copy.user.writeFile('a', 'copied')
    assert.deepEqual([await textOf(disk, 'linked'), await textOf(copy, 'linked')], ['x', 'copied'])
    assert.equal(await copy.readMarker(), 'test')
  })

  test('an unplugged disk comes back as it was, and a folder that hides it is empty', async () => {
    const disk = await openDisk()
    disk.user.writeFile('a', 'x')
    await using temp = await disk.createTemp('')
    await temp.finish({ mode: 0o644, mtimeNs: 1n })
    disk.user.hideUnderEmptyFolder()
    await assert.rejects(disk.place(temp, 'b', null), (error) => isTrouble(error, 'missing'))
    assert.equal(await disk.readMarker(), null)
    assert.equal((await readTree(disk)).size, 0)
    disk.user.plug()
    assert.equal(await disk.readMarker(), 'test')
    assert.equal(await textOf(disk, 'a'), 'x')
  })
})
