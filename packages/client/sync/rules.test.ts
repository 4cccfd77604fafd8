import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { ignoreBytesMax } from '@anysync/protocol/limits.ts'
import { createMemoryDisk } from '../memory/disk.ts'
import { steppedClock } from '../memory/clock.ts'
import { defaultExcludes } from './default-excludes.ts'
import { parseIgnoreText, readIgnoreText } from './ignore-file.ts'
import { compileRules, refusePattern, type RuleParts, type Rules, type RuleSettings } from './rules.ts'

const nowNs = 1_767_225_600_000_000_000n
const off: RuleSettings = { include: [], exclude: [], sizeBytesMax: null, ageMsMin: null, ageMsMax: null }

const rulesOf = ({
  ignoreText = null,
  settings = {},
  defaults = [],
}: Partial<Omit<RuleParts, 'settings'>> & { settings?: Partial<RuleSettings> }): Rules =>
  compileRules({ ignoreText, settings: { ...off, ...settings }, defaults })

/** A path that ends with / is a folder's. */
const refuse = (rules: Rules, path: string) =>
  rules.refuse(path.replace(/\/$/, ''), path.endsWith('/') ? 'folder' : 'file', null, nowNs)

const isExcluded = (rules: Rules, path: string): boolean => refuse(rules, path)?.kind === 'excluded'

test('lines of .anysyncignore mean what they mean to git', () => {
  // The answers are those of `git check-ignore` 2.39, but for the last: there ? and [] take a letter, not a byte.
  const table: [text: string, ignored: string[], synced: string[]][] = [
    ['*.log', ['a.log', 'deep/er/b.log', 'x.log/'], ['log', 'a.logs', 'a.LOG']],
    ['build/', ['build/', 'a/build/', 'build/x', 'a/build/x/y'], ['build', 'a/build', 'rebuild/']],
    ['/build', ['build', 'build/', 'build/x'], ['a/build']],
    ['a/b', ['a/b', 'a/b/c'], ['x/a/b', 'b']],
    ['**/a/b', ['a/b', 'x/a/b', 'x/y/a/b/c'], ['a/x/b']],
    ['a/**', ['a/x', 'a/x/y'], ['a/', 'b/a/x']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['z', 'b/a/z']],
    ['*.txt\n!keep.txt', ['a.txt'], ['keep.txt', 'a/keep.txt']],
    ['build/\n!build/keep', ['build/keep'], []],
    ['build/*\n!build/keep', ['build/x'], ['build/', 'build/keep']],
    ['!keep.txt\n*.txt', ['keep.txt'], []],
    ['?at', ['cat', 'a/bat'], ['at', 'chat', 'c/at']],
    ['[a-c]x', ['ax', 'cx'], ['dx', 'Ax']],
    ['[!a-c]x', ['dx'], ['ax']],
    ['\\#a\n\\!b\n\\*', ['#a', '!b', '*'], ['a', 'b', 'x']],
    ['# a\n\n   \n#b', [], ['# a', 'b', '#b', '   ']],
    ['a  \nb\\ ', ['a', 'b '], ['a  ', 'b']],
    ['a\r\nb\r\n', ['a', 'b'], ['a\r']],
    ['Ab', ['Ab'], ['ab', 'AB']],
    ['[a-\n\\\na', ['a'], ['[a-', '\\']],
    ['größe ?.txt', ['größe 1.txt', 'größe ü.txt'], ['groesse 1.txt']],
  ]
  for (const [ignoreText, ignored, synced] of table) {
    const rules = rulesOf({ ignoreText })
    for (const path of ignored) assert.ok(isExcluded(rules, path), `${JSON.stringify(ignoreText)} ignores ${path}`)
    for (const path of synced) assert.ok(!isExcluded(rules, path), `${JSON.stringify(ignoreText)} leaves ${path} alone`)
  }
})

test('a link is no folder, whatever it leads to', () => {
  const rules = rulesOf({ ignoreText: 'build/' })
  assert.equal(rules.refuse('build', 'symlink', null, nowNs), null)
  assert.equal(rules.refuse('build/x', 'symlink', null, nowNs)?.kind, 'excluded')
})

test('of the four lists, the first that says anything has the word: .anysyncignore, include, exclude, defaults', () => {
  const table: [lists: string, parts: Parameters<typeof rulesOf>[0], by: RegExp | null][] = [
    ['defaults', { defaults: ['x'] }, /setting default-excludes/],
    ['exclude', { settings: { exclude: ['x'] } }, /setting exclude/],
    ['ignore', { ignoreText: 'x' }, /pattern in \.anysyncignore/],
    ['include over defaults', { defaults: ['x'], settings: { include: ['x'] } }, null],
    ['include over exclude', { settings: { include: ['x'], exclude: ['x'] } }, null],
    ['ignore over include', { ignoreText: 'x', settings: { include: ['x'] } }, /anysyncignore/],
    ['! of ignore over exclude', { ignoreText: '!x', settings: { exclude: ['x'] } }, null],
    ['! of ignore over defaults', { ignoreText: '!x', defaults: ['x'] }, null],
    ['! of exclude over defaults', { settings: { exclude: ['!x'] }, defaults: ['x'] }, null],
    ['exclude names itself over defaults', { settings: { exclude: ['x'] }, defaults: ['x'] }, /setting exclude/],
  ]
  for (const [lists, parts, by] of table) {
    const refusal = refuse(rulesOf(parts), 'x')
    if (by === null) assert.equal(refusal, null, lists)
    else assert.match(refusal?.message ?? '', by, lists)
  }
})

test('what lies in an ignored folder cannot be included; the folder can', () => {
  const inside = rulesOf({ settings: { exclude: ['build/'], include: ['build/keep'] } })
  assert.ok(isExcluded(inside, 'build/keep'))
  const folder = rulesOf({ settings: { exclude: ['build/'], include: ['/build/'] } })
  assert.deepEqual(
    ['build/', 'build/keep', 'a/build/x'].map((path) => isExcluded(folder, path)),
    [false, false, true],
  )
})

test('.anysyncignore in the root is always synced, and only there', () => {
  const rules = rulesOf({
    ignoreText: '*\n.anysyncignore',
    settings: { exclude: ['.any*'], sizeBytesMax: 1, ageMsMin: 1000 },
    defaults: ['*'],
  })
  assert.equal(rules.refuse('.anysyncignore', 'file', { size: 100, mtimeNs: nowNs }, nowNs), null)
  assert.ok(isExcluded(rules, 'a/.anysyncignore'))
  assert.equal(refuse(rules, ''), null)
})

test('a file is left out beyond its size and outside its ages, to the byte and the millisecond', () => {
  const minute = 60_000_000_000n
  const table: [settings: Partial<RuleSettings>, size: number, ageNs: bigint, kind: string | null][] = [
    [{}, 1e12, -minute, null],
    [{ sizeBytesMax: 100 }, 100, 0n, null],
    [{ sizeBytesMax: 100 }, 101, 0n, 'too-large'],
    [{ sizeBytesMax: 0 }, 0, 0n, null],
    [{ ageMsMin: 60_000 }, 0, minute, null],
    [{ ageMsMin: 60_000 }, 0, minute - 1_000_000n, 'too-young'],
    // A time to come is younger than any age.
    [{ ageMsMin: 60_000 }, 0, -minute, 'too-young'],
    [{ ageMsMax: 60_000 }, 0, minute, null],
    [{ ageMsMax: 60_000 }, 0, minute + 1_000_000n, 'too-old'],
    [{ ageMsMax: 60_000 }, 0, -minute, null],
    [{ ageMsMin: 60_000, ageMsMax: 120_000 }, 0, 2n * minute, null],
    [{ sizeBytesMax: 1, ageMsMin: 60_000 }, 2, 0n, 'too-large'],
  ]
  for (const [settings, size, ageNs, kind] of table) {
    const rules = rulesOf({ settings })
    const attributes = { size, mtimeNs: nowNs - ageNs }
    assert.equal(rules.refuse('a/file', 'file', attributes, nowNs)?.kind ?? null, kind, JSON.stringify(settings))
    assert.equal(rules.refuse('a/file', 'file', null, nowNs), null)
    for (const other of ['folder', 'symlink'] as const) {
      assert.equal(rules.refuse('a/file', other, attributes, nowNs), null)
    }
  }
})

test('the defaults hide junk and no document', () => {
  const rules = rulesOf({ defaults: defaultExcludes })
  const junk = [
    '.DS_Store',
    'a/.DS_Store',
    'Thumbs.db',
    'photos/thumbs.db',
    'desktop.ini',
    '$RECYCLE.BIN/x',
    'System Volume Information/',
    '.Trash-1000/files/letter.txt',
    'lost+found/',
    '.Spotlight-V100/x',
    '~$letter.docx',
    'a/.~lock.letter.odt#',
    '.letter.txt.swp',
    'a/.letter.swo',
    '.#letter.txt',
    '.nfs000000000123456789abcdef',
    '.fuse_hidden0000123400000001',
  ]
  const documents = [
    'letter.docx',
    'letter.docx~',
    '~letter',
    '#letter.txt#',
    'letter.swp',
    '.film.swf',
    '.sw',
    'my desktop.ini.txt',
    'Trash-1/a',
    '.Trash-report',
    'lost+found',
    'lost and found/',
    '.lock.odt',
    '.nfs-notes',
    '.bashrc',
    '.git/config',
    'node_modules/x',
    'notes.tmp',
    'notes.bak',
  ]
  for (const path of junk) assert.ok(isExcluded(rules, path), path)
  for (const path of documents) assert.ok(!isExcluded(rules, path), path)
  assert.equal(new Set(defaultExcludes).size, defaultExcludes.length)
})

test('whatever the lists, below an ignored folder all is ignored, and asking again changes no answer', () => {
  const name = fc.constantFrom('a', 'b', 'ab', '.c', 'd e')
  const pattern = fc
    .array(fc.constantFrom('a', 'b', '*', '**/', '/', '?', '[ab]', '.c', '\\', ' '), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join(''))
  const patterns = fc.array(pattern, { maxLength: 4 })
  fc.assert(
    fc.property(
      patterns,
      patterns,
      patterns,
      fc.array(name, { minLength: 2, maxLength: 5 }),
      (ignored, include, exclude, names) => {
        const rules = rulesOf({ ignoreText: ignored.join('\n'), settings: { include, exclude } })
        const paths = names.map((_, index) => names.slice(0, index + 1).join('/'))
        const answers = paths.map((path) => isExcluded(rules, `${path}/`))
        assert.deepEqual(
          answers,
          answers.toSorted((a, b) => Number(a) - Number(b)),
        )
        for (const [index, path] of paths.entries()) assert.equal(isExcluded(rules, `${path}/`), answers[index])
      },
    ),
  )
})

test('what is asked after more paths than answers are remembered of is answered alike', () => {
  const rules = rulesOf({ ignoreText: '*.log\n!keep.log', defaults: defaultExcludes })
  for (let i = 0; i < 60_000; i++) {
    assert.equal(rules.refuse(`folder/${i}.txt`, 'file', null, nowNs), null)
    if (i % 10_000 !== 0) continue
    assert.ok(isExcluded(rules, `folder/${i}.log`))
    assert.ok(!isExcluded(rules, 'folder/keep.log'))
  }
})

test('the fingerprint differs when an answer may, and not for a comment', () => {
  const all = [
    rulesOf({}),
    rulesOf({ ignoreText: 'a' }),
    rulesOf({ ignoreText: 'a ' }),
    rulesOf({ ignoreText: 'a\nb' }),
    rulesOf({ ignoreText: 'b\na' }),
    rulesOf({ settings: { include: ['a'] } }),
    rulesOf({ settings: { exclude: ['a'] } }),
    rulesOf({ defaults: ['a'] }),
    rulesOf({ settings: { sizeBytesMax: 1 } }),
    rulesOf({ settings: { ageMsMin: 1 } }),
    rulesOf({ settings: { ageMsMax: 1 } }),
  ].map(({ fingerprint }) => fingerprint)
  assert.equal(new Set(all).size, all.length)
  assert.equal(rulesOf({ ignoreText: '# why\r\na\r\n\r\n' }).fingerprint, rulesOf({ ignoreText: 'a' }).fingerprint)
  assert.equal(rulesOf({ ignoreText: '' }).fingerprint, rulesOf({}).fingerprint)
})

test('a pattern of a setting that cannot mean anything is refused with what to do', () => {
  for (const pattern of ['', '  ', '# a', 'a\nb', 'a\0']) assert.ok(refusePattern(pattern, 'exclude'), pattern)
  for (const pattern of ['a', '!a', '\\#a', '*.iso', 'a b/']) assert.equal(refusePattern(pattern, 'exclude'), null)
  assert.match(refusePattern('!a', 'include') ?? '', /exclude/)
})

test('.anysyncignore is read as UTF-8 text of up to 1 MiB, with or without a mark at its head', async () => {
  const disk = createMemoryDisk({ clock: steppedClock() })
  assert.equal(await readIgnoreText(disk), null)
  disk.user.writeFile('.anysyncignore', '\ufeff*.log\nä')
  assert.equal(await readIgnoreText(disk), '*.log\nä')
  disk.user.writeFile('.anysyncignore', '#'.repeat(ignoreBytesMax))
  assert.equal((await readIgnoreText(disk))?.length, ignoreBytesMax)
})

const fails = (words: RegExp) => (error: unknown) => isTrouble(error, 'invalid') && words.test(error.message)

test('what stands in the place of .anysyncignore and is no such text is invalid, and says what to do', async () => {
  const disk = createMemoryDisk({ clock: steppedClock() })
  disk.user.writeFile('.anysyncignore', '#'.repeat(ignoreBytesMax + 1))
  await assert.rejects(readIgnoreText(disk), fails(/larger than 1048576 bytes: shorten it/))
  disk.user.writeFile('.anysyncignore', new Uint8Array([0xff, 0x61]))
  await assert.rejects(readIgnoreText(disk), fails(/not UTF-8: save it as UTF-8/))
  assert.throws(() => parseIgnoreText(new Uint8Array(ignoreBytesMax + 1)), fails(/larger/))
  disk.user.rm('.anysyncignore')
  disk.user.symlink('elsewhere', '.anysyncignore')
  await assert.rejects(readIgnoreText(disk), fails(/not a file: put a plain text file there/))
  disk.user.rm('.anysyncignore')
  disk.user.mkdir('.anysyncignore')
  await assert.rejects(readIgnoreText(disk), fails(/not a file/))
})
