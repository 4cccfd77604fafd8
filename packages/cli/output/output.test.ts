import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { explain, UsageError } from './fail.ts'
import { readPassword } from './password.ts'
import { createOutput, table } from './print.ts'
import { createProgress } from './progress.ts'
import { counted, formatBytes, formatSeconds, isoTime, shown } from './words.ts'

const paper = () => {
  const written: string[] = []
  return { written, write: (text: string) => written.push(text) }
}

const runProgress = (isLive: boolean, flags = {}) => {
  const out = paper()
  let nowMs = 0
  const step = { phase: 'pull', files: 1, filesTotal: 4, bytes: 0, bytesTotal: 40 * 2 ** 20 }
  using progress = createProgress({ out, isLive, nowMs: () => nowMs, ...flags })
  for (let second = 1; second <= 20; second++) {
    nowMs += 1000
    progress.report({ ...step, bytes: second * 2 ** 20 })
  }
  return out.written
}

const line = (error: SyncError) => explain(error).lines[0]

const fromFile = async (content: string | Uint8Array) => {
  const folder = await mkdtemp(join(tmpdir(), 'anysync-password-'))
  try {
    await writeFile(join(folder, 'file'), content)
    return await readPassword({ passwordFile: join(folder, 'file') }, 'Password', true)
  } finally {
    await rm(folder, { recursive: true })
  }
}

suite('words', () => {
  test('sizes and times are short and readable', () => {
    const sizes = [0, 1023, 1024, 1536, 10 * 1024, 1000 * 1024, 5 * 2 ** 40].map(formatBytes)
    assert.deepEqual(sizes, ['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '10 KiB', '1.0 MiB', '5.0 TiB'])
    assert.deepEqual([0.2, 59, 95, 7300].map(formatSeconds), ['1 s', '59 s', '1 min 35 s', '2 h 1 min'])
    assert.deepEqual([counted(1, 'file'), counted(12_345, 'file')], ['1 file', '12,345 files'])
  })

  test('an ISO time keeps its nanoseconds, before 1970 too', () => {
    assert.equal(isoTime(1_700_000_000_123_456_789n), '2023-11-14T22:13:20.123456789Z')
    assert.equal(isoTime(-1n), '1969-12-31T23:59:59.999999999Z')
  })

  test('names cannot command the terminal or turn writing around', () => {
    assert.equal(shown('a\u001b[31m\nb\u009b\u202etxt.exe'), 'a\\x1b[31m\\x0ab\\x9b\\u202etxt.exe')
    assert.equal(shown('Grüße 🎉 日本'), 'Grüße 🎉 日本')
  })
})

suite('output', () => {
  test('with --json standard output holds documents and nothing else', () => {
    const [out, err] = [paper(), paper()]
    const output = createOutput({ json: true }, out, err)
    output.say('for people')
    output.tell({ time: 1_700_000_000_123_456_789n, size: 5n })
    output.note('beside it')
    assert.deepEqual(out.written, ['{"time":"1700000000123456789","size":5}\n'])
    assert.deepEqual(err.written, ['beside it\n'])
  })

  test('without it people get lines, and --quiet keeps only the answer', () => {
    const [out, err] = [paper(), paper()]
    const output = createOutput({ quiet: true }, out, err)
    output.say('the answer')
    output.tell({})
    output.note('beside it')
    assert.deepEqual([out.written, err.written], [['the answer\n'], []])
  })

  test('tables line up', () => {
    const rows = table([
      ['1', 'long name', 'x'],
      ['12', 'b', 'yy'],
    ])
    assert.deepEqual(rows, ['1   long name  x', '12  b          yy'])
  })
})

suite('progress', () => {
  test('a terminal gets one live line, which is wiped at the end', () => {
    const written = runProgress(true)
    assert.equal(written.length, 21)
    assert.equal(written[19], '\r\u001b[2Kpull: 1 of 4 files, 20 MiB of 40 MiB, 1.0 MiB/s, 20 s left')
    assert.equal(written[20], '\r\u001b[2K')
  })

  test('elsewhere there is a plain line every few seconds', () => {
    const written = runProgress(false)
    assert.equal(written.length, 4)
    assert.equal(written[3], 'pull: 1 of 4 files, 20 MiB of 40 MiB, 1.0 MiB/s, 20 s left\n')
  })

  test('--quiet and --json are silent', () => {
    assert.deepEqual(runProgress(true, { quiet: true }), [])
    assert.deepEqual(runProgress(false, { json: true }), [])
  })
})

suite('failures', () => {
  test('trouble is one line that says what to do, and exit code 1', () => {
    assert.equal(
      line(new SyncError('x', 'full', 'the disk is full')),
      'the disk is full; free some space and try again',
    )
    assert.equal(
      line(new SyncError('x', 'full', 'the disk is full: delete\n something')),
      'the disk is full: delete something',
    )
    assert.equal(line(new SyncError('x', 'missing', 'no \u001b vault')), 'no \\x1b vault')
    assert.equal(line(new SyncError('x', 'unauthorized', 'no token')), 'no token; sign in again with `anysync login`')
    assert.equal(line(new SyncError('x', 'unauthorized', 'no token: log in again')), 'no token: log in again')
    assert.equal(explain(new SyncError('x', 'corrupt', 'bad')).exitCode, 1)
  })

  test('a wrong use is exit code 2', () => {
    assert.deepEqual(explain(new UsageError('no folder')), { lines: ['no folder'], exitCode: 2 })
  })

  test('a bug shows its trace', () => {
    const { lines, exitCode } = explain(new TypeError('x is not a function'))
    assert.equal(exitCode, 1)
    assert.match(lines.join('\n'), /bug[^]*TypeError: x is not a function\n\s+at /)
  })
})

suite('passwords', () => {
  test('a file gives its content but for one line break at the end', async () => {
    assert.equal(await fromFile('correct horse\n'), 'correct horse')
    assert.equal(await fromFile('two\r\n'), 'two')
    assert.equal(await fromFile(' spaces stay \n\n'), ' spaces stay \n')
    assert.equal(await fromFile('日本'), '日本')
  })

  test('what cannot be a password is refused', async () => {
    await assert.rejects(fromFile('x'.repeat(5000)), (error) => isTrouble(error, 'invalid'))
    await assert.rejects(fromFile(Uint8Array.of(0xff)), (error) => isTrouble(error, 'invalid'))
    await assert.rejects(readPassword({ passwordFile: '/nowhere' }, '', false), (error) => isTrouble(error, 'missing'))
  })
})
