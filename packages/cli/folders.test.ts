import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createMemoryState } from '@anysync/client/memory/state.ts'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { findLinked, isWithin, pickLink, pickLinks, realPath, realPlace } from './folders.ts'

const scratch = (t: TestContext) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'anysync-folders-')))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'docs/inner'), { recursive: true })
  mkdirSync(join(folder, 'docs more'))
  symlinkSync('docs', join(folder, 'alias'))
  symlinkSync('../..', join(folder, 'docs/inner/up'))
  return folder
}

const linked = (...roots: string[]) => {
  const state = createMemoryState()
  const vaultId = vaultIdFromBytes(new Uint8Array(16))
  for (const root of roots) state.putLink({ id: root, vaultId, root, mode: 'sync' })
  return state
}

test('a path is resolved as far as it exists', (t) => {
  const folder = scratch(t)
  assert.equal(realPath(join(folder, 'alias/inner')), join(folder, 'docs/inner'))
  assert.equal(realPath(join(folder, 'alias/gone/too')), join(folder, 'docs/gone/too'))
  assert.equal(realPath(join(folder, 'docs/inner/up')), folder)
  assert.equal(realPlace(join(folder, 'alias/inner/up')), join(folder, 'docs/inner/up'))
})

test('within means in the folder itself or below it, not beside it', () => {
  assert.ok(isWithin('/a/b', '/a/b') && isWithin('/a/b/c', '/a/b') && isWithin('/a', '/'))
  assert.ok(!isWithin('/a/bc', '/a/b') && !isWithin('/a', '/a/b'))
})

test('a path on this disk finds its link, through symlinks and for what is gone', (t) => {
  const folder = scratch(t)
  const state = linked(join(folder, 'docs'))
  const find = (path: string) => findLinked(state, join(folder, path))?.path ?? null
  assert.equal(find('docs'), '')
  assert.equal(find('alias'), '')
  assert.equal(find('alias/inner/file'), 'inner/file')
  assert.equal(find('docs/gone/file'), 'gone/file')
  assert.equal(find('docs/inner/up'), 'inner/up')
  assert.equal(find('docs more/file'), null)
})

test('a command is about one linked folder, or about all', (t) => {
  const folder = scratch(t)
  const [docs, more, gone] = [join(folder, 'docs'), join(folder, 'docs more'), join(folder, 'gone')]
  const state = linked(docs, more, gone)
  assert.equal(pickLink(state, join(folder, 'alias')).root, docs)
  assert.equal(pickLink(state, gone).root, gone)
  assert.deepEqual(
    pickLinks(state, join(docs, 'inner')).map(({ root }) => root),
    [docs],
  )
  assert.equal(pickLinks(state, undefined).length, 3)
  assert.throws(
    () => pickLink(state, join(docs, 'inner')),
    (error) => isTrouble(error, 'missing'),
  )
  assert.throws(
    () => pickLinks(state, folder),
    (error) => isTrouble(error, 'missing'),
  )
  assert.throws(
    () => pickLinks(linked(), undefined),
    (error) => isTrouble(error, 'missing'),
  )
})
