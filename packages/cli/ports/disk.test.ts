import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, suite, test } from 'node:test'
import type { DiskWorld } from '@anysync/client/memory/disk-things.suite.ts'
import { diskSuite } from '@anysync/client/memory/disk.suite.ts'
import { readFile } from '@anysync/client/memory/read-tree.ts'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { assert as assertProperty, asyncProperty, bigInt } from 'fast-check'
import { openNodeDisk } from './disk.ts'
import { loadLibc, noLibc, type Libc } from './libc.ts'
import { refuseName } from './refuse-name.ts'
import { createThreads, type Threads } from './threads.ts'

const nobody = 65534

const openWorld = async (libc?: Libc, threads?: Threads): Promise<DiskWorld & { root: string }> => {
  const base = await mkdtemp(join(tmpdir(), 'anysync-disk-'))
  const root = join(base, 'root')
  fs.mkdirSync(root)
  const at = (path: string) => join(root, path)
  const disk = await openNodeDisk(root, { ...(libc ? { libc } : {}), ...(threads ? { threads } : {}) })
  await disk.writeMarker('test')
  const mkdir = (path: string) => void fs.mkdirSync(at(path), { recursive: true })
  const writeFile = (path: string, content: string | Uint8Array, mode?: number) => {
    mkdir(dirname(path))
    fs.writeFileSync(at(path), content)
    if (mode !== undefined) fs.chmodSync(at(path), mode)
  }
  return {
    root,
    disk,
    user: {
      mkdir,
      writeFile,
      saveFile: (path, content, mode) => {
        writeFile(`${path}.new`, content, mode)
        fs.renameSync(at(`${path}.new`), at(path))
      },
      rename: (from, to) => fs.renameSync(at(from), at(to)),
      rm: (path) => fs.rmSync(at(path), { recursive: true }),
      symlink: (target, path) => fs.symlinkSync(target, at(path)),
      link: (from, to) => {
        mkdir(dirname(to))
        fs.linkSync(at(from), at(to))
      },
      chmod: (path, mode) => fs.chmodSync(at(path), mode),
      setMtime: (path, mtimeNs) => fs.lutimesSync(at(path), 0, Number(mtimeNs) / 1e9),
      makeOther: (path) => void execFileSync('mkfifo', [at(path)]),
      makeLostName: (folder) =>
        fs.writeFileSync(Buffer.concat([Buffer.from(`${at(folder)}/caf`), Buffer.of(0xe9)]), ''),
      unplug: () => fs.renameSync(root, `${root}.away`),
    },
    asOrdinaryPerson: async (work) => {
      if (process.getuid?.() !== 0) return await work()
      fs.chmodSync(base, 0o755)
      execFileSync('chown', ['-R', String(nobody), root])
      process.seteuid?.(nobody)
      try {
        return await work()
      } finally {
        process.seteuid?.(0)
      }
    },
    [Symbol.asyncDispose]: () => rm(base, { recursive: true }),
  }
}

const real = await loadLibc()

suite('disk of Node', () => diskSuite(() => openWorld()))
suite('disk of Node with threads', () => {
  const threads = createThreads({ count: 1, worthBytes: 0 })
  after(() => threads[Symbol.asyncDispose]())
  diskSuite(() => openWorld(real, threads))
})
suite('disk of Node where renames can replace', () => diskSuite(() => openWorld({ ...real, renameNoReplace: null })))
suite('disk of Node where single files are flushed', () =>
  diskSuite(() => openWorld({ ...real, syncFileSystem: null })),
)
suite('disk of Node where every name on the way is looked at', () =>
  diskSuite(() => openWorld({ ...real, isFolderWithoutLinks: null })),
)

test('the look that follows no link knows folders from all else', { skip: process.platform !== 'linux' }, async () => {
  await using world = await openWorld()
  world.user.writeFile('a/b/file', '')
  world.user.symlink('a', 'link')
  world.user.symlink('gone', 'a/dangling')
  const root = fs.realpathSync(world.root)
  const isFolder = (path: string) => real.isFolderWithoutLinks?.(join(root, path))
  for (const path of ['', 'a', 'a/b']) assert.equal(isFolder(path), true, path)
  for (const path of ['gone', 'link', 'link/b', 'a/dangling', 'a/b/file', 'a/b/file/c'])
    assert.equal(isFolder(path), false, path)
})

test('a thread that looks writes nothing on standard error', async () => {
  await using world = await openWorld()
  world.user.writeFile('a/file', 'x')
  const look = `
    import { createThreads } from ${JSON.stringify(import.meta.resolve('./threads.ts'))}
    await using threads = createThreads({ count: 1 })
    const memory = new Uint8Array(new SharedArrayBuffer(8))
    const files = [{ path: 'a/file', bytesMax: 8 }]
    const [read] = await threads.run('readFiles', [${JSON.stringify(world.root)}, files, memory])
    process.stdout.write(String(read.length))`
  const script = join(dirname(world.root), 'look.mjs')
  fs.writeFileSync(script, look)
  const { stdout, stderr } = spawnSync(process.execPath, [script])
  assert.deepEqual([stdout.toString(), stderr.toString()], ['1', ''])
})

test('a linked folder below a link is one all the same', async () => {
  await using world = await openWorld()
  world.user.writeFile('a/file', 'x')
  const link = `${world.root}-link`
  fs.symlinkSync(world.root, link)
  const disk = await openNodeDisk(link, { libc: real })
  assert.deepEqual(
    (await disk.list('a')).map(({ name }) => name),
    ['file'],
  )
  fs.unlinkSync(link)
})

test('any nanosecond can be set, on files, folders and links', async () => {
  await using world = await openWorld()
  const { disk } = world
  world.user.writeFile('file', '')
  world.user.mkdir('folder')
  world.user.symlink('file', 'link')
  const year = 31_557_600n * 1_000_000_000n
  await assertProperty(
    asyncProperty(bigInt({ min: -60n * year, max: 400n * year }), async (mtimeNs) => {
      for (const path of ['file', 'folder', 'link']) {
        const stat = await disk.lstat(path)
        assert.ok(stat)
        assert.equal((await disk.setAttributes(path, stat, { mode: stat.mode, mtimeNs })).mtimeNs, mtimeNs)
      }
      await using temp = await disk.createTemp('')
      await temp.finish({ mode: 0o600, mtimeNs })
      const placed = await disk.place(temp, 'placed', null)
      assert.equal(placed.mtimeNs, mtimeNs)
      await disk.remove('placed', placed)
    }),
    { numRuns: 300 },
  )
})

test('without the C library times are right to a quarter of a microsecond', async () => {
  await using world = await openWorld(noLibc)
  world.user.symlink('nowhere', 'link')
  const stat = await world.disk.lstat('link')
  assert.ok(stat)
  const mtimeNs = 1_700_000_000_123_456_789n
  const set = await world.disk.setAttributes('link', stat, { mode: 0, mtimeNs })
  assert.ok(set.mtimeNs - mtimeNs < 250n && mtimeNs - set.mtimeNs < 250n)
})

test('what a killed process left behind is swept', async () => {
  await using world = await openWorld()
  const temp = await world.disk.createTemp('')
  await temp.write(new Uint8Array(10))
  assert.equal(fs.readdirSync(join(world.root, '.anysync/tmp')).length, 1)
  assert.equal(fs.statSync(join(world.root, '.anysync')).mode & 0o777, 0o700)
  await world.disk.sweepTemp()
  assert.equal(fs.readdirSync(join(world.root, '.anysync/tmp')).length, 0)
  await temp[Symbol.asyncDispose]()
})

test('long runs of zeros take no room, wherever they are, and every byte is as it was written', async () => {
  await using world = await openWorld()
  const block = 64 * 1024
  const hole = new Uint8Array(16 * 1024 * 1024)
  const text = new TextEncoder().encode('text')
  const mixed = new Uint8Array(4 * block)
  mixed.set(text, 2 * block - 2)
  const parts = [hole, text, hole, mixed, hole.subarray(0, block + 1)]
  await using temp = await world.disk.createTemp('')
  for (const part of parts) await temp.write(part)
  await temp.finish({ mode: 0o600, mtimeNs: 5n })
  const { size } = await world.disk.place(temp, 'sparse', null)
  const path = join(world.root, 'sparse')
  assert.ok(fs.readFileSync(path).equals(Buffer.concat(parts)))
  assert.equal(size, Buffer.concat(parts).length)
  if (process.platform === 'linux') assert.ok(fs.statSync(path).blocks * 512 < 16 * block)
})

test('a file of nothing but zeros, or of nothing, has its length', async () => {
  await using world = await openWorld()
  for (const length of [0, 1, 64 * 1024, 1024 * 1024]) {
    await using temp = await world.disk.createTemp('')
    if (length > 0) await temp.write(new Uint8Array(length))
    await temp.finish({ mode: 0o600, mtimeNs: 5n })
    assert.equal((await world.disk.place(temp, `zeros ${length}`, null)).size, length)
  }
})

test('a temp folder that was cleaned away is made again', async () => {
  await using world = await openWorld()
  fs.rmdirSync(join(world.root, '.anysync/tmp'))
  await using temp = await world.disk.createTemp('')
  await temp.finish({ mode: 0o600, mtimeNs: 0n })
  await world.disk.place(temp, 'a', null)
  assert.equal((await readFile(world.disk, 'a')).length, 0)
})

test('a link in place of the private folder is not taken for it', async () => {
  await using world = await openWorld()
  fs.renameSync(join(world.root, '.anysync'), join(world.root, 'elsewhere'))
  fs.symlinkSync('elsewhere', join(world.root, '.anysync'))
  await assert.rejects(world.disk.readMarker(), (error) => isTrouble(error, 'conflict'))
})

test('a root reached by a symlink is fine, and a root that is a symlink too', async () => {
  await using world = await openWorld()
  const link = `${world.root} link`
  fs.symlinkSync('root', link)
  world.user.writeFile('folder/file', 'x')
  const disk = await openNodeDisk(link)
  assert.equal((await readFile(disk, 'folder/file')).length, 1)
})

test('trouble tells no name', async () => {
  await using world = await openWorld()
  await assert.rejects(world.disk.openFile('canary'), (error: Error) => {
    assert.ok(!JSON.stringify([error.message, error.stack, error.cause]).includes('canary'))
    return true
  })
})

test('a path longer than the system takes is unavailable', async () => {
  await using world = await openWorld()
  const name = 'x'.repeat(250)
  const dig = `cd "$1"; for i in $(seq 20); do mkdir ${name}; cd ${name}; done`
  execFileSync('bash', ['-c', dig, 'dig', world.root])
  const path = Array.from({ length: 20 }, () => name).join('/')
  await assert.rejects(world.disk.list(path), (error) => isTrouble(error, 'unavailable'))
  await assert.rejects(world.disk.lstat(`${path}/x`), (error) => isTrouble(error, 'unavailable'))
  execFileSync('rm', ['-rf', join(world.root, name)])
})

test('Windows refuses what it cannot store', () => {
  for (const name of ['con', 'NUL.txt', 'a:b', 'what?', 'dot.', 'space ', 'tab\t', '.AnySync', 'x'.repeat(256)]) {
    assert.equal(typeof refuseName(name, 'win32'), 'string', name)
  }
  for (const name of ['console', 'a.b', 'é'.repeat(200), '.anysync2']) assert.equal(refuseName(name, 'win32'), null)
  assert.equal(refuseName('.AnySync', 'linux'), null)
})

test('systems without koffi have no calls, and do not fail', async () => {
  assert.deepEqual(await loadLibc('win32'), noLibc)
})
