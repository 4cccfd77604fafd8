/**
 * The demonstration for newcomers tells its story to the end, and leaves nothing behind however it ends.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeScratch, type Scratch } from './support/scratch.ts'
import { projectRoot } from './sources.ts'
import { treeOf } from './support/tree.ts'

/** The demonstration with a temporary folder of its own, so that what it leaves there is seen. */
const startDemo = (scratch: Scratch, words: string[]) => {
  const temporary = scratch.folder('temporary')
  const child = spawn(join(projectRoot, 'bin/demo.sh'), words, {
    env: { PATH: process.env['PATH'] ?? '', HOME: scratch.folder('home'), TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = once(child, 'close').then(([exitCode]) => ({ exitCode: Number(exitCode), stdout, stderr }))
  return { child, ended, left: () => readdirSync(temporary), written: () => stdout }
}

test('the demonstration tells its story to the end and cleans up', { timeout: 120_000 }, async () => {
  using scratch = makeScratch('demo')
  const folder = scratch.folder('given')
  writeFileSync(join(folder, 'a file with a name of its own'), 'something')
  symlinkSync('..', join(folder, 'around'))
  const before = treeOf(folder)
  const { ended, left } = startDemo(scratch, [folder])
  const { exitCode, stdout, stderr } = await ended
  assert.equal(exitCode, 0, stdout + stderr)
  assert.equal(stderr, '')
  assert.match(stdout, /both folders are the same to the last byte/)
  assert.match(stdout, /to Bob \(conflict laptop [\d -]+\)\.txt/)
  assert.match(stdout, /restored 1 file/)
  assert.equal(stdout.match(/^ +nothing$/gm)?.length, 3, stdout)
  assert.doesNotMatch(stdout, /#i=[\w-]{7}/, 'it shows an invitation whole')
  assert.deepEqual(left(), [])
  assert.deepEqual(treeOf(folder), before, 'the given folder was changed')
})

test('the demonstration cleans up when it is interrupted', { timeout: 60_000 }, async () => {
  using scratch = makeScratch('demo')
  const { child, ended, left, written } = startDemo(scratch, [scratch.folder('given')])
  while (!written().includes('3. The laptop')) await once(child.stdout, 'data')
  child.kill('SIGINT')
  const { exitCode, stdout } = await ended
  assert.equal(exitCode, 130)
  assert.doesNotMatch(stdout, /6\. Deleted/)
  assert.deepEqual(left(), [])
})

test('the demonstration says in one sentence what it cannot do', { timeout: 30_000 }, async () => {
  using scratch = makeScratch('demo')
  for (const folder of ['/nowhere', scratch.path]) {
    const { ended, left } = startDemo(scratch, [folder])
    const { exitCode, stderr } = await ended
    assert.equal(exitCode, 1)
    assert.match(stderr, /^demo\.sh: [^\n]+\n$/)
    assert.deepEqual(left(), [])
  }
})
