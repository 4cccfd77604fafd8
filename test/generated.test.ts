/**
 * The generated code is committed so that nobody needs a generator to run AnySync; this proves that it is current.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { projectRoot } from './sources.ts'

const run = promisify(execFile)
const tools = join(projectRoot, 'node_modules', '.bin')

const filesIn = async (folder: string): Promise<Map<string, string>> => {
  const files = new Map<string, string>()
  for (const path of (await readdir(folder, { recursive: true })).sort()) {
    if (/\.(js|ts)$/.test(path)) files.set(path, await readFile(join(folder, path), 'utf8'))
  }
  return files
}

const buf = (...words: string[]) =>
  run(join(tools, 'buf'), words, {
    cwd: projectRoot,
    env: { ...process.env, PATH: `${tools}${delimiter}${process.env['PATH'] ?? ''}` },
  })

test('the generated code is what the protos generate', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'anysync-generated-'))
  try {
    await buf('generate', '--output', folder)
    const fresh = await filesIn(join(folder, 'packages/protocol/gen'))
    const committed = await filesIn(join(projectRoot, 'packages/protocol/gen'))
    assert.deepEqual([...committed.keys()], [...fresh.keys()])
    for (const [path, text] of fresh) assert.equal(committed.get(path), text, `${path}: run npm run generate`)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('the protos pass their linter', async () => {
  await buf('lint')
})
