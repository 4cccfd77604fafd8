/** What every Watcher promises. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Watcher } from '../ports.ts'

/** A linked folder with the folders a/b in it, and somebody who works in it. */
export type WatchedFolder = {
  watcher: Watcher
  write: (path: string) => Promise<void>
  makeFolder: (path: string) => Promise<void>
  move: (from: string, to: string) => Promise<void>
  /** With all that is in it. */
  remove: (path: string) => Promise<void>
  /** Something of AnySync's own happens in the private folder. */
  writePrivately: () => Promise<void>
  /** The linked folder is no longer there, and is there again. */
  takeAway: () => Promise<void>
  bringBack: () => Promise<void>
  close: () => Promise<void>
}

const forever = new AbortController().signal

/** Takes hints until all of these folders were told; 'all' tells every one. */
const untilTold = async (watcher: Watcher, folders: string[]): Promise<void> => {
  const missing = new Set(folders)
  while (missing.size > 0) {
    const hint = await watcher.nextHint(forever)
    if (hint === 'all') return
    for (const folder of hint) missing.delete(folder)
  }
}

/** What was told up to now. The probe is told after what came before it. */
const toldSoFar = async (watcher: Watcher): Promise<'all' | string[]> => {
  await watcher.probe(forever)
  const now = new AbortController()
  const next = watcher.nextHint(now.signal).catch(() => new Set<string>())
  for (let tick = 0; tick < 10; tick++) await Promise.resolve()
  now.abort(new Error('nothing was told'))
  const hint = await next
  return hint === 'all' ? hint : [...hint].sort()
}

type Open = () => Promise<WatchedFolder>
type Fact = (sentence: string, check: (folder: WatchedFolder) => Promise<void>) => void

const factOf =
  (name: string, open: Open): Fact =>
  (sentence, check) =>
    test(`${name}: ${sentence}`, { timeout: 60_000 }, async () => {
      const folder = await open()
      try {
        await folder.watcher.open(forever)
        await check(folder)
      } finally {
        await folder.close()
      }
    })

export const watcherSuite = (name: string, open: Open): void => {
  const fact = factOf(name, open)

  fact('what changes, comes and goes is told as its parent', async ({ watcher, write, remove }) => {
    await write('a/b/file')
    await untilTold(watcher, ['a/b'])
    await write('a/b/file')
    await untilTold(watcher, ['a/b'])
    await remove('a/b/file')
    await untilTold(watcher, ['a/b'])
    await write('file')
    await untilTold(watcher, [''])
  })

  fact('somebody who waits is woken', async ({ watcher, write }) => {
    const told = untilTold(watcher, ['a'])
    await write('a/file')
    await told
  })

  fact('what happened while nobody waited is told together, and once', async ({ watcher, write }) => {
    await write('a/file')
    await write('a/b/file')
    assert.deepEqual(await toldSoFar(watcher), ['a', 'a/b'])
    assert.deepEqual(await toldSoFar(watcher), [])
  })

  fact('new folders are told with their parents, and what is then done in them, too', async (folder) => {
    const { watcher, makeFolder, write } = folder
    const deep = ['new', 'new/1', 'new/1/2', 'new/1/2/3']
    for (const path of deep) await makeFolder(path)
    await untilTold(watcher, ['', ...deep])
    await write('new/1/2/3/file')
    await untilTold(watcher, ['new/1/2/3'])
  })

  fact('a folder that is moved is told with all below it, and both parents', async ({ watcher, move, write }) => {
    await move('a', 'moved')
    await untilTold(watcher, ['', 'moved', 'moved/b'])
    await move('moved/b', 'b')
    await untilTold(watcher, ['', 'moved', 'b'])
    await write('b/file')
    await untilTold(watcher, ['b'])
  })

  fact('what AnySync does in its private folder is not told', async ({ watcher, writePrivately }) => {
    await writePrivately()
    assert.deepEqual(await toldSoFar(watcher), [])
  })

  fact('an abort ends a wait with its reason, before and during it', async ({ watcher }) => {
    const abort = new AbortController()
    const waiting = watcher.nextHint(abort.signal)
    abort.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    await assert.rejects(watcher.nextHint(abort.signal), /enough/)
    await assert.rejects(watcher.probe(abort.signal), /enough/)
    await assert.rejects(watcher.open(abort.signal), /enough/)
  })

  fact('a linked folder that is not there is missing, and is watched again once it is back', async (folder) => {
    const { watcher } = folder
    await folder.takeAway()
    await assert.rejects(watcher.probe(forever), { name: 'SyncError', kind: 'missing' })
    await assert.rejects(watcher.open(forever), { name: 'SyncError', kind: 'missing' })
    await folder.bringBack()
    await watcher.open(forever)
    await watcher.probe(forever)
    await folder.write('a/b/file')
    await untilTold(watcher, ['a/b'])
  })
}

/** Apart, because Node's own way to watch a whole folder on Linux, which we do not use there, does not keep it. */
export const replacedFolderSuite = (name: string, open: Open): void => {
  const fact = factOf(name, open)

  fact('folders that change names go on being watched', async ({ watcher, makeFolder, move, write }) => {
    await makeFolder('c')
    await makeFolder('c/d')
    await untilTold(watcher, ['', 'c', 'c/d'])
    await move('a', 'aside')
    await move('c', 'a')
    await move('aside', 'c')
    await untilTold(watcher, ['', 'a', 'a/d', 'c', 'c/b'])
    await write('a/d/file')
    await write('c/b/file')
    await untilTold(watcher, ['a/d', 'c/b'])
  })

  fact('a folder that is deleted and made again is watched', async ({ watcher, remove, makeFolder, write }) => {
    await remove('a/b')
    await makeFolder('a/b')
    await untilTold(watcher, ['a', 'a/b'])
    await write('a/b/file')
    await untilTold(watcher, ['a/b'])
  })
}
