import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { newFolder } from './household.suite.ts'

const project = join(import.meta.dirname, '..', '..')
const program = join(import.meta.dirname, 'main.ts')
const linkForm = /^https:\/\/127\.0\.0\.1:(\d+)\/join#i=[\w-]{43}&f=([\w-]{43})$/

const call = (...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { encoding: 'utf8' })
  return { status, stdout, stderr }
}
const json = (text: string) => JSON.parse(text) as Record<string, unknown>

/** Starts a server and waits until it says that it is ready; gives all that it said before. */
const launch = async (
  t: TestContext,
  command: string,
  args: string[],
): Promise<{ child: ChildProcess; lines: string[] }> => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let trouble = ''
  child.stderr.on('data', (part: Buffer) => (trouble += part.toString()))
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (line.startsWith('ready ')) return { child, lines }
  }
  throw new Error(`the server did not start: ${trouble}`)
}

test('init makes a private home once; status, invite and stop tell the truth about it', (t) => {
  const home = join(newFolder(t), 'a home')
  assert.match(call('status', '--home', home).stderr, /^anysync-server: there is no server at .*init'\n$/)
  const first = call('init', '--home', home, '--port', '0', '--host', '127.0.0.1', '--json')
  assert.equal(first.status, 0)
  const key = readFileSync(join(home, 'server', 'tls', 'key.pem'))
  for (const name of ['server/tls/key.pem', 'server/secret'])
    assert.equal(statSync(join(home, name)).mode & 0o077, 0, name)
  assert.equal(statSync(join(home, 'server')).mode & 0o077, 0)
  const again = json(call('init', '--home', home, '--json').stdout)
  assert.deepEqual(again, { ...json(first.stdout), isNew: false })
  assert.deepEqual(readFileSync(join(home, 'server', 'tls', 'key.pem')), key)

  const status = json(call('status', '--home', home, '--json').stdout)
  assert.deepEqual([status['running'], status['accounts'], status['bytes']], [false, 0, 0])
  const made = json(
    call('invite', '--home', home, '--port', '7', '--expires', '1h', '--quota', '50GB', '--json').stdout,
  )
  const [, port, pin] = linkForm.exec(String(made['link'])) ?? []
  assert.equal(port, '7')
  assert.equal(Buffer.from(pin ?? '', 'base64url').toString('hex'), status['fingerprint'])
  const hours = (Date.parse(String(made['expires'])) - Date.now()) / 3600_000
  assert.ok(hours > 0.9 && hours < 1.1)
  assert.deepEqual(json(call('stop', '--home', home, '--json').stdout), { stopped: false })
})

test('wrong words are usage errors with code 2, trouble is one line with code 1', (t) => {
  const home = newFolder(t)
  for (const words of [
    ['frobnicate'],
    ['start', '--port', 'x'],
    ['start', '--nonsense'],
    ['invite', 'extra'],
    ['init', '--host', 'https://cloud.example.org', '--home', join(home, 'new')],
  ]) {
    const { status, stdout, stderr } = call(...words)
    assert.deepEqual([status, stdout], [2, ''], words.join(' '))
    assert.match(stderr, /^anysync-server: [^\n]+\n$/)
  }
  assert.equal(existsSync(join(home, 'new')), false, 'wrong words make nothing')
  writeFileSync(join(home, 'server.toml'), 'port = "x"')
  const bad = call('start', '--home', home)
  assert.equal(bad.status, 1)
  assert.match(bad.stderr, /^anysync-server: .*'port' must be a whole number.*\n$/)
  assert.equal(call('invite', '--home', home, '--quota', 'much').status, 1)
  const other = join(home, 'other')
  assert.equal(call('init', '--home', other, '--port', '0').status, 0)
  const oneLine = /^anysync-server: [^\n]+\n$/
  rmSync(join(other, 'objects'), { recursive: true })
  writeFileSync(join(other, 'objects'), '')
  assert.match(call('start', '--home', other).stderr, oneLine)
  // Like a lock that another user made.
  rmSync(join(other, 'server', 'lock.db'))
  mkdirSync(join(other, 'server', 'lock.db'))
  for (const command of ['start', 'status', 'run']) {
    assert.match(call(command, '--home', other).stderr, /^anysync-server: .*cannot be written by this user: [^\n]+\n$/)
  }
  assert.equal(call('--help').status, 0)
  assert.match(call('invite', '--help').stdout, /--quota/)
})

test('run sets up, invites and serves; a second one says so; it survives kill -9; stop and SIGTERM end it', async (t) => {
  const home = newFolder(t)
  const place = ['--home', home, '--port', '0', '--host', '127.0.0.1']
  const first = await launch(t, process.execPath, [program, 'run', ...place])
  const said = first.lines.join('\n')
  const url = String(first.lines.at(-1)).slice('ready '.length)
  const invitation = /invitation +(\S+)/.exec(said)?.[1] ?? ''
  assert.match(invitation, linkForm)
  assert.ok(invitation.startsWith(`${url}/join#`))
  assert.match(said, /fingerprint +[0-9a-f]{64}/)
  assert.match(said, /█▀▀▀▀▀█|▀▀▀▀▀▀▀/)

  const second = call('run', ...place)
  assert.deepEqual([second.status, second.stdout], [0, `already running at ${url}\n`])
  const start = call('start', ...place)
  assert.deepEqual([start.status, start.stdout], [1, ''])
  assert.match(start.stderr, /already runs/)
  const while_ = json(call('invite', '--home', home, '--json').stdout)
  assert.ok(String(while_['link']).startsWith(`${url}/join#`))
  const status = json(call('status', '--home', home, '--json').stdout)
  assert.deepEqual([status['running'], status['url'], status['pid']], [true, url, first.child.pid])

  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const third = await launch(t, process.execPath, [program, 'run', ...place])
  // Somebody is invited already, so it only serves.
  assert.equal(third.lines.length, 1)
  const exit = once(third.child, 'exit')
  assert.deepEqual(call('stop', '--home', home).stdout, 'stopped\n')
  assert.deepEqual(await exit, [0, null])
  assert.ok(!existsSync(join(home, 'server', 'run.json')))

  const fourth = await launch(t, process.execPath, [program, 'start', ...place])
  const stopped = once(fourth.child, 'exit')
  fourth.child.kill('SIGTERM')
  assert.deepEqual(await stopped, [0, null])
})

test('the launchers work through links and from anywhere, say nothing of their own, and pass signals on', async (t) => {
  if (process.platform === 'win32') return t.skip('the launchers are for sh')
  const folder = newFolder(t)
  symlinkSync(join(project, 'bin', 'anysync-server'), join(folder, 'direct'))
  symlinkSync('direct', join(folder, 'indirect'))
  const help = spawnSync('./indirect', ['--help'], { cwd: folder, encoding: 'utf8' })
  assert.deepEqual([help.status, help.stderr], [0, ''])
  assert.match(help.stdout, /^Usage: anysync-server/)
  symlinkSync(join(project, 'bin', 'run.sh'), join(folder, 'run'))
  const home = join(folder, 'home')
  const { child } = await launch(t, join(folder, 'run'), ['--home', home, '--port', '0', '--host', '127.0.0.1'])
  const stopped = once(child, 'exit')
  child.kill('SIGINT')
  assert.deepEqual(await stopped, [0, null])
})

test('packages are installed where HOME cannot be written, and what npm fetched is not left behind', (t) => {
  if (process.platform === 'win32') return t.skip('the launchers are for sh')
  const folder = newFolder(t)
  const temp = join(folder, 'temp')
  for (const name of ['bin', 'tools', 'temp']) mkdirSync(join(folder, name))
  for (const name of ['anysync-server', 'launch.sh']) {
    copyFileSync(join(project, 'bin', name), join(folder, 'bin', name))
  }
  // Tells where it would keep what it fetches, and fails, so that nothing is run afterwards.
  writeFileSync(join(folder, 'tools', 'npm'), '#!/bin/sh\necho "cache=${npm_config_cache:-}"\nexit 1\n', {
    mode: 0o755,
  })
  const start = (home: string) =>
    spawnSync(join(folder, 'bin', 'anysync-server'), {
      env: { PATH: `${join(folder, 'tools')}:${process.env['PATH'] ?? ''}`, HOME: home, TMPDIR: temp },
      encoding: 'utf8',
    })
  const denied = start('/nonexistent')
  assert.equal(denied.status, 1)
  assert.match(denied.stderr, new RegExp(`^cache=${temp}/.`, 'm'))
  assert.deepEqual(readdirSync(temp), [])
  assert.match(start(folder).stderr, /^cache=$/m)
})
