import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { LogFile } from './log-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'anysync-log-'))
after(() => rmSync(folder, { recursive: true }))

test('a log begins anew when it is large, keeps the one before, and is for its owner alone', () => {
  const path = join(folder, 'log')
  using log = new LogFile(path, 20)
  for (let line = 0; line < 9; line++) log.write(`line ${line}\n`)
  assert.equal(readFileSync(`${path}.1`, 'utf8'), 'line 3\nline 4\nline 5\n')
  assert.equal(readFileSync(path, 'utf8'), 'line 6\nline 7\nline 8\n')
  if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a log goes on in the file that is there', () => {
  const path = join(folder, 'again')
  for (const line of ['one\n', 'two\n']) {
    using log = new LogFile(path)
    log.write(line)
  }
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
})

const full = '/dev/full'

test('a full disk loses lines and stops nobody', { skip: !existsSync(full) }, () => {
  const path = join(folder, 'full')
  symlinkSync(full, path)
  using log = new LogFile(path)
  log.write('one\n')
  log.write('two\n')
  assert.equal(log.lost, 2)
})
