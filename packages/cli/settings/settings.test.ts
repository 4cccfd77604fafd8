import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { defaultExcludes } from '@anysync/client/sync/default-excludes.ts'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { fullScanMs, proofBytesMax } from '@anysync/protocol/limits.ts'
import { noLimits } from '../ports/flow.ts'
import { readSettings, readWritten, settingsReader, writeSettings } from './settings-file.ts'
import { parseSettings, settingsOfFolder, type Settings } from './settings.ts'

const usual: Settings = {
  account: {
    rules: { include: [], exclude: [], sizeBytesMax: null, ageMsMin: null, ageMsMax: null },
    defaultExcludes,
    fullScanMs,
    retention: null,
  },
  folders: new Map(),
  flow: noLimits,
  proxy: null,
  proofBytesMax,
}

const fileIn = (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'anysync-settings-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return { settingsFile: join(folder, 'client.toml') }
}

test('without a file, and with an empty one, all is as usual', (t) => {
  const file = fileIn(t)
  assert.deepEqual(readSettings(file), usual)
  assert.deepEqual(parseSettings('# nothing\n', 'f'), usual)
})

test('every key has its effect', () => {
  const settings = parseSettings(
    `
    include = ["keep.iso"]
    exclude = ["*.iso", "build/"]
    default-excludes = [".DS_Store"]
    size-max = "4GB"
    age-min = "10m"
    age-max = "30d"
    scan-interval = "15m"
    retention = "keep-within 30d, keep-daily 90"
    upload-limit = "2 MB/s"
    download-limit = "08:00-18:00 1MB/s, else 20MB/s"
    transfer-threads = 8
    proof-size = "1GB"
    [proxy]
    address = "socks5h://localhost:9050"
    user = "ada"
    password = "x:y"
    `,
    'f',
  )
  assert.deepEqual(settings, {
    account: {
      rules: {
        include: ['keep.iso'],
        exclude: ['*.iso', 'build/'],
        sizeBytesMax: 4e9,
        ageMsMin: 600_000,
        ageMsMax: 30 * 86_400_000,
      },
      defaultExcludes: ['.DS_Store'],
      fullScanMs: 900_000,
      retention: { within: { years: 0, months: 0, days: 30, hours: 0 }, every: { daily: 90 } },
    },
    folders: new Map(),
    flow: {
      uploadRates: { windows: [], otherwise: 2e6 },
      downloadRates: { windows: [{ fromMinute: 480, untilMinute: 1080, rate: 1e6 }], otherwise: 20e6 },
      transfersMax: 8,
    },
    proxy: { protocol: 'socks5h', host: 'localhost', port: 9050, login: { user: 'ada', password: 'x:y' } },
    proofBytesMax: 1e9,
  })
})

test("a folder's own value goes before the account's, also to switch it off", () => {
  const settings = parseSettings(
    `
    exclude = ["*.iso"]
    size-max = "4GB"
    [folders."/home/ada/Documents"]
    size-max = "off"
    default-excludes = "off"
    [folders."/home/ada/Films"]
    exclude = []
    `,
    'f',
  )
  const [documents, films, other] = ['/home/ada/Documents', '/home/ada/Films', '/home/ada'].map((root) =>
    settingsOfFolder(settings, root),
  )
  assert.deepEqual([documents?.rules.sizeBytesMax, documents?.rules.exclude], [null, ['*.iso']])
  assert.deepEqual([documents?.defaultExcludes, films?.defaultExcludes], [[], defaultExcludes])
  assert.deepEqual([films?.rules.sizeBytesMax, films?.rules.exclude], [4e9, []])
  assert.deepEqual(other, settings.account)
})

test('every mistake names the key, and what it should be', () => {
  const table: [text: string, words: RegExp][] = [
    ['sizemax = "4GB"', /^f: 'sizemax' is not a setting/],
    ['size-max = 4', /'size-max' must be a text in quotes/],
    ['size-max = "huge"', /'size-max' is not right: 'huge' is not a size: .* as in 50GB/],
    ['age-min = "soon"', /'age-min' is not right: 'soon' is not a duration: .* as in 7d/],
    ['exclude = "*.iso"', /'exclude' must be a list of texts such as/],
    ['exclude = [1]', /'exclude' must be a list of texts such as/],
    ['exclude = ["a", ""]', /'exclude' holds a pattern that would match nothing/],
    ['include = ["!a"]', /'include' holds a pattern that begins with !/],
    ['default-excludes = "maybe"', /'default-excludes' must be "on", "off" or a list/],
    ['scan-interval = "10s"', /'scan-interval' is not right: '10s' is too often: .* as in 1h/],
    ['retention = "keep-all"', /'retention' is not right: 'keep-all' is no rule: .* keep-daily 7/],
    ['upload-limit = "2"', /'upload-limit' is not right: '2' is no rate: .*2MB\/s/],
    ['proof-size = "much"', /'proof-size' is not right: 'much' is not a size/],
    ['transfer-threads = 0', /'transfer-threads' must be a whole number from 1 to 16/],
    ['transfer-threads = 1.5', /'transfer-threads' must be a whole number from 1 to 16/],
    ['transfer-threads = 17', /'transfer-threads' must be a whole number from 1 to 16/],
    ['proxy = "http://a:1"', /'proxy' is missing or not a table/],
    ['[proxy]\naddress = "gopher://a:1"', /'proxy\.address' is not right: the kind of this proxy/],
    ['[proxy]\naddress = "http://a:1"\nuser_name = "x"', /'proxy\.user_name' is not a setting/],
    ['[folders."/a"]\nupload-limit = "2MB/s"', /'folders\.\/a\.upload-limit' is not a setting/],
    ['[folders."/a"]\nsize-max = "x"', /'folders\.\/a\.size-max' is not right/],
    ['size-max = = 1', /f is not valid TOML at line 1/],
  ]
  for (const [text, words] of table) {
    assert.throws(
      () => parseSettings(text, 'f'),
      (error) => isTrouble(error, 'invalid') && words.test(error.message),
      text,
    )
  }
})

test('what is written is read, by its owner only, and what is wrong is not written', (t) => {
  const file = fileIn(t)
  const written = {
    exclude: ['*.iso', 'it\'s "odd" \\#'],
    'transfer-threads': 3,
    proxy: { address: 'http://a:1', user: 'u', password: 'ä"' },
    folders: { '/home/a b': { 'age-min': '1h' } },
  }
  writeSettings(file, written)
  assert.deepEqual(JSON.parse(JSON.stringify(readWritten(file))), written)
  assert.equal(statSync(file.settingsFile).mode & 0o777, 0o600)
  const before = readFileSync(file.settingsFile, 'utf8')
  assert.throws(() => writeSettings(file, { 'size-max': 'huge' }), /'size-max' is not right/)
  assert.equal(readFileSync(file.settingsFile, 'utf8'), before)
})

test('a reader reads again only when the file is another, and a wrong file is wrong until it is mended', (t) => {
  const file = fileIn(t)
  const read = settingsReader(file)
  const first = read()
  assert.equal(read(), first)
  writeSettings(file, { 'size-max': '1GB' })
  const second = read()
  assert.equal(second.account.rules.sizeBytesMax, 1e9)
  assert.equal(read(), second)
  writeFileSync(file.settingsFile, 'size-max = 1')
  assert.throws(read, /'size-max' must be a text/)
  assert.throws(read, /'size-max' must be a text/)
  // In place, to as many bytes, at the same time.
  writeFileSync(file.settingsFile, 'age-max = "off"')
  utimesSync(file.settingsFile, 1, 1)
  assert.deepEqual(read(), usual)
  rmSync(file.settingsFile)
  assert.deepEqual(read(), usual)
})

test('a file that is no text is named', (t) => {
  const file = fileIn(t)
  writeFileSync(file.settingsFile, new Uint8Array([0xff]))
  assert.throws(() => readSettings(file), /client\.toml is not UTF-8/)
})
