/**
 * A device that reaches its server through a proxy and in no other way: the name by which it calls the server is known
 * to the proxy alone.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { serveSocksProxy } from '@anysync/cli/ports/proxies.suite.ts'
import { ann, newDevice } from './support/device.ts'
import { startServer } from './support/server.ts'
import { makeScratch } from './support/scratch.ts'
import { stepsOf } from './support/steps.ts'

test('a device signs up, syncs and follows through a proxy', { timeout: 120_000 }, async (t) => {
  const step = stepsOf(t)
  using scratch = makeScratch('proxy')
  await using server = await startServer(scratch)
  const login = { user: 'ann', password: 'of the proxy' }
  await using proxy = await serveSocksProxy(server.port(), { login })
  const address = `socks5h://localhost:${proxy.proxy.port}`
  const link = (await server.invite()).replace('127.0.0.1', 'server.invalid')
  const device = newDevice(scratch, 'desk')
  const folder = scratch.folder('desk')
  const loginFile = join(scratch.folder('files'), 'login')
  writeFileSync(loginFile, `${login.user}:${login.password}\n`)
  const signUp = ['signup', link, '--email', ann.email, '--password-file', '-']

  await step('without the proxy the server cannot be found', async () => {
    const result = await device.run(signUp, { input: ann.password })
    assert.equal(result.exitCode, 1)
    assert.match(result.stderr, /server\.invalid/)
    assert.deepEqual(proxy.asked, [])
  })

  await step('the proxy that signup names is kept for all that follows', async () => {
    await device.done([...signUp, '--proxy', address, '--proxy-login-file', loginFile], { input: ann.password })
    writeFileSync(join(folder, 'file'), Buffer.alloc(3_000_000, 'through the proxy'))
    await device.done(['add', folder, '--vault', 'photos', '--create'])
    await device.done(['sync'])
    assert.ok(server.objectBytes() > 0)
    await device.done(['whoami'])
    assert.deepEqual(new Set(proxy.asked), new Set([`server.invalid:${server.port()}`]))
    assert.deepEqual(new Set(proxy.logins), new Set([`${login.user}:${login.password}`]))
  })

  await step('a running device keeps to it', async () => {
    const running = device.start(['start', '--foreground', '--json'])
    await running.line(/"event":"turn"/)
    const before = server.objectBytes()
    writeFileSync(join(folder, 'another'), Buffer.from('more'))
    await running.until(() => server.objectBytes() > before || null)
    running.kill('SIGTERM')
    const { stdout, stderr } = await running.result
    assert.ok(!`${stdout}${stderr}`.includes(login.password))
  })

  await step('and without it there is no way again', async () => {
    await device.done(['config', 'set', 'proxy', 'off'])
    const result = await device.run(['whoami'])
    assert.equal(result.exitCode, 1)
    assert.match(result.stderr, /server\.invalid/)
  })

  await step('a proxy that refuses says so in one line', async () => {
    await device.done(['config', 'set', 'proxy', address])
    const result = await device.run(['sync'])
    assert.equal(result.exitCode, 1)
    assert.match(
      result.stderr,
      /^anysync: [^\n]*the proxy socks5h:\/\/localhost:\d+ asks for a user and a password[^\n]*\n$/,
    )
  })
})
