import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdMsDefault } from '@anysync/protocol/limits.ts'
import { configText, parseConfig, readConfig, reserveBytesDefault } from './config.ts'
import { homeAt } from './home.ts'

const home = homeAt('/srv/anysync')
const defaults = {
  port: 65_065,
  address: null,
  listen: null,
  reserveBytes: reserveBytesDefault,
  holdMs: holdMsDefault,
  log: 'info',
  tls: null,
}

test('without settings the defaults hold, and the file that init writes says the same', () => {
  assert.deepEqual(parseConfig('', home), defaults)
  assert.deepEqual(parseConfig(configText({ port: 65_065, host: null }), home), defaults)
  const named = parseConfig(configText({ port: 7, host: 'cloud.example.org' }), home)
  assert.deepEqual(named, { ...defaults, port: 7, address: 'cloud.example.org', listen: 'cloud.example.org' })
})

test('every comment of the written file becomes a setting when its mark is taken away', () => {
  const text = configText({ port: 65_065, host: null }).replaceAll(/^# (?=[a-z]+ = |\[)/gm, '')
  const config = parseConfig(text, home)
  assert.equal(config.address, 'cloud.example.org')
  assert.equal(config.reserveBytes, 256_000_000)
  assert.equal(config.tls?.pin, false)
})

test('paths of a certificate are relative to the home', () => {
  const { tls } = parseConfig('[tls]\ncertificate = "my/cert.pem"\nkey = "/etc/key.pem"', home)
  assert.deepEqual(tls, { certificate: '/srv/anysync/my/cert.pem', key: '/etc/key.pem', pin: true })
})

test('every mistake names the key and the file in one sentence', () => {
  const table: [text: string, message: RegExp][] = [
    ['prot = 1', /^\/srv\/anysync\/server\.toml: 'prot' is not a setting of this server/],
    ['port = "80"', /'port' must be a whole number/],
    ['port = 99999', /'port' must be a whole number from 0 to 65535:/],
    ['reserve = "lots"', /'reserve' 'lots' is not a size/],
    ['reserve = 5', /'reserve' must be a text such as/],
    ['log = "loud"', /'log' must be "error", "info" or "debug"/],
    ['address = "https://example.org:1"', /'address' must be a host name/],
    ['[tls]\ncertificate = "a"', /'tls\.key' is missing/],
    ['port = = 1', /is not valid TOML at line 1/],
  ]
  for (const [text, message] of table) {
    assert.throws(() => parseConfig(text, home), { name: 'SyncError', kind: 'invalid', message }, text)
  }
  assert.throws(() => readConfig(homeAt('/nowhere')), { kind: 'missing', message: /anysync-server init/ })
  const folder = { ...homeAt('/nowhere'), configFile: import.meta.dirname }
  assert.throws(() => readConfig(folder), { kind: 'unavailable', message: /cannot be read \(EISDIR\)/ })
})
