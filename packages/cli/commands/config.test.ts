import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { AccessKeysSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, userIdFromBytes, vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { accountHome, saveAccessKeys } from '../homes.ts'
import { explain } from '../output/fail.ts'
import { nodeChance } from '../ports/chance.ts'
import { openState } from '../ports/state.ts'
import { buildProgram } from '../program.ts'
import { readSettings } from '../settings/settings-file.ts'

/** A home with one account that is signed in, and one linked folder. */
const newHome = (t: TestContext) => {
  const top = realpathSync(mkdtempSync(join(tmpdir(), 'anysync-config-')))
  t.after(() => rmSync(top, { recursive: true }))
  const [home, folder] = [join(top, 'home'), join(top, 'Documents')]
  mkdirSync(folder)
  const account = accountHome(home, userIdFromBytes(nodeChance.bytes(16)))
  const deviceId = nodeChance.bytes(16)
  const deviceCertificate = {
    deviceId,
    devicePublicKey: nodeChance.bytes(32),
    identityPublicKey: nodeChance.bytes(32),
    issuedNs: 1n,
    signature: nodeChance.bytes(64),
  }
  saveAccessKeys(
    account,
    create(AccessKeysSchema, {
      version: 1,
      serverUrl: 'https://nas.local:65065',
      email: 'ada@example.org',
      userId: idToBytes(account.userId),
      deviceId,
      deviceName: 'desk',
      deviceToken: nodeChance.bytes(32),
      signingSeed: nodeChance.bytes(32),
      deviceCertificate,
      fileKey: nodeChance.bytes(32),
    }),
  )
  {
    using state = openState(account.stateFile)
    const vaultId = vaultIdFromBytes(nodeChance.bytes(16))
    state.putLink({ id: nodeChance.bytes(16).toHex(), vaultId, root: folder, mode: 'sync' })
  }

  /** What `anysync config` prints, or the line with which it fails. */
  const config = async (...words: string[]): Promise<string> => {
    const printed: string[] = []
    // What the test runner says goes the same way, as bytes.
    const through = process.stdout.write.bind(process.stdout)
    const write = t.mock.method(process.stdout, 'write', (said: string | Uint8Array) =>
      typeof said === 'string' ? printed.push(said) > 0 : through(said),
    )
    try {
      await buildProgram(() => undefined).parseAsync(['config', ...words, '--home', home, '--quiet'], { from: 'user' })
    } catch (error) {
      return explain(error).lines.join('\n')
    } finally {
      write.mock.restore()
    }
    return printed.join('').trimEnd()
  }
  return {
    top,
    folder,
    account,
    config,
    json: async (...words: string[]) => JSON.parse(await config(...words, '--json')),
  }
}

test('a value that was set is shown and holds, until it is unset', async (t) => {
  const { account, config, json } = newHome(t)
  assert.equal(await config('get', 'size-max'), 'off')
  await config('set', 'size-max', '4', 'GB')
  assert.equal(await config('get', 'size-max'), '4 GB')
  assert.equal(readSettings(account).account.rules.sizeBytesMax, 4e9)
  assert.deepEqual(await json('get', 'size-max'), { settings: { 'size-max': { value: '4 GB', from: 'account' } } })
  assert.deepEqual(await json('unset', 'size-max'), { key: 'size-max', value: 'off', from: 'default' })
  assert.equal(readSettings(account).account.rules.sizeBytesMax, null)
  assert.equal(statSync(account.settingsFile).mode & 0o777, 0o600)
})

test('lists take a pattern for each word, rates and threads their own form', async (t) => {
  const { account, config, json } = newHome(t)
  assert.deepEqual(await json('set', 'exclude', '*.iso', 'build/'), {
    key: 'exclude',
    value: ['*.iso', 'build/'],
    from: 'account',
  })
  await config('set', 'upload-limit', '08:00-18:00', '1MB/s,', 'else', '20MB/s')
  await config('set', 'transfer-threads', '8')
  await config('set', 'default-excludes', 'off')
  const settings = readSettings(account)
  assert.deepEqual(settings.account.rules.exclude, ['*.iso', 'build/'])
  assert.equal(settings.flow.uploadRates.otherwise, 20e6)
  assert.equal(settings.flow.transfersMax, 8)
  assert.deepEqual(settings.account.defaultExcludes, [])
  await config('set', 'exclude', 'none')
  await config('set', 'default-excludes', 'on')
  assert.deepEqual(readSettings(account).account.rules.exclude, [])
  assert.match(await config('get', 'default-excludes'), /^\.DS_Store\n[^]*\.#\*$/)
})

test('all settings are listed, each default with its patterns, and those of folders', async (t) => {
  const { folder, config, json } = newHome(t)
  await config('set', 'age-min', '10m', '--folder', folder)
  const all = await config('get')
  const keys =
    'include exclude default-excludes size-max age-min age-max scan-interval retention upload-limit download-limit transfer-threads proof-size proxy'
  for (const key of keys.split(' ')) assert.match(all, new RegExp(`^${key} `, 'm'))
  assert.match(all, /^scan-interval +1h +\(as usual\)$/m)
  assert.match(all, /\.DS_Store/)
  assert.ok(all.includes(`${folder}:\n  age-min  10m`), all)
  const document = await json('get')
  assert.deepEqual(Object.keys(document.settings), keys.split(' '))
  assert.deepEqual(document.folders, { [folder]: { 'age-min': '10m' } })
})

test("a folder's own setting holds for that folder, and what it lacks is the account's", async (t) => {
  const { folder, account, config, json } = newHome(t)
  await config('set', 'size-max', '1GB')
  await config('set', 'size-max', 'off', '--folder', folder)
  await config('set', 'exclude', 'x', '--folder', folder)
  assert.equal(readSettings(account).folders.get(folder)?.rules.sizeBytesMax, null)
  assert.equal(readSettings(account).account.rules.sizeBytesMax, 1e9)
  assert.deepEqual((await json('get', 'size-max', '--folder', folder)).settings['size-max'], {
    value: 'off',
    from: 'folder',
  })
  await config('unset', 'size-max', '--folder', folder)
  assert.deepEqual((await json('get', 'size-max', '--folder', folder)).settings['size-max'], {
    value: '1GB',
    from: 'account',
  })
  await config('unset', 'exclude', '--folder', folder)
  assert.equal(readSettings(account).folders.size, 0)
  assert.match(await config('set', 'proxy', 'off', '--folder', folder), /proxy holds for the whole account/)
  assert.match(await config('set', 'exclude', 'x', '--folder', '/nowhere'), /\/nowhere is not linked/)
})

test('the mode of a folder is shown, set and unset as a setting of that folder', async (t) => {
  const { folder, config, json } = newHome(t)
  const ofFolder = ['--folder', folder]
  assert.equal(await config('get', 'mode', ...ofFolder), 'sync')
  await config('set', 'mode', 'new-only', ...ofFolder)
  assert.equal(await config('get', 'mode', ...ofFolder), 'new-only')
  const mode = { value: 'new-only', from: 'folder' }
  assert.deepEqual(await json('get', 'mode', ...ofFolder), { folder, settings: { mode } })
  assert.match(await config('get', ...ofFolder), /^mode +new-only$/m)
  assert.deepEqual((await json('get', ...ofFolder)).settings.mode, mode)
  assert.deepEqual(await json('unset', 'mode', ...ofFolder), { key: 'mode', folder, value: 'sync', from: 'default' })
  assert.match(await config('get', ...ofFolder), /^mode +sync +\(as usual\)$/m)
  const withoutFolder = ['get mode', 'set mode sync', 'unset mode']
  for (const words of withoutFolder) assert.match(await config(...words.split(' ')), /a mode is of one folder/)
})

test('a wrong value or name changes nothing and says what it takes', async (t) => {
  const { account, config } = newHome(t)
  await config('set', 'size-max', '1GB')
  const before = readFileSync(account.settingsFile, 'utf8')
  assert.match(
    await config('set', 'size-max', 'huge'),
    /^size-max is not right: 'huge' is not a size: .*; it takes a size: 4GB/,
  )
  assert.match(
    await config('set', 'transfer-threads', 'many'),
    /^transfer-threads must be a whole number from 1 to 16; it takes/,
  )
  assert.match(await config('set', 'include', '!a'), /^include holds a pattern that begins with !/)
  assert.match(await config('set', 'colour', 'red'), /there is no setting of that name: there are include, exclude,/)
  assert.match(await config('get', 'colour'), /there is no setting of that name/)
  assert.equal(readFileSync(account.settingsFile, 'utf8'), before)
  writeFileSync(account.settingsFile, 'colour = "red"')
  assert.match(await config('get'), /client\.toml: 'colour' is not a setting/)
})

test('user and password of a proxy come from a file and are never shown', async (t) => {
  const { top, account, config, json } = newHome(t)
  const file = join(top, 'login')
  writeFileSync(file, 'ada:geheim\n')
  const set = await config('set', 'proxy', 'http://proxy.example:3128', '--password-file', file, '--json')
  assert.deepEqual(readSettings(account).proxy?.login, { user: 'ada', password: 'geheim' })
  assert.equal(await config('get', 'proxy'), 'http://proxy.example:3128')
  const shown = [
    set,
    await config('get'),
    JSON.stringify(await json('get')),
    JSON.stringify(await json('get', 'proxy')),
  ]
  for (const text of shown) assert.ok(!/geheim|ada:/.test(text), text)
  const inline = await config('set', 'proxy', 'http://ada:geheim@proxy.example:3128')
  assert.match(inline, /write USER:PASSWORD into a file and give it with --password-file/)
  assert.ok(!inline.includes('geheim'))
  assert.match(await config('set', 'size-max', '1GB', '--password-file', file), /goes with the setting proxy only/)
  await config('set', 'proxy', 'socks5://other.example:1080')
  assert.equal(readSettings(account).proxy?.login, null)
  await config('set', 'proxy', 'off')
  assert.equal(readSettings(account).proxy, null)
})
