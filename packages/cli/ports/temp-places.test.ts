import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { diskPaths } from './disk-paths.ts'
import { loadLibc } from './libc.ts'
import { TempPlaces } from './temp-places.ts'

const { setMtime } = await loadLibc()

/** A linked folder with a folder `card/letters`, into which no rename leads. */
const newPlaces = (t: TestContext) => {
  const root = mkdtempSync(join(tmpdir(), 'anysync-temp-places-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const folder of ['.anysync', 'card/letters']) mkdirSync(join(root, folder), { recursive: true })
  const open = () => new TempPlaces(diskPaths(root), (full, mtimeNs) => void setMtime?.(full, mtimeNs))
  const places = open()
  places.crossed('card/letters/a letter')
  return { root, places, open, at: (...names: string[]) => join(root, ...names) }
}

test('temp files lie in the private folder, and beside their place where no rename leads there', (t) => {
  const { places, at } = newPlaces(t)
  assert.equal(dirname(places.newPath('')), at('.anysync/tmp'))
  assert.equal(dirname(places.newPath('card')), at('.anysync/tmp'))
  assert.equal(dirname(places.newPath('gone')), at('.anysync/tmp'))
  const away = places.newPath('card/letters')
  assert.equal(dirname(away), at('card/letters/.anysync/tmp-above'))
  assert.notEqual(places.newPath('card/letters'), away)
  assert.ok(!existsSync(away))
})

test('files that are made together lie where each by itself would, and none where another does', (t) => {
  const { places, at } = newPlaces(t)
  const pathFor = places.newPaths()
  const folders = ['', 'card/letters', 'card', 'card/letters', '']
  const together = folders.map(pathFor)
  const [usual, away] = [at('.anysync/tmp'), at('card/letters/.anysync/tmp-above')]
  assert.deepEqual(together.map(dirname), [usual, away, usual, away, usual])
  assert.equal(new Set([...together, ...folders.map(places.newPaths())]).size, 2 * folders.length)
})

test('what a crash left is swept by the next process, everywhere, and no folder gets another time by it', async (t) => {
  const { places, open, at } = newPlaces(t)
  const { mtimeNs } = lstatSync(at('card/letters'), { bigint: true })
  for (const folder of ['', 'card/letters']) writeFileSync(places.newPath(folder), 'half')
  const note = readFileSync(at('.anysync/tmp-elsewhere'), 'utf8')
  await open().sweep()
  assert.ok(!existsSync(at('card/letters/.anysync')))
  assert.equal(lstatSync(at('card/letters'), { bigint: true }).mtimeNs, mtimeNs)
  assert.deepEqual([note, readFileSync(at('.anysync/tmp-elsewhere'), 'utf8')], ['card/letters', ''])
})

test('what is noted and cannot be seen now is swept later; what others keep there stays', async (t) => {
  const { places, open, at } = newPlaces(t)
  writeFileSync(places.newPath('card/letters'), 'half')
  writeFileSync(at('card/letters/.anysync/marker'), 'of another link')
  renameSync(at('card'), at('away'))
  await open().sweep()
  renameSync(at('away'), at('card'))
  await open().sweep()
  assert.ok(!existsSync(at('card/letters/.anysync/tmp-above')))
  assert.equal(readFileSync(at('card/letters/.anysync/marker'), 'utf8'), 'of another link')
})

test('a link in place of a folder of ours is not followed, neither to make a file nor to sweep', async (t) => {
  const { root, places, at } = newPlaces(t)
  const other = mkdtempSync(join(tmpdir(), 'anysync-not-ours-'))
  t.after(() => rmSync(other, { recursive: true }))
  mkdirSync(join(other, 'tmp-above'))
  writeFileSync(join(other, 'tmp-above/file'), 'of somebody')
  symlinkSync(other, at('card/letters/.anysync'))
  assert.throws(() => places.newPath('card/letters'), { kind: 'conflict' })
  await places.sweep()
  assert.equal(readFileSync(join(other, 'tmp-above/file'), 'utf8'), 'of somebody')
  rmSync(at('card'), { recursive: true })
  symlinkSync(other, join(root, 'card'))
  writeFileSync(at('.anysync/tmp-elsewhere'), 'card\0../x\0.anysync')
  mkdirSync(join(other, '.anysync/tmp-above'), { recursive: true })
  writeFileSync(join(other, '.anysync/tmp-above/file'), 'of somebody')
  await places.sweep()
  assert.equal(readFileSync(join(other, '.anysync/tmp-above/file'), 'utf8'), 'of somebody')
})
