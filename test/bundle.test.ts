/**
 * The launchers of a copy of this project: they start a bundle of the sources as they are, make it where nobody
 * develops, and never start one that is older than a source.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { projectRoot } from './sources.ts'
import { makeScratch } from './support/scratch.ts'

/** A project like this one, without a developer's tools and without a bundle. */
const copyProject = (folder: string): void => {
  for (const name of ['bin', 'packages', 'package.json', 'package-lock.json'])
    cpSync(join(projectRoot, name), join(folder, name), { recursive: true })
  const modules = join(projectRoot, 'node_modules')
  mkdirSync(join(folder, 'node_modules/@anysync'), { recursive: true })
  for (const name of readdirSync(modules)) {
    if (['.cache', '@anysync', 'oxlint'].includes(name)) continue
    symlinkSync(join(modules, name), join(folder, 'node_modules', name))
  }
  for (const name of readdirSync(join(folder, 'packages')))
    symlinkSync(join(folder, 'packages', name), join(folder, 'node_modules/@anysync', name))
}

const environment = (folder: string, tools: string[] = []): NodeJS.ProcessEnv => ({
  PATH: [...tools, process.env['PATH'] ?? ''].join(':'),
  HOME: folder,
})

/** What it said until it was ready. */
const readiness = (child: ChildProcess): Promise<string> => {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
    if (/^ready /m.test(text)) resolve(text)
  })
  child.once('exit', () => reject(new Error(`it ended before it was ready:\n${text}`)))
  return promise
}

/** Starts the server, and tells what was started; the server ends with the test. */
const startServer = async (t: TestContext, folder: string, tools: string[] = []) => {
  const words = ['run', '--home', join(folder, 'server'), '--port', '0', '--host', '127.0.0.1']
  const child = spawn(join(folder, 'bin/anysync-server'), words, {
    env: environment(folder, tools),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const link = /https:\S+join#\S+/.exec(await readiness(child))?.[0] ?? ''
  const command = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').split('\0')
  const stop = async (): Promise<void> => {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
  }
  return { link, stop, said: () => said, entry: command.find((word) => /\.[jt]s$/.test(word)) ?? '' }
}

test('the launchers start a bundle of the sources as they are, and make it where nobody develops', async (t) => {
  if (!existsSync('/proc/self/cmdline')) return t.skip('what was started is read from /proc')
  using scratch = makeScratch('bundle')
  const folder = scratch.folder('project')
  copyProject(folder)
  const bundled = join(folder, 'node_modules/.cache/bundle/server.js')
  const source = join(folder, 'packages/server/main.ts')

  const first = await startServer(t, folder)
  assert.equal(first.entry, bundled)
  assert.doesNotMatch(first.said(), /^anysync-server: /m)

  const anysync = (...words: string[]): string => {
    const { status, stdout, stderr } = spawnSync(
      join(folder, 'bin/anysync'),
      [...words, '--home', join(folder, 'home')],
      {
        env: environment(folder),
        encoding: 'utf8',
      },
    )
    assert.equal(status, 0, stderr)
    return stdout
  }
  writeFileSync(join(folder, 'password'), 'correct horse battery')
  const files = join(folder, 'files')
  mkdirSync(files)
  // Enough to be worth threads.
  writeFileSync(join(files, 'large'), Buffer.alloc(20_000_000, 'one line that comes again and again\n'))
  anysync('signup', first.link, '--email', 'ann@example.org', '--password-file', join(folder, 'password'))
  anysync('add', files, '--vault', 'photos', '--create')
  anysync('sync')
  anysync('start')
  try {
    assert.equal(JSON.parse(anysync('status', '--json')).folders[0].state, 'up-to-date')
  } finally {
    anysync('stop')
  }
  await first.stop()

  await t.test('a source that changed is what runs, where somebody develops', async () => {
    mkdirSync(join(folder, 'node_modules/oxlint'))
    appendFileSync(join(folder, 'packages/protocol/limits.ts'), '\n// changed\n')
    // As a source is that was put back from a backup: it was written long ago.
    utimesSync(join(folder, 'packages/protocol/limits.ts'), 1_000_000_000, 1_000_000_000)
    const server = await startServer(t, folder)
    assert.equal(server.entry, source)
    await server.stop()
    rmdirSync(join(folder, 'node_modules/oxlint'))
  })

  await t.test('and is bundled anew where nobody does', async () => {
    const server = await startServer(t, folder)
    assert.equal(server.entry, bundled)
    await server.stop()
  })

  await t.test('where nobody can tell whether a source changed, the sources run', async () => {
    mkdirSync(join(folder, 'tools'))
    writeFileSync(join(folder, 'tools/find'), '#!/bin/sh\nexit 1\n')
    chmodSync(join(folder, 'tools/find'), 0o755)
    const before = readdirSync(join(folder, 'node_modules/.cache'))
    const server = await startServer(t, folder, [join(folder, 'tools')])
    assert.equal(server.entry, source)
    assert.deepEqual(readdirSync(join(folder, 'node_modules/.cache')), before)
    await server.stop()
  })

  await t.test('what cannot be bundled runs from its sources, and says so', async () => {
    writeFileSync(join(folder, 'bin/bundle.ts'), 'process.exit(1)\n')
    appendFileSync(join(folder, 'packages/protocol/limits.ts'), '\n// changed again\n')
    const server = await startServer(t, folder)
    assert.equal(server.entry, source)
    assert.match(server.said(), /starts from its sources/)
    await server.stop()
  })
})
