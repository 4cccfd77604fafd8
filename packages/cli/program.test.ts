import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CommanderError, type Command } from 'commander'
import { exitCodes } from './output/fail.ts'
import { buildProgram } from './program.ts'
import { version } from './version.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

const anysync = async (...words: string[]) => {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...words])
    return { code: 0, stdout, stderr }
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error && 'stdout' in error && 'stderr' in error)
    return { code: error.code, stdout: String(error.stdout), stderr: String(error.stderr) }
  }
}

const everyCommand = (command: Command): Command[] => [command, ...command.commands.flatMap(everyCommand)]

test('every command explains itself, and takes the options that all take', () => {
  const commands = everyCommand(buildProgram(() => undefined)).filter((command) => command.commands.length === 0)
  assert.equal(commands.length, 32)
  for (const command of commands) {
    assert.ok(command.description() !== '', command.name())
    const options = command.options.map(({ long }) => long)
    for (const option of ['--home', '--account', '--json', '--quiet'])
      assert.ok(options.includes(option), command.name())
  }
})

test('options may stand before the name of a command and after it', async () => {
  const program = buildProgram(() => undefined)
  const given: unknown[] = []
  for (const command of program.commands) {
    if (command.name() === 'whoami')
      command.action((_own, command: Command) => void given.push(command.optsWithGlobals()))
  }
  await program.parseAsync(['--home', 'here', 'whoami', '--json'], { from: 'user' })
  assert.deepEqual(given, [{ home: 'here', json: true }])
})

test('a wrong use throws what becomes exit code 2', async () => {
  for (const words of [['nonsense'], ['sync', '--nonsense'], ['cat'], ['add', 'x'], ['sync', 'a', 'b']]) {
    const program = buildProgram(() => undefined)
    for (const command of everyCommand(program)) command.exitOverride().configureOutput({ writeErr: () => undefined })
    await assert.rejects(program.parseAsync(words, { from: 'user' }), (error) => error instanceof CommanderError)
  }
})

test('help and version go to standard output, and a failure is one line on standard error', async () => {
  const help = await anysync('--help')
  assert.deepEqual([help.code, help.stderr], [exitCodes.done, ''])
  assert.match(help.stdout, /^Usage: anysync/)
  assert.deepEqual(await anysync('--version'), { code: 0, stdout: `${version}\n`, stderr: '' })
  const failed = await anysync('whoami', '--home', '/nowhere', '--json')
  assert.deepEqual([failed.code, failed.stdout], [exitCodes.failed, ''])
  assert.match(failed.stderr, /^anysync: nobody is signed in at \/nowhere: [^\n]+\n$/)
  const wrong = await anysync('nonsense')
  assert.deepEqual([wrong.code, wrong.stdout], [exitCodes.usage, ''])
  assert.match(wrong.stderr, /^anysync: unknown command 'nonsense' [^\n]+\n$/)
})

test('help loads nothing that it does not need', async () => {
  // What is loaded takes time: this holds `--help` under a tenth of a second without a clock in the test.
  const script = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ load: (url, context, next) => (seen.push(url), next(url, context)) })
    process.argv = [process.argv[0], 'anysync', '--help']
    await import(${JSON.stringify(main)})
    process.stderr.write(seen.filter((url) => !url.startsWith('node:')).length.toString())`
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  assert.ok(Number(stderr) > 3 && Number(stderr) < 25, stderr)
})
