/**
 * The real programs as real processes: started with an environment of their own, watched to their end, and killed when
 * they take too long or when the test dies first.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { projectRoot } from '../sources.ts'

export type Program = 'anysync' | 'anysync-server'

const sources: Record<Program, string> = {
  anysync: 'packages/cli/main.ts',
  'anysync-server': 'packages/server/main.ts',
}

/** What the launchers would start: the bundle, or the sources when they have changed since. */
const entryOf = (program: Program): string =>
  execFileSync('sh', [
    '-euc',
    'project=$1 modules=$1/node_modules entry=$2; . "$1/bin/entry.sh"; printf %s "$start"',
    'sh',
    projectRoot,
    sources[program],
  ]).toString()

export const entries: Record<Program, string> = {
  anysync: entryOf('anysync'),
  'anysync-server': entryOf('anysync-server'),
}

/** As `bin/launch.sh` has it. */
const youngSpace: Record<Program, string> = {
  anysync: '--max-semi-space-size=4',
  'anysync-server': '--max-semi-space-size=2',
}

export type Result = {
  /** What was run, for messages. */
  command: string
  /** Null when a signal ended it. */
  exitCode: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  ms: number
}

export type RunOptions = {
  /** Where the program's home is, by `--home`, and what it takes for the user's. */
  home: string
  /** Standard input; none unless told otherwise. */
  input?: string
  cwd?: string
  timeoutMs?: number
}

export type Running = {
  pid: number
  result: Promise<Result>
  /** Asks now and whenever the program writes something; resolves with the first answer. Rejects when it ends without. */
  until<Answer>(isSo: () => Answer | null): Promise<Answer>
  /** The first line of standard output that fits, in the same way. */
  line(pattern: RegExp): Promise<RegExpExecArray>
  /** What it wrote so far. */
  written(): { stdout: string; stderr: string }
  /** Nothing, when it has ended already. */
  kill(signal: NodeJS.Signals): void
}

/** For anything that should take a second or two on a slow machine. */
const timeoutMsDefault = 60_000

const running = new Set<Running>()
const killAll = () => {
  for (const one of running) one.kill('SIGKILL')
}
// Before temporary folders are removed, or what still runs would write there again.
process.prependOnceListener('exit', killAll)
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const) {
  process.once(signal, () => process.exit(128 + number))
}

/** Nothing of the tester's own environment decides what a program does; the rest is as `bin/launch.sh` has it. */
export const environmentFor = (home: string): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'] ?? '',
  HOME: home,
  LANG: 'C.UTF-8',
  TZ: 'UTC',
  NO_COLOR: '1',
  MALLOC_ARENA_MAX: '2',
  NODE_COMPILE_CACHE: join(projectRoot, 'node_modules/.cache/compiled'),
})

export const start = (program: Program, words: string[], options: RunOptions): Running => {
  const { home, input = '', cwd = home, timeoutMs = timeoutMsDefault } = options
  const startedMs = performance.now()
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', youngSpace[program], entries[program], ...words, '--home', home],
    { cwd, env: environmentFor(home), stdio: ['pipe', 'pipe', 'pipe'] },
  )
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // A program that does not read its input may close it.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)

  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, timeoutMs)
  const command = `${program} ${words.join(' ')}`
  const result = once(child, 'close').then(([exitCode, signal]): Result => {
    clearTimeout(timer)
    running.delete(started)
    const ended = { command, exitCode, signal, stdout, stderr, ms: performance.now() - startedMs }
    if (isLate) throw new Error(`took more than ${timeoutMs} ms\n${described(ended)}`)
    return ended
  })
  // Whoever waits for it is told; nobody need wait.
  result.catch(() => undefined)

  const started: Running = {
    pid: child.pid ?? 0,
    result,
    until: async (isSo) => {
      for (;;) {
        const answer = isSo()
        if (answer !== null) return answer
        const ended = await Promise.race([once(child.stdout, 'data').then(() => null), result])
        if (ended !== null) throw new Error(`ended before what was waited for\n${described(ended)}`)
      }
    },
    line: (pattern) =>
      started.until(() => {
        const lines = stdout.split('\n').slice(0, -1)
        return lines.map((line) => pattern.exec(line)).find((match) => match !== null) ?? null
      }),
    written: () => ({ stdout, stderr }),
    kill: (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    },
  }
  running.add(started)
  return started
}

/** Runs to the end, whatever the exit code. */
export const run = (program: Program, words: string[], options: RunOptions): Promise<Result> =>
  start(program, words, options).result

/** All that is known of a run, for the message of a failed assertion. */
export const described = ({ command, exitCode, signal, stdout, stderr, ms }: Result): string =>
  [
    `${command}: ${signal === null ? `exit code ${String(exitCode)}` : signal} after ${Math.round(ms)} ms`,
    `standard output: ${clipped(stdout)}`,
    `standard error: ${clipped(stderr)}`,
  ].join('\n')

const clipped = (text: string): string => (text.length > 4000 ? `${text.slice(0, 2000)} … ${text.slice(-2000)}` : text)

export const assertDone = (result: Result): Result => {
  assert.equal(result.exitCode, 0, described(result))
  return result
}

/** The JSON documents on standard output, one a line, and nothing else there. */
export const documentsOf = (result: Result): unknown[] =>
  result.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => {
      try {
        return JSON.parse(line)
      } catch (cause) {
        throw new Error(`standard output holds a line that is not JSON: ${line}\n${described(result)}`, { cause })
      }
    })
