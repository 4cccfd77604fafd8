/** The watcher of Node keeps the promises of Watcher, on a real folder, in both ways to watch; and nothing is lost in a storm. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setImmediate as immediate } from 'node:timers/promises'
import { seededChance } from '@anysync/client/memory/chance.ts'
import { replacedFolderSuite, watcherSuite } from '@anysync/client/memory/watcher.suite.ts'
import type { Watcher } from '@anysync/client/ports.ts'
import { joinPath } from '@anysync/client/path.ts'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { TreeLookout } from './watch-tree.ts'
import { EventQueue } from './watch-queue.ts'
import { createWatcher, unwatchable, type LookoutKind } from './watcher.ts'
import { changeOf } from './watch-listener.ts'

const forever = new AbortController().signal

const untilHinted = async (watcher: Watcher, folder: string): Promise<void> => {
  for (let hint = await watcher.nextHint(forever); hint === 'all' || !hint.has(folder);) {
    hint = await watcher.nextHint(forever)
  }
}

const openFolder = (kind: LookoutKind) => async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'anysync-watcher-'))
  const root = join(scratch, 'folder')
  const at = (path: string) => join(root, path)
  mkdirSync(at('a/b'), { recursive: true })
  mkdirSync(at('.anysync/tmp'), { recursive: true })
  const watcher = createWatcher(root, kind)
  let count = 0
  return {
    root,
    watcher,
    write: async (path: string) => writeFileSync(at(path), 'x'.repeat((count += 1))),
    makeFolder: async (path: string) => mkdirSync(at(path)),
    move: async (from: string, to: string) => renameSync(at(from), at(to)),
    remove: async (path: string) => rmSync(at(path), { recursive: true }),
    writePrivately: async () => writeFileSync(at('.anysync/tmp/file'), 'x'),
    takeAway: async () => renameSync(root, join(scratch, 'elsewhere')),
    bringBack: async () => renameSync(join(scratch, 'elsewhere'), root),
    close: async () => {
      watcher[Symbol.dispose]()
      rmSync(scratch, { recursive: true })
    },
  }
}

/** Watched, and closed when the test ends, however it does. */
const openFolderOf = async (t: TestContext, kind: LookoutKind) => {
  const folder = await openFolder(kind)()
  t.after(folder.close)
  await folder.watcher.open(forever)
  return folder
}

const kinds: LookoutKind[] = ['tree', 'whole']
for (const kind of kinds) watcherSuite(`watcher of ${kind}`, openFolder(kind))
const used: LookoutKind = process.platform === 'linux' ? 'tree' : 'whole'
replacedFolderSuite(`watcher of ${used}`, openFolder(used))

const isIn = (folder: string) => (path: string) => path === folder || path.startsWith(`${folder}/`)

/** Random work in a folder; remembers in which folders something was touched, as the port promises to tell it. */
const createWorker = (root: string, seed: number) => {
  const chance = seededChance(seed)
  const below = (limit: number): number => Buffer.from(chance.bytes(4)).readUInt32LE() % limit
  const folders = new Set([''])
  const files = new Set<string>()
  const touched = new Set<string>()
  const at = (path: string) => join(root, path)
  const pick = (paths: Iterable<string>): string => {
    const list = [...paths]
    return list[below(list.length)] ?? ''
  }
  const touch = (path: string): void => void touched.add(posix.dirname(path).replace(/^\.$/, ''))
  let count = 0
  const fresh = (): string => joinPath(pick(folders), `${(count += 1)}`)

  const acts: (() => void)[] = [
    () => {
      const path = fresh()
      writeFileSync(at(path), '')
      files.add(path)
      touch(path)
    },
    () => {
      const path = fresh()
      mkdirSync(at(path))
      folders.add(path)
      touch(path)
      touched.add(path)
    },
    () => {
      const path = pick(files)
      if (path === '') return
      rmSync(at(path))
      files.delete(path)
      touch(path)
    },
    () => {
      const from = pick(folders)
      const to = fresh()
      if (from === '' || isIn(from)(to)) return
      renameSync(at(from), at(to))
      touch(from)
      touch(to)
      for (const paths of [folders, files]) {
        for (const path of [...paths].filter(isIn(from))) {
          paths.delete(path)
          paths.add(to + path.slice(from.length))
          if (paths === folders) touched.add(to + path.slice(from.length))
        }
      }
    },
    () => {
      const path = pick(folders)
      if (path === '' || [...folders].filter(isIn(path)).length > 3) return
      rmSync(at(path), { recursive: true })
      for (const paths of [folders, files]) for (const gone of [...paths].filter(isIn(path))) paths.delete(gone)
      touch(path)
    },
  ]
  return {
    act: () => acts[[0, 0, 0, 0, 1, 1, 2, 2, 3, 4][below(10)] ?? 0]?.(),
    /** What is no longer there is told as its parent. */
    mustBeTold: () => [...touched].filter((path) => folders.has(path)),
  }
}

test('in a storm of changes every touched folder is told', { timeout: 60_000 }, async (t) => {
  const folder = await openFolderOf(t, used)
  const worker = createWorker(folder.root, 1)
  const told = new Set<string>()
  const hear = async (): Promise<void> => {
    const hint = await folder.watcher.nextHint(forever)
    assert.ok(hint !== 'all', 'so many changes at once are still told by name')
    for (const path of hint) told.add(path)
  }
  for (let round = 0; round < 100; round++) {
    for (let act = 0; act < 50; act++) worker.act()
    await hear()
  }
  const wanted = worker.mustBeTold()
  assert.ok(wanted.length > 200, `${wanted.length} folders`)
  while (wanted.some((path) => !told.has(path))) await hear()
})

test('a tree that comes all at once is told to its last folder', async (t) => {
  const folder = await openFolderOf(t, used)
  const paths = Array.from({ length: 300 }, (_, index) => `tree/${index % 10}/${index % 60}/${index}`)
  for (const path of paths) {
    mkdirSync(join(folder.root, path), { recursive: true })
    writeFileSync(join(folder.root, path, 'file'), '')
  }
  const wanted = new Set(paths)
  while (wanted.size > 0) {
    const hint = await folder.watcher.nextHint(forever)
    assert.ok(hint !== 'all')
    for (const path of hint) wanted.delete(path)
  }
})

if (used === 'tree') {
  test('when more changed at once than Linux keeps, everything is told, and new folders are watched', async (t) => {
    const folder = await openFolderOf(t, used)
    // All of it before the watcher hears of the first; of what Linux keeps, the last folder is not in it.
    for (let index = 0; index < 10_000; index++) {
      writeFileSync(join(folder.root, 'a/b', `${index % 2}`), '')
      rmSync(join(folder.root, 'a/b', `${index % 2}`))
    }
    mkdirSync(join(folder.root, 'last/one'), { recursive: true })
    for (let hint = await folder.watcher.nextHint(forever); hint !== 'all';) {
      hint = await folder.watcher.nextHint(forever)
    }
    await untilHinted(folder.watcher, 'last/one')
    writeFileSync(join(folder.root, 'last/one/file'), '')
    await untilHinted(folder.watcher, 'last/one')
  })

  test('when the system watches no more folders, those before are watched, and the gap says what to do', async (t) => {
    const folder = await openFolder('tree')()
    const touched: string[] = []
    const listener = { touched: (path: string) => touched.push(path), lost() {}, failed() {}, probed() {} }
    let left = 3 // The linked folder, the private one, and one more.
    const lookout = new TreeLookout(folder.root, listener, new EventQueue(), (path, hear) => {
      left -= 1
      if (left < 0) throw systemError('ENOSPC')
      return watch(path, hear)
    })
    t.after(async () => {
      lookout.close()
      await folder.close()
    })
    await lookout.open(forever)
    assert.match(lookout.gap() ?? '', /raise fs\.inotify\.max_user_watches/)
    writeFileSync(join(folder.root, 'a/file'), '')
    while (!touched.includes('a')) await immediate()
  })

  test('a folder that is closed to us is no gap, and is watched once it is opened', async (t) => {
    const folder = await openFolderOf(t, used)
    const inner = join(folder.root, 'a/b')
    chmodSync(inner, 0)
    await folder.watcher.open(forever)
    assert.equal(folder.watcher.gap(), null)
    chmodSync(inner, 0o700)
    await untilHinted(folder.watcher, 'a')
    writeFileSync(join(inner, 'file'), '')
    await untilHinted(folder.watcher, 'a/b')
  })
}

test('a folder that another took the place of does not prove itself', async (t) => {
  const folder = await openFolderOf(t, used)
  renameSync(folder.root, `${folder.root}-before`)
  mkdirSync(join(folder.root, '.anysync'), { recursive: true })
  const abort = new AbortController()
  const probed = folder.watcher.probe(abort.signal)
  // A watcher of the new folder is told of its probe, the other one is not, though it had as long.
  using other = createWatcher(folder.root, used)
  await other.open(forever)
  await other.probe(forever)
  abort.abort(new Error('not told'))
  await assert.rejects(probed, /not told/)
  await folder.watcher.open(forever)
  await folder.watcher.probe(forever)
})

test('a probe never makes the private folder', async (t) => {
  const folder = await openFolderOf(t, used)
  rmSync(join(folder.root, '.anysync'), { recursive: true })
  await assert.rejects(folder.watcher.probe(forever), { kind: 'missing' })
  assert.deepEqual(readdirSync(folder.root), ['a'])
})

const changes: [names: string[], change: ReturnType<typeof changeOf>][] = [
  [['.anysync', 'probe'], 'probe'],
  [['.anysync', 'marker'], 'marker'],
  [['.anysync', 'tmp'], 'private'],
  [['.anysync', 'tmp', 'probe'], 'private'],
  [['.anysync'], 'folder'],
  [['.anysyncignore'], 'folder'],
  [['a', '.anysync', 'probe'], 'private'],
]

for (const [names, change] of changes) {
  test(`a change of ${names.join('/')} is of the ${change}`, () => assert.equal(changeOf(names), change))
}

const systemError = (code: string) => Object.assign(new Error('/home/anna/secret'), { code, syscall: 'watch' })

test('who cannot watch says what to do, and names no path', async () => {
  using watcher = createWatcher(join(tmpdir(), 'anysync-no-such-folder'))
  await assert.rejects(watcher.open(forever), (error) => {
    assert.ok(isTrouble(error, 'missing'))
    assert.ok(!`${error.message} ${String(error.cause)}`.includes('no-such-folder'))
    return true
  })
  for (const [code, advice] of [
    ['ENOSPC', /raise fs\.inotify\.max_user_watches/],
    ['EMFILE', /raise fs\.inotify\.max_user_instances/],
    ['EIO', /EIO/],
  ] as const) {
    const trouble = unwatchable(systemError(code))
    assert.equal(trouble.kind, 'unavailable')
    assert.match(trouble.message, advice)
    assert.ok(!String(trouble.cause).includes('anna'))
  }
})
