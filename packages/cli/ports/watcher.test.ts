/** The watcher of Node keeps the promises of Watcher, on a real folder. */
import assert from 'node:assert/strict'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { watcherSuite } from '@anysync/client/memory/watcher.suite.ts'
import { createWatcher, isOfPrivateFolder } from './watcher.ts'

const openFolder = async () => {
  const root = await mkdtemp(join(tmpdir(), 'anysync-watcher-'))
  await mkdir(join(root, 'a/b'), { recursive: true })
  const watcher = createWatcher(root)
  let count = 0
  return {
    watcher,
    change: () => writeFile(join(root, 'a/b', `file-${count++}`), 'x'),
    close: async () => {
      watcher[Symbol.dispose]()
      await rm(root, { recursive: true })
    },
  }
}

watcherSuite('watcher', openFolder)

const names: [name: string | null, isPrivate: boolean][] = [
  ['.anysync', true],
  [join('.anysync', 'tmp', 'x'), true],
  ['.anysyncignore', false],
  [join('a', '.anysync'), false],
  [null, false],
]

for (const [name, isPrivate] of names) {
  test(`a change of ${name} is ${isPrivate ? 'not told' : 'told'}`, () => {
    assert.equal(isOfPrivateFolder(name), isPrivate)
  })
}

test('a folder that is not there cannot be watched, and the sentence says so', async () => {
  const watcher = createWatcher(join(tmpdir(), 'anysync-no-such-folder'))
  await assert.rejects(watcher.nextChange(new AbortController().signal), { name: 'SyncError', kind: 'unavailable' })
})
