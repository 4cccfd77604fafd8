import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { foldNameBy, type Folding } from '@anysync/client/fold-name.ts'
import { openNodeDisk } from './disk.ts'
import { probeFolding, usualFolding } from './name-folding.ts'

const folder = mkdtempSync(join(tmpdir(), 'anysync-folding-'))
after(() => rmSync(folder, { recursive: true }))

test('a disk is found out by how it takes other spellings of a file that is there', () => {
  for (const isCaseFolded of [true, false])
    for (const isFormFolded of [true, false]) {
      const folding: Folding = { isCaseFolded, isFormFolded }
      const isThere = (path: string): boolean =>
        readdirSync(folder).some((name) => foldNameBy(folding, name) === foldNameBy(folding, basename(path)))
      assert.deepEqual(probeFolding(folder, isThere), folding)
    }
  assert.deepEqual(readdirSync(folder), [])
})

test(
  'names on Linux are bytes, and the probe leaves nothing behind',
  { skip: process.platform !== 'linux' },
  async () => {
    const root = mkdtempSync(join(folder, 'linked-'))
    const disk = await openNodeDisk(root)
    await disk.writeMarker('link')
    assert.equal(disk.foldName('README'), 'README')
    assert.equal(disk.foldName('cafe\u0301'), 'cafe\u0301')
    assert.deepEqual(readdirSync(join(root, '.anysync', 'tmp')), [])
  },
)

test('where nothing can be made, what is usual on the system holds', async () => {
  assert.deepEqual(usualFolding('darwin'), { isCaseFolded: true, isFormFolded: true })
  assert.deepEqual(usualFolding('win32'), { isCaseFolded: true, isFormFolded: false })
  assert.deepEqual(usualFolding('linux'), { isCaseFolded: false, isFormFolded: false })
  const disk = await openNodeDisk(join(folder, 'not there'))
  assert.equal(disk.foldName('a'), foldNameBy(usualFolding(), 'a'))
})
