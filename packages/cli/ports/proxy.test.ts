import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { formatProxy, parseProxy, parseProxyLogin } from './proxy.ts'

test('the address of a proxy says its kind, host and port', () => {
  const table: [text: string, protocol: string, host: string, port: number][] = [
    ['http://proxy.example:3128', 'http', 'proxy.example', 3128],
    ['https://proxy.example:8443/', 'https', 'proxy.example', 8443],
    ['socks5://10.0.0.1:1080', 'socks5', '10.0.0.1', 1080],
    ['socks5h://localhost:9050', 'socks5h', 'localhost', 9050],
    ['http://[::1]:3128', 'http', '::1', 3128],
    ['socks5h://[2001:db8::1]:1081', 'socks5h', '2001:db8::1', 1081],
    [' http://proxy.example ', 'http', 'proxy.example', 80],
    ['https://proxy.example', 'https', 'proxy.example', 443],
    ['socks5h://proxy.example', 'socks5h', 'proxy.example', 1080],
  ]
  for (const [text, protocol, host, port] of table) {
    const proxy = parseProxy(text)
    assert.deepEqual(proxy, { protocol, host, port, login: null })
    assert.deepEqual(parseProxy(formatProxy(proxy)), proxy)
  }
})

test('anything else is refused, and what may be a secret is not repeated', () => {
  const table: [text: string, words: RegExp][] = [
    ['', /not the address of a proxy/],
    ['proxy.example:3128', /kind of this proxy is not known/],
    ['proxy.example', /not the address of a proxy/],
    ['ftp://proxy.example:21', /kind of this proxy is not known/],
    ['socks4://proxy.example:1080', /kind of this proxy is not known/],
    ['http://ada:geheim@proxy.example:3128', /write USER:PASSWORD into a file/],
    ['socks5://geheim@proxy.example:1080', /write USER:PASSWORD into a file/],
    ['http://proxy.example:3128/geheim', /not the address/],
    ['http://proxy.example:3128?geheim', /not the address/],
    ['http://proxy.example:0', /port of a proxy/],
    ['http://proxy.example:99999', /not the address/],
    ['socks5://:1080', /not the address/],
  ]
  for (const [text, words] of table) {
    assert.throws(
      () => parseProxy(text),
      (error) => isTrouble(error, 'invalid') && words.test(error.message) && !error.message.includes('geheim'),
      text,
    )
  }
})

test('user and password are one line, the first colon between them', () => {
  assert.deepEqual(parseProxyLogin('ada:pass:word'), { user: 'ada', password: 'pass:word' })
  for (const text of ['', 'ada', ':x', 'ada:', 'a:b\nc', `a:${'x'.repeat(256)}`]) {
    assert.throws(() => parseProxyLogin(text), /USER:PASSWORD/)
  }
})
